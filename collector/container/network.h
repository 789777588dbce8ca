// The network interfaces of containers: read where a process of theirs sees them.
// Source: /proc/PID/net/dev, Linux, of the network namespace of PID.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/host.h"

namespace hinomi {

/// Counts of one interface since it was made.
struct InterfaceCounts {
  std::string name;
  uint64_t received_bytes = 0, received_packets = 0, receive_errors = 0, receive_drops = 0;
  uint64_t sent_bytes = 0, sent_packets = 0, send_errors = 0, send_drops = 0;
};

/// The lines of /proc/PID/net/dev; those that are none are passed over. Appends to `interfaces`.
void ParseInterfaces(std::string_view text, std::vector<InterfaceCounts>* interfaces);

/// Not a container's own: loopback, and the node's ends of others' interfaces.
bool IsContainersInterface(std::string_view name);

/// A process that is looked at again and again, by its directory in /proc: so it is never taken for
/// another that gets its number once it has ended. Keeps neither it nor its network namespace
/// alive.
class WatchedProcess {
 public:
  WatchedProcess() = default;
  ~WatchedProcess() { Forget(); }
  WatchedProcess(const WatchedProcess&) = delete;
  WatchedProcess& operator=(const WatchedProcess&) = delete;

  void Watch(const Host& host, uint32_t process);
  void Forget();
  uint32_t process() const { return process_; }
  /// Its network namespace, as the number of its inode; zero when it has ended.
  uint64_t NetworkNamespace() const;
  /// What /proc/PID/net/dev says. Errors: io, also when it has ended.
  Result<void> ReadInterfaces(std::string* text) const;

 private:
  uint32_t process_ = 0;  // zero: none
  int directory_ = -1;
};

}  // namespace hinomi
