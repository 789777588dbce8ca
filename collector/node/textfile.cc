// Metrics of scripts and jobs. A file that is damaged, or that says what others say already, costs
// its own rows.
// Source: *.prom in metrics.textfile_directory below the host's root, in the text format 0.0.4.
#include "collector/node/textfile.h"

#include <algorithm>
#include <map>

#include "base/logging.h"
#include "collector/node/textfile_format.h"
#include "collector/scraper.h"

namespace hinomi {
namespace {

class TextfileCollector final : public Collector {
 public:
  explicit TextfileCollector(const CollectorParts& parts)
      : host_(parts.host), directory_(parts.config.textfile_directory) {}

  Result<void> Collect(Exposition& out) override {
    std::map<std::string, std::string> refused;
    std::map<std::string, double> modified;
    Textfile all;
    for (const std::string& path : Files(&refused)) {
      const Result<void> added = Add(path, out, &all);
      if (added) {
        modified[path] = host_.ModifiedSeconds(path);
      } else {
        refused[path] = added.error().message;
      }
    }
    Write(all, out);
    if (out.Begin(kTextfileMetrics[1])) {
      for (const auto& [path, seconds] : modified) out.Row({{"file", path}}, seconds);
    }
    out.Single(kTextfileMetrics[2], refused.empty() ? 0 : 1);
    Tell(std::move(refused));
    return {};
  }

 private:
  std::vector<std::string> Files(std::map<std::string, std::string>* refused) const {
    std::vector<std::string> paths;
    if (directory_.empty()) return paths;
    const Result<std::vector<std::string>> names = host_.List(directory_);
    if (!names) {
      (*refused)[directory_] = names.error().message;
      return paths;
    }
    for (const std::string& name : *names) {
      if (name.ends_with(".prom")) paths.push_back(directory_ + "/" + name);
    }
    return paths;
  }

  Result<void> Add(const std::string& path, const Exposition& out, Textfile* all) const {
    const Result<std::string> text = host_.Read(path);
    if (!text) return text.error();
    Result<Textfile> file = ParseTextfile(*text);
    if (!file) return file.error();
    for (auto& [name, family] : file->families) {
      if (out.Has(name) || IsReserved(name)) {
        return Error{ErrorKind::kCorrupt, "cannot take \"" + name + "\": the agent has it itself"};
      }
      if (family.help.empty()) family.help = "Metric read from " + path;
    }
    return MergeTextfile(std::move(*file), all);
  }

  // Of what comes behind this collector's own rows.
  static bool IsReserved(std::string_view name) {
    const auto has = [&](std::span<const MetricInfo> metrics) {
      return std::any_of(metrics.begin(), metrics.end(),
                         [&](const MetricInfo& metric) { return metric.name == name; });
    };
    return has(kTextfileMetrics) || has(ScraperMetrics());
  }

  static void Write(const Textfile& all, Exposition& out) {
    for (const auto& [name, family] : all.families) {
      MetricInfo metric = kTextfileMetrics[0];
      metric.type = family.type;
      metric.help = family.help;
      if (!out.Begin(metric, name)) continue;
      for (const auto& [suffix, labels, value] : family.samples) out.RowOf(suffix, labels, value);
    }
  }

  // Once for each cause, and not at each scrape.
  void Tell(std::map<std::string, std::string> refused) {
    for (const auto& [path, cause] : refused) {
      const auto before = refused_.find(path);
      if (before == refused_.end() || before->second != cause)
        log::Warn("textfile {}: {}", path, cause);
    }
    refused_ = std::move(refused);
  }

  const Host& host_;
  const std::string directory_;
  std::map<std::string, std::string> refused_;  // the last time, and why
};

}  // namespace

std::unique_ptr<Collector> MakeTextfile(const CollectorParts& parts) {
  return std::make_unique<TextfileCollector>(parts);
}

}  // namespace hinomi
