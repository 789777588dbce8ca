// The agent's own metrics. prometheus-cpp stays behind this file; what components hold are light
// handles that live as long as the Metrics they came from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
}  // namespace prometheus

namespace hinomi {

using Labels = std::map<std::string, std::string>;

/// Handles are values; adding to one is an atomic operation, from any thread. A default-made handle
/// ignores what it is given.
class Counter {
 public:
  Counter() = default;
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  void Add(double value = 1);
  double Value() const;

 private:
  prometheus::Counter* counter_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  void Set(double value);
  void Add(double value);
  double Value() const;

 private:
  prometheus::Gauge* gauge_ = nullptr;
};

/// Rows of one name that come and go.
struct MetricRows {
  std::string name;
  std::string help;
  bool is_counter = false;  // otherwise a gauge
  std::vector<std::pair<Labels, double>> rows;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The series of that name and those labels, made at the first call. Names follow the Prometheus
  /// conventions: base units, `_total` on counters. Any thread; takes a lock, so call it at
  /// construction and not per record.
  Counter CounterOf(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge GaugeOf(const std::string& name, const std::string& help, const Labels& labels = {});
  /// Rows of a name that nobody else has, in place of those of the last call. Any thread.
  void ShowRows(MetricRows rows);
  /// Expositions leave out every series that has all of these labels, until somebody asks for one
  /// of them again. Handles stay good. Any thread.
  void Hide(const Labels& labels);

  /// What expositions ask for as long as this lives; its end waits for one that is going on. Must
  /// not outlive the Metrics.
  class Hook {
   public:
    Hook() = default;
    ~Hook();
    Hook(Hook&& other) noexcept;
    Hook& operator=(Hook&& other) noexcept;

   private:
    friend class Metrics;
    Hook(Metrics* metrics, uint64_t id) : metrics_(metrics), id_(id) {}
    Metrics* metrics_ = nullptr;
    uint64_t id_ = 0;
  };

  /// Runs `refresh` at the start of every exposition, in the scraping thread.
  [[nodiscard]] Hook OnScrape(std::function<void()> refresh);

  /// Asks `give` at every exposition, in the scraping thread, for rows that are in that one alone.
  /// Several may give rows of one name.
  [[nodiscard]] Hook OnExpose(std::function<std::vector<MetricRows>()> give);

  /// All series in the text format 0.0.4. Any thread.
  std::string Expose();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hinomi
