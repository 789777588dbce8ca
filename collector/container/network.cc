#include "collector/container/network.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "collector/words.h"

namespace hinomi {

void ParseInterfaces(std::string_view text, std::vector<InterfaceCounts>* interfaces) {
  while (std::optional<std::string_view> line = TakeLine(&text)) {
    const size_t colon = line->rfind(':');          // an alias has one in its name
    if (colon == std::string_view::npos) continue;  // the two lines of the head
    std::string_view name = line->substr(0, colon);
    name.remove_prefix(std::min(name.size(), name.find_first_not_of(' ')));
    line->remove_prefix(colon + 1);
    uint64_t counts[16] = {};
    bool complete = !name.empty();
    for (uint64_t& count : counts) {
      const std::optional<uint64_t> value = ParseCount(TakeWord(&*line));
      complete = complete && value;
      count = value.value_or(0);
    }
    if (!complete) continue;
    interfaces->push_back({name, counts[0], counts[1], counts[2], counts[3], counts[8], counts[9],
                           counts[10], counts[11]});
  }
}

bool IsContainersInterface(std::string_view name) {
  return name != "lo" && !name.starts_with("veth") && !name.starts_with("docker");
}

void Watched::Watch(uint32_t process) {
  Forget();
  process_ = process;
  descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
}

void Watched::Forget() {
  if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
  process_ = 0;
}

std::optional<bool> Watched::Alive() const {
  if (descriptor_ < 0) return std::nullopt;
  pollfd watched = {descriptor_, POLLIN, 0};
  return poll(&watched, 1, 0) == 0;  // it is readable once the process has ended
}

uint64_t NetworkNamespaceOf(const Host& host, uint32_t process) {
  struct stat status = {};
  const std::string path = host.PathOf("/proc/" + std::to_string(process) + "/ns/net");
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace hinomi
