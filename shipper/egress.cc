#include "shipper/egress.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace hinomi {
namespace {

constexpr Duration kBalanceEvery = std::chrono::milliseconds(100);
constexpr Duration kMeasureAfter = std::chrono::milliseconds(10);
constexpr double kOfLastLook = 0.3;  // in what counts as recent
constexpr double kUsedUp = 0.7;      // of what it had: it wants more
constexpr double kGrowth = 1.5;      // by what it had otherwise
constexpr double kTimeMargin = 1.5;

double LimitOf(uint64_t bytes_per_second) {
  return bytes_per_second == 0 ? kNoEgressLimit : static_cast<double>(bytes_per_second);
}

double SecondsOf(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

bool SendsEgress(SinkType type) {
  return type == SinkType::kElasticsearch || type == SinkType::kKafka || type == SinkType::kOtlp;
}

SinkEgress::SinkEgress(EgressCalls calls) : calls_(std::move(calls)) {}

SinkEgress::~SinkEgress() {
  for (Socket& socket : sockets_) Forget(socket);
}

Result<int> SinkEgress::Open(int family, int type, int protocol) {
  const int made = socket(family, type | SOCK_CLOEXEC, protocol);
  if (made < 0) return IoError("open", "socket", errno);
  if (const Result<void> prepared = Prepare(made, /*adopted=*/false); !prepared) {
    close(made);
    return prepared.error();
  }
  return made;
}

Result<void> SinkEgress::Adopt(int socket) {
  const int ours = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (ours < 0) return IoError("duplicate", "socket", errno);
  Result<void> prepared = Prepare(ours, /*adopted=*/true);
  if (!prepared) close(ours);
  return prepared;
}

Result<void> SinkEgress::Prepare(int socket, bool adopted) {
  const std::lock_guard lock(mutex_);
  DropClosed();
  const Result<void> bound = BindEgress(socket, path_);
  problem_ = bound ? "" : bound.error().message;
  if (!bound) return bound;
  sockets_.push_back({.descriptor = socket, .adopted = adopted});
  // What the others have in use is divided anew with the next look.
  Pace(sockets_.back(), idle_ / static_cast<double>(sockets_.size()));
  return {};
}

void SinkEgress::Close(int socket) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sockets_, [&](Socket& one) {
      const bool closing = one.descriptor == socket;
      if (closing) Forget(one);
      return closing;
    });
  }
  close(socket);
}

std::string SinkEgress::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

Duration SinkEgress::TimeFor(uint64_t bytes, uint64_t requests) const {
  const std::lock_guard lock(mutex_);
  const double seconds = static_cast<double>(bytes) * static_cast<double>(requests) / assured_;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds * kTimeMargin));
}

void SinkEgress::SetPath(const SinkEgressConfig& path) {
  const std::lock_guard lock(mutex_);
  path_ = path;
}

void SinkEgress::SetAssured(double bytes_per_second) {
  const std::lock_guard lock(mutex_);
  assured_ = bytes_per_second;
}

void SinkEgress::Count(Socket& socket) {
  const uint64_t bytes = std::max(calls_.use(socket.descriptor).wire_bytes, socket.counted);
  const auto more = static_cast<double>(bytes - socket.counted);
  socket.counted = bytes;
  socket.fresh += more;
  bytes_ += more;
}

void SinkEgress::Forget(Socket& socket) {
  Count(socket);
  fresh_ += socket.fresh;
  if (std::isfinite(socket.paced)) DropUnsent(socket.descriptor);
  if (socket.adopted) close(socket.descriptor);
}

void SinkEgress::DropClosed() {
  std::erase_if(sockets_, [this](Socket& socket) {
    if (!socket.adopted || calls_.use(socket.descriptor).open || ++socket.closed < 2) return false;
    Forget(socket);
    return true;
  });
}

SinkEgress::Demand SinkEgress::Look(double seconds) {
  const std::lock_guard lock(mutex_);
  DropClosed();
  Demand demand{.sent = std::exchange(fresh_, 0)};
  for (Socket& socket : sockets_) {
    Count(socket);
    const double fresh = std::exchange(socket.fresh, 0);
    const double rate = fresh / seconds;
    socket.recently_sent += kOfLastLook * (rate - socket.recently_sent);
    const double paced = std::isfinite(socket.paced) ? socket.paced : 0;
    socket.recently_paced += kOfLastLook * (paced - socket.recently_paced);
    // Of a low rate a single segment is more than a look; of a changed one the mean is late.
    const bool used_up = rate > kUsedUp * socket.paced ||
                         (paced > 0 && socket.recently_sent > kUsedUp * socket.recently_paced);
    socket.wanted = used_up ? kNoEgressLimit : kGrowth * socket.recently_sent;
    demand.sent += fresh;
    demand.wanted += socket.wanted;
  }
  return demand;
}

void SinkEgress::Divide(double bytes_per_second, double idle) {
  const std::lock_guard lock(mutex_);
  idle_ = idle;
  std::vector<double> wanted;
  for (const Socket& socket : sockets_) wanted.push_back(socket.wanted);
  const std::vector<double> shares = DivideEgress(bytes_per_second, wanted);
  for (size_t i = 0; i < sockets_.size(); ++i) {
    Pace(sockets_[i], std::max(shares[i], idle / static_cast<double>(sockets_.size())));
  }
}

void SinkEgress::Pace(Socket& socket, double bytes_per_second) {
  // One that never had a limit stays as the kernel made it.
  if (bytes_per_second == socket.paced) return;
  socket.paced = bytes_per_second;
  calls_.pace(socket.descriptor, bytes_per_second);
}

double SinkEgress::bytes() {
  const std::lock_guard lock(mutex_);
  for (Socket& socket : sockets_) Count(socket);
  return bytes_;
}

EgressLimits::EgressLimits(Parts parts)
    : parts_(std::move(parts)), measured_at_(parts_.clock.Monotonic()) {
  hook_ = parts_.metrics.OnExpose([this] { return Rows(); });
}

void EgressLimits::Apply(const Config& config) {
  const std::lock_guard lock(mutex_);
  Measure();
  total_.SetRate(LimitOf(config.egress.bytes_per_second));
  limited_ = config.egress.bytes_per_second > 0;
  std::map<std::string, Sink> sinks;
  for (const SinkConfig& sink : config.sinks) {
    if (!SendsEgress(sink.type)) continue;
    Sink& kept = sinks[sink.name] = std::move(sinks_[sink.name]);
    if (kept.egress == nullptr) kept.egress = std::make_shared<SinkEgress>(parts_.calls);
    kept.egress->SetPath(sink.egress);
    kept.budget.SetRate(LimitOf(sink.egress.bytes_per_second));
    limited_ |= sink.egress.bytes_per_second > 0;
  }
  sinks_ = std::move(sinks);
  for (auto& [name, sink] : sinks_) {
    sink.egress->SetAssured(
        std::min(sink.budget.rate(), total_.rate() / static_cast<double>(sinks_.size())));
  }
  Divide();
  changed_.notify_all();
  if (limited_ && !thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }
}

std::shared_ptr<SinkEgress> EgressLimits::Of(const std::string& sink) const {
  const std::lock_guard lock(mutex_);
  return sinks_.at(sink).egress;
}

void EgressLimits::Balance() {
  const std::lock_guard lock(mutex_);
  Measure();
  Divide();
}

void EgressLimits::Measure() {
  const Duration now = parts_.clock.Monotonic();
  if (now - measured_at_ < kMeasureAfter) return;  // too little to tell a rate by
  const double seconds = SecondsOf(now - std::exchange(measured_at_, now));
  double sent = 0;
  for (auto& [name, sink] : sinks_) {
    const SinkEgress::Demand demand = sink.egress->Look(seconds);
    sink.budget.Spend(demand.sent, seconds);
    sink.wanted = demand.wanted;
    sent += demand.sent;
  }
  total_.Spend(sent, seconds);
}

// A sink that begins has an equal part of the whole until the next look, and so has a socket of its
// sink: for a tenth of a second more may be sent than is allowed, which is a debt.
void EgressLimits::Divide() {
  std::vector<double> wanted;
  for (const auto& [name, sink] : sinks_) {
    wanted.push_back(std::min(sink.wanted, sink.budget.Allowed()));
  }
  const std::vector<double> shares = DivideEgress(total_.Allowed(), wanted);
  size_t i = 0;
  for (auto& [name, sink] : sinks_) {
    const double idle =
        std::min(sink.budget.Allowed(), total_.Allowed() / static_cast<double>(sinks_.size()));
    sink.egress->Divide(std::max(shares[i++], idle), idle);
  }
}

void EgressLimits::Run(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "hinomi-egress");
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!limited_) {
      changed_.wait(lock, stop, [this] { return limited_; });
      continue;
    }
    changed_.wait_for(lock, stop, kBalanceEvery, [] { return false; });
    Measure();
    Divide();
  }
}

std::vector<MetricRows> EgressLimits::Rows() const {
  const std::lock_guard lock(mutex_);
  MetricRows sent{"hinomi_sink_egress_bytes_total",
                  "Bytes that the sink put on the wire: headers and repetitions too.",
                  true,
                  {}};
  MetricRows limits{"hinomi_sink_egress_limit_bytes_per_second",
                    "What that may be in a second; missing without a limit.",
                    false,
                    {}};
  MetricRows total{"hinomi_egress_limit_bytes_per_second",
                   "The same of all sinks together; missing without a limit.",
                   false,
                   {}};
  for (const auto& [name, sink] : sinks_) {
    const Labels labels = {{"sink", name}};
    sent.rows.emplace_back(labels, sink.egress->bytes());
    if (std::isfinite(sink.budget.rate())) limits.rows.emplace_back(labels, sink.budget.rate());
  }
  if (std::isfinite(total_.rate())) total.rows.emplace_back(Labels{}, total_.rate());
  return {sent, limits, total};
}

}  // namespace hinomi
