#include "collector/container/network.h"

#include <fcntl.h>
#include <sys/stat.h>
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
    interfaces->push_back({std::string(name), counts[0], counts[1], counts[2], counts[3], counts[8],
                           counts[9], counts[10], counts[11]});
  }
}

bool IsContainersInterface(std::string_view name) {
  return name != "lo" && !name.starts_with("veth") && !name.starts_with("docker");
}

void WatchedProcess::Watch(const Host& host, uint32_t process) {
  Forget();
  process_ = process;
  const std::string path = host.PathOf("/proc/" + std::to_string(process));
  directory_ = open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void WatchedProcess::Forget() {
  if (directory_ >= 0) close(std::exchange(directory_, -1));
  process_ = 0;
}

uint64_t WatchedProcess::NetworkNamespace() const {
  struct stat status = {};
  return fstatat(directory_, "ns/net", &status, 0) == 0 ? status.st_ino : 0;
}

Result<void> WatchedProcess::ReadInterfaces(std::string* text) const {
  return Host::ReadAt(directory_, "net/dev", text);
}

}  // namespace hinomi
