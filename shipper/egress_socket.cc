#include "shipper/egress_socket.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>

namespace hinomi {
namespace {

// Ethernet, IP, and TCP with timestamps.
constexpr uint64_t kHeaderBytes = 14 + 20 + 32;
constexpr uint64_t kHeaderBytesOfIpv6 = 14 + 40 + 32;
// Of a full segment, what is not header: the kernel paces payload.
constexpr double kPayloadShare = 1448.0 / (1448 + kHeaderBytes);
// Larger ones than Ethernet's, as on loopback, would be too much at once.
constexpr int kSegmentBytesMax = 1460;

template <typename T>
bool Set(int socket, int level, int option, const T& value) {
  return setsockopt(socket, level, option, &value, sizeof(value)) == 0;
}

int FamilyOf(int socket) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof(family);
  getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return family;
}

/// `address` for a socket of `family`: one of IPv6 takes an IPv4 address as ::ffff:a.b.c.d.
bool AddressOf(const std::string& address, int family, sockaddr_storage* out, socklen_t* size) {
  if (family == AF_INET) {
    auto* const ipv4 = reinterpret_cast<sockaddr_in*>(out);
    ipv4->sin_family = AF_INET;
    *size = sizeof(*ipv4);
    return inet_pton(AF_INET, address.c_str(), &ipv4->sin_addr) == 1;
  }
  auto* const ipv6 = reinterpret_cast<sockaddr_in6*>(out);
  ipv6->sin6_family = AF_INET6;
  *size = sizeof(*ipv6);
  return inet_pton(AF_INET6, address.c_str(), &ipv6->sin6_addr) == 1 ||
         inet_pton(AF_INET6, ("::ffff:" + address).c_str(), &ipv6->sin6_addr) == 1;
}

bool SpeaksIpv6(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
  return peer.ss_family == AF_INET6 &&
         !IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<sockaddr_in6*>(&peer)->sin6_addr);
}

}  // namespace

Result<void> BindEgress(int socket, const SinkEgressConfig& path) {
  if (!path.device.empty()) {
    ifreq device{};
    path.device.copy(device.ifr_name, sizeof(device.ifr_name) - 1);
    if (!Set(socket, SOL_SOCKET, SO_BINDTODEVICE, device)) {
      return IoError("bind to", path.device, errno);
    }
  }
  if (path.source_address.empty()) return {};
  sockaddr_storage address{};
  socklen_t size = 0;
  if (!AddressOf(path.source_address, FamilyOf(socket), &address, &size)) {
    return IoError("bind to", path.source_address, EAFNOSUPPORT);
  }
  // The port is chosen when it is known who is called: else there is one use of each.
  Set(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  if (bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0) return {};
  return IoError("bind to", path.source_address, errno);
}

EgressUse ReadEgressUse(int socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  constexpr uint8_t kEstablished = 1, kSynSent = 2;
  const uint64_t header = SpeaksIpv6(socket) ? kHeaderBytesOfIpv6 : kHeaderBytes;
  return {info.tcpi_bytes_sent + info.tcpi_segs_out * header,
          info.tcpi_state == kEstablished || info.tcpi_state == kSynSent};
}

void PaceEgress(int socket, double bytes_per_second) {
  const bool limited = std::isfinite(bytes_per_second);
  Set(socket, SOL_SOCKET, SO_MAX_PACING_RATE,
      limited ? static_cast<uint64_t>(std::max(1.0, bytes_per_second * kPayloadShare)) : ~0ull);
  if (limited) Set(socket, IPPROTO_TCP, TCP_MAXSEG, kSegmentBytesMax);
}

void DropUnsent(int socket) {
  int unsent = 0;
  if (ioctl(socket, SIOCOUTQNSD, &unsent) != 0 || unsent == 0) return;
  Set(socket, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
}

}  // namespace hinomi
