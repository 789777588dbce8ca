// Stands for an Elasticsearch of unlimited speed. One thread answers `_bulk` with success for every
// document after looking at it, so that a race is limited by the shipper, and what it lost, sent
// twice or broke is seen.
//
//   hinomi_counting_sink       prints {"port":N}, a free port of the loopback address, and ends
//                              with SIGTERM or SIGINT
//   GET /stats                 what was counted, as JSON (counts.h)
//   POST /written              the generator's summary: from now on what is missing counts as lost
//   POST .../_bulk             documents, each behind its action line; gzip, zstd or plain
//   POST .../jsonline          documents, one a line, as vlagent sends them to others
//
// Everything else that a client asks before it sends, such as templates, is granted. Not for
// hostile networks.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bench/race/counts.h"
#include "bench/race/inflate.h"

namespace hinomi::race {
namespace {

constexpr size_t kRequestBytesMax = 256 << 20;

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "cannot %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Request {
  std::string_view method;
  std::string_view path;
  std::string_view encoding;
  std::string_view body;
  size_t bytes = 0;  // with its head
};

struct Answer {
  int status = 200;
  std::string body = "{}";
};

constexpr std::string_view kCreated = R"({"create":{"status":201}})";
constexpr std::string_view kConflict =
    R"({"create":{"status":409,"error":{"type":"version_conflict_engine_exception",)"
    R"("reason":"document already exists"}}})";

/// The _id in an action line; empty if it has none.
std::string_view IdOf(std::string_view action) {
  constexpr std::string_view kName = R"("_id":)";
  const size_t name = action.find(kName);
  if (name == std::string_view::npos) return {};
  const size_t begin = action.find('"', name + kName.size());
  if (begin == std::string_view::npos) return {};
  return action.substr(begin + 1, action.find('"', begin + 1) - begin - 1);
}

/// What the server says, and what it remembers of what it was told.
class Peer {
 public:
  Answer AnswerTo(const Request& request) {
    if (request.path == "/stats") return {200, counts_.ToJson()};
    if (request.path == "/written") {
      return counts_.SetWritten(request.body) ? Answer() : Answer{400, "{}"};
    }
    if (request.path.ends_with("/_bulk")) return TakeDocuments(request, true);
    if (request.path.ends_with("/jsonline")) return TakeDocuments(request, false);
    if (request.method == "PUT") return {200, R"({"acknowledged":true})"};
    if (request.path == "/") {
      return {200, R"({"name":"race","cluster_name":"race","tagline":"You Know, for Search",)"
                   R"("version":{"number":"8.19.0","build_flavor":"default"}})"};
    }
    if (request.path == "/_license") {
      return {200, R"({"license":{"uid":"race","type":"basic","status":"active"}})"};
    }
    return {};
  }

 private:
  Answer TakeDocuments(const Request& request, bool bulk) {
    const auto documents = inflater_.Inflate(request.encoding, request.body);
    if (!documents) return {415, R"({"error":{"type":"race","reason":"unknown encoding"}})"};
    counts_.AddRequest(request.bytes);
    bool errors = false;
    const std::string items = ItemsOf(*documents, bulk, &errors);
    return {200, fmt::format(R"({{"took":1,"errors":{},"items":[{}]}})", errors, items)};
  }

  /// Counts documents and says of each what became of it.
  std::string ItemsOf(std::string_view lines, bool bulk, bool* errors) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    std::string items;
    std::string_view action;
    for (bool is_action = bulk; !lines.empty(); is_action = bulk && !is_action) {
      const size_t end = std::min(lines.find('\n'), lines.size() - 1);
      const std::string_view line = lines.substr(0, end + 1);
      lines.remove_prefix(end + 1);
      if (is_action) {
        action = line;
      } else if (line != "\n") {
        const bool stored =
            counts_.AddDocument(line, IdOf(action), static_cast<uint64_t>(microseconds));
        const bool refused = !stored && action.find(R"("create")") != std::string_view::npos;
        *errors = *errors || refused;
        if (!items.empty()) items += ',';
        items += refused ? kConflict : kCreated;
      }
    }
    return items;
  }

  Inflater inflater_;
  Counts counts_;
};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view HeaderOf(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (!std::equal(name.begin(), name.end(), line.begin(),
                    [](char a, char b) { return a == Lower(b); }))
      continue;
    std::string_view value = line.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

/// One client, with what it has sent but was not answered yet. Answers are small and clients wait
/// for them, so they are written at once.
struct Connection {
  int descriptor = -1;
  std::string received;
  size_t wanted = 0;  // bytes of the request that is arriving, once its head is there
  bool continued = false;

  ~Connection() { close(descriptor); }
};

class Server {
 public:
  Server() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0) Die("bind");
    if (listen(listener_, 64) != 0) Die("listen");
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("{\"port\":%d}\n", ntohs(address.sin_port));
    std::fflush(stdout);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
    poll_ = epoll_create1(EPOLL_CLOEXEC);
    Watch(listener_);
    Watch(signals_);
  }

  void Run() {
    while (true) {
      std::array<epoll_event, 64> events;
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) Die("wait for events");
      for (int i = 0; i < count; ++i) {
        const int descriptor = events[static_cast<size_t>(i)].data.fd;
        if (descriptor == signals_) return;
        if (descriptor == listener_) {
          Accept();
        } else if (!Read(connections_.at(descriptor).get())) {
          connections_.erase(descriptor);
        }
      }
    }
  }

 private:
  void Watch(int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &event) != 0) Die("watch a descriptor");
  }

  void Accept() {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    auto connection = std::make_unique<Connection>();
    connection->descriptor = descriptor;
    connections_[descriptor] = std::move(connection);
    Watch(descriptor);
  }

  /// False when the connection is over.
  bool Read(Connection* connection) {
    std::string& received = connection->received;
    constexpr size_t kReadBytes = 256 << 10;
    const size_t before = received.size();
    received.resize(before + kReadBytes);
    const ssize_t bytes = read(connection->descriptor, received.data() + before, kReadBytes);
    received.resize(before + static_cast<size_t>(std::max<ssize_t>(bytes, 0)));
    if (bytes <= 0 || received.size() > kRequestBytesMax) return false;
    while (!received.empty()) {
      const size_t head_end = received.find("\r\n\r\n");
      if (head_end == std::string::npos) return true;
      if (!TakeRequest(connection, head_end + 4)) return false;
      if (connection->wanted != 0) return true;
    }
    return true;
  }

  /// Answers the first request if it is complete; otherwise `wanted` says how long it will be.
  bool TakeRequest(Connection* connection, size_t head_bytes) {
    const std::string_view all = connection->received;
    const std::string_view head = all.substr(0, head_bytes);
    const std::string_view length = HeaderOf(head, "content-length");
    size_t body_bytes = 0;
    std::from_chars(length.data(), length.data() + length.size(), body_bytes);
    connection->wanted = head_bytes + body_bytes;
    if (all.size() < connection->wanted) {
      if (connection->continued || HeaderOf(head, "expect").empty()) return true;
      connection->continued = true;
      return Write(connection->descriptor, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    Request request;
    request.method = head.substr(0, head.find(' '));
    const std::string_view target = head.substr(std::min(head.size(), request.method.size() + 1));
    request.path = target.substr(0, target.find_first_of(" ?"));
    request.body = all.substr(head_bytes, body_bytes);
    request.encoding = HeaderOf(head, "content-encoding");
    request.bytes = connection->wanted;
    const bool good = Write(connection->descriptor, ToHttp(peer_.AnswerTo(request), request));
    connection->received.erase(0, connection->wanted);
    connection->wanted = 0;
    connection->continued = false;
    return good;
  }

  static std::string ToHttp(const Answer& answer, const Request& request) {
    return fmt::format(
        "HTTP/1.1 {} -\r\ncontent-type: application/json\r\nX-Elastic-Product: Elasticsearch\r\n"
        "content-length: {}\r\n\r\n{}",
        answer.status, answer.body.size(), request.method == "HEAD" ? "" : answer.body);
  }

  static bool Write(int descriptor, std::string_view text) {
    while (!text.empty()) {
      const ssize_t bytes = send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
      if (bytes <= 0) return false;
      text.remove_prefix(static_cast<size_t>(bytes));
    }
    return true;
  }

  int listener_ = -1;
  int signals_ = -1;
  int poll_ = -1;
  std::map<int, std::unique_ptr<Connection>> connections_;
  Peer peer_;
};

}  // namespace
}  // namespace hinomi::race

int main() { hinomi::race::Server().Run(); }
