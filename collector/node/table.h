// What most collectors of the node share: a file of the kernel that is read and parsed, a table or
// a list of named values that comes of it, and the rows of that.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "collector/collector.h"

namespace hinomi {

/// True when that error of a read says that the kernel does not have this: it is not built in, not
/// loaded, or switched off.
bool IsAbsent(const Error& error);

/// Reads `path`, parses it, and gives what comes of it to `use`, which may keep views into the text
/// for as long as it runs. Nothing happens where the kernel does not have the file. Errors: io, and
/// those of `parse`.
template <typename Parse, typename Use>
Result<void> ForFile(const Host& host, const std::string& path, Parse parse, Use use) {
  const Result<std::string> text = host.Read(path);
  if (!text) return IsAbsent(text.error()) ? Result<void>() : text.error();
  const auto parsed = parse(std::string_view(*text));
  if (!parsed) return parsed.error();
  use(*parsed);
  return {};
}

/// Numbers by the name of what they are about.
struct TableRow {
  std::string name;
  std::vector<std::optional<double>> values;
  bool operator==(const TableRow&) const = default;
};
using Table = std::vector<TableRow>;

/// Each column as the metric of the same index; `label` has the row's name. A row may have fewer
/// values than there are metrics, or more.
void WriteTable(const Table& table, std::string_view label, std::span<const MetricInfo> metrics,
                Exposition& out);

/// The same for rows whose labels are encoded already.
struct LabelledValues {
  std::string labels;
  std::vector<std::optional<double>> values;
};
void WriteColumns(const std::vector<LabelledValues>& rows, std::span<const MetricInfo> metrics,
                  Exposition& out);

struct NamedValue {
  std::string name;
  double value = 0;
  bool operator==(const NamedValue&) const = default;
};
using NamedValues = std::vector<NamedValue>;

/// Each value as a family of its own, whose name fills the * in the metric's.
void WriteNamed(const NamedValues& values, const MetricInfo& metric, Exposition& out);

/// The words of a line as numbers; nothing if one is none.
std::optional<std::vector<uint64_t>> ParseCounts(std::string_view line, int base = 10);

/// What an expression of the configuration leaves out, which the loader has checked; an empty one
/// nothing.
class Exclusion {
 public:
  explicit Exclusion(const std::string& expression);
  bool Excludes(std::string_view name) const { return pattern_ && pattern_->Matches(name); }

 private:
  std::optional<Pattern> pattern_;
};

/// A collector that keeps nothing between scrapes.
template <Result<void> (*collect)(const CollectorParts&, Exposition&)>
std::unique_ptr<Collector> MakeStateless(const CollectorParts& parts) {
  class Stateless final : public Collector {
   public:
    explicit Stateless(const CollectorParts& parts) : parts_(parts) {}
    Result<void> Collect(Exposition& out) override { return collect(parts_, out); }

   private:
    const CollectorParts parts_;
  };
  return std::make_unique<Stateless>(parts);
}

}  // namespace hinomi
