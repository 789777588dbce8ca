// A bench tool: stands for an Elasticsearch of unlimited speed. One thread answers `_bulk` with
// success for every document after counting it, so that a run is limited by the agent and its
// losses and duplicates are seen.
//
//   hinomi_counting_sink [PORT]     prints {"port":N}; port 0, the default, is any free one;
//   loopback only GET /stats                      what was counted, as JSON; also printed at
//   SIGTERM
//
// Lines are known by what the generator wrote into them: "seq":N, unique within the pod of
// kubernetes.pod.name, and optionally "t":<Unix nanoseconds> for the latency from the write to the
// arrival. Not for hostile networks.
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
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
#include <vector>

namespace {

constexpr uint64_t kSequenceMax = 100'000'000;
constexpr size_t kRequestBytesMax = 256 << 20;

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "cannot %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

/// The number behind `name` in `text`. Also finds it where the quotes are escaped, as in a message.
std::optional<uint64_t> NumberAfter(std::string_view text, std::string_view name) {
  for (size_t at = text.rfind(name); at != std::string_view::npos && at > 0;
       at = text.rfind(name, at - 1)) {
    size_t value = at + name.size();
    if (text[at - 1] != '"') continue;
    if (text.substr(value).starts_with('\\')) ++value;
    if (!text.substr(value).starts_with("\":")) continue;
    value = text.find_first_not_of(' ', value + 2);
    if (value == std::string_view::npos) continue;
    uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(text.data() + value, text.data() + text.size(), number);
    if (error == std::errc()) return number;
  }
  return std::nullopt;
}

/// Everything that arrived, by pod.
class Counts {
 public:
  /// Takes an uncompressed bulk body; returns the number of its documents.
  uint64_t Add(std::string_view body) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_nanoseconds = static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
    raw_bytes_ += body.size();
    uint64_t documents = 0;
    for (bool action = true; !body.empty(); action = !action) {
      const size_t end = std::min(body.find('\n'), body.size() - 1);
      if (!action) {
        AddDocument(body.substr(0, end + 1), now_nanoseconds);
        ++documents;
      }
      body.remove_prefix(end + 1);
    }
    documents_ += documents;
    return documents;
  }
  void AddWire(size_t bytes) {
    ++requests_;
    wire_bytes_ += bytes;
  }

  std::string ToJson() const {
    uint64_t distinct = 0;
    uint64_t expected = 0;
    for (const auto& [name, pod] : pods_) {
      distinct += pod.distinct;
      expected += pod.seen.size();
    }
    std::array<char, 640> text;
    const int bytes = std::snprintf(
        text.data(), text.size(),
        "{\"requests\":%llu,\"documents\":%llu,\"pods\":%zu,\"distinct\":%llu,\"duplicates\":%llu,"
        "\"lost\":%llu,"
        "\"unnumbered\":%llu,\"wire_bytes\":%llu,\"raw_bytes\":%llu,\"latency_ms\":{\"p50\":%.1f,"
        "\"p90\":%.1f,"
        "\"p99\":%.1f,\"max\":%.1f}}\n",
        Word(requests_), Word(documents_), pods_.size(), Word(distinct),
        Word(documents_ - unnumbered_ - distinct), Word(expected - distinct), Word(unnumbered_),
        Word(wire_bytes_), Word(raw_bytes_), Latency(0.5), Latency(0.9), Latency(0.99), Latency(1));
    return {text.data(), static_cast<size_t>(bytes)};
  }

 private:
  struct Pod {
    std::vector<bool> seen;  // by sequence number, from 0 to the largest that arrived
    uint64_t distinct = 0;
  };

  static unsigned long long Word(uint64_t number) { return number; }

  void AddDocument(std::string_view document, uint64_t now_nanoseconds) {
    const std::optional<uint64_t> sequence = NumberAfter(document, "seq");
    if (!sequence || *sequence > kSequenceMax) {
      ++unnumbered_;
    } else {
      Pod& pod = PodOf(document);
      if (*sequence >= pod.seen.size()) pod.seen.resize(*sequence + 1);
      pod.distinct += pod.seen[*sequence] ? 0 : 1;
      pod.seen[*sequence] = true;
    }
    if (const auto written = NumberAfter(document, "t"); written && *written <= now_nanoseconds) {
      const uint64_t tenths = (now_nanoseconds - *written) / 100'000;
      ++latencies_[std::min<uint64_t>(tenths, latencies_.size() - 1)];
      ++latency_count_;
    }
  }

  Pod& PodOf(std::string_view document) {
    constexpr std::string_view kBefore = "\"pod\":{\"name\":\"";
    const size_t at = document.find(kBefore);
    std::string_view name;
    if (at != std::string_view::npos) {
      name = document.substr(at + kBefore.size());
      name = name.substr(0, name.find('"'));
    }
    // Documents of a pod come one after another.
    if (last_ == nullptr || name != last_->first)
      last_ = &*pods_.try_emplace(std::string(name)).first;
    return last_->second;
  }

  /// Milliseconds below which that part of the latencies is.
  double Latency(double part) const {
    const auto wanted = static_cast<uint64_t>(part * static_cast<double>(latency_count_));
    uint64_t seen = 0;
    for (size_t tenths = 0; tenths < latencies_.size() && latency_count_ > 0; ++tenths) {
      seen += latencies_[tenths];
      if (seen >= wanted && seen > 0) return static_cast<double>(tenths) / 10;
    }
    return 0;
  }

  std::map<std::string, Pod> pods_;
  std::pair<const std::string, Pod>* last_ = nullptr;
  std::vector<uint32_t> latencies_ =
      std::vector<uint32_t>(600'000);  // by tenth of a millisecond, up to a minute
  uint64_t latency_count_ = 0;
  uint64_t requests_ = 0;
  uint64_t documents_ = 0;
  uint64_t unnumbered_ = 0;
  uint64_t wire_bytes_ = 0;
  uint64_t raw_bytes_ = 0;
};

/// Reused buffer for what a request holds uncompressed.
class Inflater {
 public:
  /// False if `body` is no gzip.
  bool Inflate(std::string_view body, std::string_view* out) {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
    state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(body.data()));
    state_.avail_in = static_cast<uint32_t>(body.size());
    size_t size = 0;
    do {
      if (buffer_.size() - size < (1 << 20)) buffer_.resize(buffer_.size() + (8 << 20));
      state_.next_out = reinterpret_cast<uint8_t*>(buffer_.data() + size);
      state_.avail_out = static_cast<uint32_t>(buffer_.size() - size);
      const uint32_t room = state_.avail_out;
      if (isal_inflate(&state_) != ISAL_DECOMP_OK) return false;
      size += room - state_.avail_out;
      if (room == state_.avail_out && state_.block_state != ISAL_BLOCK_FINISH) return false;
    } while (state_.block_state != ISAL_BLOCK_FINISH);
    *out = std::string_view(buffer_).substr(0, size);
    return true;
  }

 private:
  inflate_state state_;
  std::string buffer_;
};

struct Request {
  std::string_view method;
  std::string_view path;
  std::string_view body;
  bool gzip = false;
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
  explicit Server(uint16_t port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
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
        if (descriptor == signals_) {
          std::printf("%s", counts_.ToJson().c_str());
          return;
        }
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
    request.gzip = HeaderOf(head, "content-encoding") == "gzip";
    const bool good = Answer(connection->descriptor, request);
    connection->received.erase(0, connection->wanted);
    connection->wanted = 0;
    connection->continued = false;
    return good;
  }

  bool Answer(int descriptor, const Request& request) {
    std::string body = request.method == "PUT" ? "{\"acknowledged\":true}" : "{}";
    if (request.path == "/stats") body = counts_.ToJson();
    if (request.path.ends_with("/_bulk")) {
      std::string_view documents = request.body;
      if (request.gzip && !inflater_.Inflate(request.body, &documents)) return false;
      counts_.AddWire(request.body.size());
      body = "{\"errors\":false,\"items\":[";
      for (uint64_t left = counts_.Add(documents); left > 0; --left) {
        body += left > 1 ? "{\"create\":{\"status\":201}}," : "{\"create\":{\"status\":201}}";
      }
      body += "]}";
    }
    return Write(
        descriptor,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nX-Elastic-Product: Elasticsearch\r\n"
        "content-length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
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
  Inflater inflater_;
  Counts counts_;
};

}  // namespace

int main(int argc, char** argv) {
  Server(static_cast<uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0)).Run();
}
