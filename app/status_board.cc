#include "app/status_board.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "app/status_json.h"

namespace hinomi {
namespace {

constexpr Duration kWindow = std::chrono::seconds(10);
constexpr Duration kHistory = std::chrono::minutes(2);
constexpr size_t kLogsMax = 500;

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// What grew from `before` to `now`, a second. A log that is read again from an earlier cursor has
// not shrunk: nothing flowed.
double Rate(uint64_t before, uint64_t now, Duration time) {
  if (now <= before || time <= Duration::zero()) return 0;
  return static_cast<double>(now - before) / Seconds(time);
}

StatusTotals TotalsOf(const StatusSample& before, const StatusSample& now) {
  const Duration time = now.at - before.at;
  StatusTotals totals;
  const LogsStatus& logs = now.shipper.logs;
  totals.rates = {Rate(before.shipper.logs.lines, logs.lines, time),
                  Rate(before.shipper.logs.bytes, logs.bytes, time)};
  for (const LogStatus& log : logs.logs) {
    totals.pending_bytes += log.pending_bytes;
    totals.oldest = std::max(totals.oldest, log.oldest);
  }
  totals.resident_bytes = now.usage.resident_bytes;
  if (time > Duration::zero()) {
    totals.cpu_percent = 100 * (now.usage.cpu_seconds - before.usage.cpu_seconds) / Seconds(time);
  }
  return totals;
}

std::vector<LogView> LogsOf(const StatusSample& before, const StatusSample& now) {
  const Duration time = now.at - before.at;
  std::unordered_map<uint64_t, const LogStatus*> earlier;
  for (const LogStatus& log : before.shipper.logs.logs) earlier[log.log] = &log;
  const LogStatus none;
  std::vector<LogView> views;
  for (const LogStatus& log : now.shipper.logs.logs) {
    const auto found = earlier.find(log.log);
    const LogStatus& then = found == earlier.end() ? none : *found->second;
    views.push_back({&log, {Rate(then.lines, log.lines, time), Rate(then.bytes, log.bytes, time)}});
  }
  const auto rank = [](const LogView& view) {
    return std::tuple(view.log->pending_bytes, view.rates.bytes_per_second, view.log->lines,
                      view.log->log);
  };
  const size_t shown = std::min(views.size(), kLogsMax);
  std::partial_sort(views.begin(), views.begin() + static_cast<ptrdiff_t>(shown), views.end(),
                    [&](const LogView& a, const LogView& b) { return rank(a) > rank(b); });
  views.resize(shown);
  return views;
}

}  // namespace

StatusBoard::StatusBoard(StatusIdentity identity, std::function<StatusSample()> take)
    : identity_(std::move(identity)), take_(std::move(take)) {}

void StatusBoard::Run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    Sample();
    wake.wait_for(lock, stop, kEvery, [] { return false; });
  }
}

void StatusBoard::Sample() {
  StatusSample sample = take_();
  const std::lock_guard lock(mutex_);
  const size_t known = samples_.size();
  const bool close = known > 1 && samples_[known - 1].at - samples_[known - 2].at < kWindow / 2;
  if (close) samples_.pop_back();  // ten thousand logs are a lot to remember
  samples_.push_back(std::move(sample));
  const Duration now = samples_.back().at;
  while (samples_.size() > 2 && now - samples_[1].at >= kWindow) samples_.pop_front();
  history_.push_back(TotalsOf(samples_.front(), samples_.back()));
  if (history_.size() > static_cast<size_t>(kHistory / kEvery)) history_.pop_front();
  json_.clear();
  ++count_;
  changed_.notify_all();
}

StatusView StatusBoard::View() const {
  const StatusSample& before = samples_.front();
  const StatusSample& now = samples_.back();
  StatusView view{identity_, now, history_, {}, LogsOf(before, now)};
  for (size_t i = 0; i < now.shipper.sinks.size(); ++i) {
    const bool known = i < before.shipper.sinks.size();
    const uint64_t then = known ? before.shipper.sinks[i].delivery.records : 0;
    view.sink_records_per_second.push_back(
        Rate(then, now.shipper.sinks[i].delivery.records, now.at - before.at));
  }
  return view;
}

// Under the lock, and only once for all who look.
const std::string& StatusBoard::Rendered() {
  if (json_.empty()) json_ = ToJson(View());
  return json_;
}

std::string StatusBoard::Json() {
  const std::lock_guard lock(mutex_);
  return Rendered();
}

std::optional<std::string> StatusBoard::NextEvent(uint64_t* seen, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return count_ > *seen; })) return std::nullopt;
  *seen = count_;
  return "event: status\ndata: " + Rendered() + "\n\n";
}

}  // namespace hinomi
