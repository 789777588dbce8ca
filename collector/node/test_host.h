// A host of a test's own, and what a collector serves of it.
#pragma once

#include <string>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "collector/collector.h"

namespace hinomi {

class TestHost {
 public:
  /// A file at the node's `path`.
  void Write(const std::string& path, const std::string& text) const {
    directory_.Append(path.substr(1), text);
  }
  const std::string& root() const { return directory_.path(); }

  /// One scrape of that collector: its rows, without HELP and TYPE; what went wrong where it fails.
  std::string Rows(Collector& collector) const {
    Exposition out(ExpositionFormat::kText, filter_, 1'000'000);
    const Result<void> collected = collector.Collect(out);
    if (!collected) return collected.error().message;
    std::string rows, text = out.Finish();
    for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
      end = text.find('\n', begin);
      if (text[begin] != '#') rows += text.substr(begin, end + 1 - begin);
    }
    return rows;
  }
  std::string Rows(std::unique_ptr<Collector> (*make)(const CollectorParts&)) const {
    return Rows(*make(parts()));
  }

  CollectorParts parts() const { return {host_, config, metrics_, clock, "1.2.3"}; }

  MetricsConfig config;
  ManualClock clock;

 private:
  const TemporaryDirectory directory_;
  const Host host_{directory_.path()};
  const MetricFilter filter_ = std::move(*MetricFilter::Make({}, {}));
  mutable Metrics metrics_;
};

}  // namespace hinomi
