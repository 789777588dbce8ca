#include "base/directory_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hinomi {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                           IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW |
                           IN_EXCL_UNLINK;

class InotifyWatcher final : public DirectoryWatcher {
 public:
  InotifyWatcher(int inotify, int event) : inotify_(inotify), event_(event) {}
  ~InotifyWatcher() override {
    close(inotify_);
    close(event_);
  }
  InotifyWatcher(const InotifyWatcher&) = delete;
  InotifyWatcher& operator=(const InotifyWatcher&) = delete;

  Result<int> Add(const std::string& path) override {
    const int watch = inotify_add_watch(inotify_, path.c_str(), kMask);
    if (watch >= 0) return watch;
    Error error = IoError("watch", path, errno);
    if (errno == ENOSPC) error.message += " (raise fs.inotify.max_user_watches)";
    return error;
  }

  void Remove(int watch) override { inotify_rm_watch(inotify_, watch); }

  void Wait(Duration timeout, std::vector<WatchEvent>* events) override {
    pollfd polled[] = {{inotify_, POLLIN, 0}, {event_, POLLIN, 0}};
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    if (poll(polled, 2, static_cast<int>(wait)) <= 0) return;
    if ((polled[1].revents & POLLIN) != 0) {
      uint64_t count = 0;
      if (read(event_, &count, sizeof count) < 0) return;
    }
    while (true) {
      const ssize_t size = read(inotify_, buffer_, sizeof buffer_);
      if (size <= 0) return;
      Append(static_cast<size_t>(size), events);
    }
  }

  void Interrupt() override {
    const uint64_t one = 1;
    // It can only fail when the counter is full, and then the other side wakes up anyway.
    [[maybe_unused]] const ssize_t ignored = write(event_, &one, sizeof one);
  }

 private:
  void Append(size_t size, std::vector<WatchEvent>* events) {
    for (size_t at = 0; at < size;) {
      inotify_event event = {};
      std::memcpy(&event, buffer_ + at, sizeof event);
      const char* name = event.len > 0 ? buffer_ + at + sizeof event : "";
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        events->push_back({WatchEvent::Kind::kOverflow, -1, ""});
      } else if ((event.mask & IN_IGNORED) != 0) {
        events->push_back({WatchEvent::Kind::kGone, event.wd, ""});
      } else if ((event.mask & IN_MOVE_SELF) != 0) {
        inotify_rm_watch(inotify_, event.wd);  // IN_IGNORED follows
      } else if ((event.mask & IN_MODIFY) != 0) {
        if (events->empty() || events->back().kind != WatchEvent::Kind::kModified ||
            events->back().watch != event.wd || events->back().name != name) {
          events->push_back({WatchEvent::Kind::kModified, event.wd, name});
        }
      } else if (event.len > 0) {
        events->push_back({WatchEvent::Kind::kNames, event.wd, name});
      }
    }
  }

  int inotify_;
  int event_;
  alignas(inotify_event) char buffer_[1 << 16];
};

}  // namespace

Result<std::unique_ptr<DirectoryWatcher>> MakeInotifyWatcher() {
  const int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify < 0) return IoError("start", "inotify", errno);
  const int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event < 0) {
    close(inotify);
    return IoError("start", "eventfd", errno);
  }
  return std::unique_ptr<DirectoryWatcher>(std::make_unique<InotifyWatcher>(inotify, event));
}

}  // namespace hinomi
