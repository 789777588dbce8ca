#include "collector/container/oom_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/logging.h"
#include "collector/cgroup/cgroup_name.h"

namespace hinomi {
namespace {

constexpr std::string_view kRecord = "oom-kill:";
constexpr std::string_view kCgroup = ",task_memcg=";
constexpr std::string_view kTask = ",task=";
constexpr size_t kRecordBytesMax = 8 << 10;  // of the kernel's own
constexpr std::chrono::milliseconds kPause{1000};
// The runtime's word for who a new container is may take so long.
constexpr Duration kPatience = std::chrono::seconds(10);
constexpr size_t kContainersMax = 1000;

}  // namespace

std::optional<std::string_view> OomKilledCgroup(std::string_view record) {
  const size_t text = record.find(';');
  if (text == std::string_view::npos) return std::nullopt;
  record.remove_prefix(text + 1);
  if (!record.starts_with(kRecord)) return std::nullopt;
  const size_t begin = record.find(kCgroup);
  const size_t end = record.rfind(kTask);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return std::nullopt;
  }
  return record.substr(begin + kCgroup.size(), end - begin - kCgroup.size());
}

std::optional<ContainerPaths> ContainerOfPath(std::string_view path) {
  ContainerPaths found;
  bool in_slice = false;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const CgroupKind kind = ParseCgroupName(path.substr(begin, end - begin), in_slice).kind;
    in_slice = kind == CgroupKind::kSlice;
    if (kind == CgroupKind::kPod) found = {path.substr(0, end), {}};
    if (kind == CgroupKind::kContainer && !found.pod.empty()) found.container = path.substr(0, end);
    begin = end + 1;
  }
  if (found.container.empty()) return std::nullopt;
  return found;
}

OomWatch::OomWatch(const Parts& parts)
    : parts_(parts), names_({parts.host, parts.config, parts.metadata}) {
  unnamed_ = parts.metrics.CounterOf("hinomi_oom_kills_unnamed_total",
                                     "OOM kills in containers of pods that nobody knows by name.");
}

void OomWatch::Take(std::string_view record) {
  const std::optional<std::string_view> cgroup = OomKilledCgroup(record);
  if (!cgroup) return;
  const std::optional<ContainerPaths> paths = ContainerOfPath(*cgroup);
  if (!paths) return;
  const std::string container(paths->container);
  if (kills_.size() >= kContainersMax && !kills_.contains(container)) kills_.clear();
  const uint64_t number = ++kills_[container];
  unsettled_.push_back({container, number, parts_.clock.Monotonic()});
}

void OomWatch::Settle() {
  if (unsettled_.empty()) return;
  names_.Begin();
  const Duration now = parts_.clock.Monotonic();
  std::erase_if(unsettled_, [&](const Kill& kill) {
    Cgroup pod, container;
    pod.kind = CgroupKind::kPod;
    pod.path = ContainerOfPath(kill.cgroup)->pod;
    container.kind = CgroupKind::kContainer;
    container.path = kill.cgroup;
    container.pod = &pod;
    const ContainerName name = names_.Of(container, /*process=*/0);
    if (!name.container.empty()) {
      parts_.oom_kills.Observe({name.namespace_name, name.pod, name.container}, container.id(),
                               kill.number);
      return true;
    }
    const bool in_vain = now >= kill.at + kPatience;
    if (in_vain) unnamed_.Add();
    return in_vain;
  });
}

void OomWatch::Run(const std::stop_token& stop) {
  const std::string path = parts_.host.PathOf("/dev/kmsg");
  const int file = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    const Error error = IoError("read", path, errno);
    log::Info("{}; OOM kills are counted by scrapes and the runtime alone", error.message);
    return;
  }
  lseek(file, 0, SEEK_END);
  std::array<char, kRecordBytesMax> record;
  while (!stop.stop_requested()) {
    const ssize_t bytes = read(file, record.data(), record.size());
    if (bytes > 0) {
      Take({record.data(), static_cast<size_t>(bytes)});
      continue;
    }
    // EPIPE: older records were overwritten; the next read goes on behind them.
    if (bytes < 0 && errno == EPIPE) continue;
    if (bytes == 0 || (errno != EAGAIN && errno != EINTR)) break;
    Settle();
    pollfd wait = {.fd = file, .events = POLLIN, .revents = 0};
    poll(&wait, 1, static_cast<int>(kPause.count()));
  }
  close(file);
}

}  // namespace hinomi
