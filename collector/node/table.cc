#include "collector/node/table.h"

#include <algorithm>
#include <cerrno>
#include <functional>

#include "collector/words.h"

namespace hinomi {

bool IsAbsent(const Error& error) {
  return error.code == ENOENT || error.code == ENODATA || error.code == EOPNOTSUPP;
}

void WriteTable(const Table& table, std::string_view label, std::span<const MetricInfo> metrics,
                Exposition& out) {
  std::vector<LabelledValues> rows;
  for (const TableRow& row : table) {
    AppendLabel(&rows.emplace_back(LabelledValues{"", row.values}).labels, label, row.name);
  }
  WriteColumns(rows, metrics, out);
}

void WriteColumns(const std::vector<LabelledValues>& rows, std::span<const MetricInfo> metrics,
                  Exposition& out) {
  for (size_t column = 0; column < metrics.size(); ++column) {
    if (!out.Begin(metrics[column])) continue;
    for (const auto& [labels, values] : rows) {
      if (column < values.size() && values[column]) out.Row(labels, *values[column]);
    }
  }
}

void WriteNamed(const NamedValues& values, const MetricInfo& metric, Exposition& out) {
  const size_t star = metric.name.find('*');
  const auto allowed = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  for (const NamedValue& value : values) {
    std::string name(metric.name);
    name.replace(star, 1, value.name);
    // One name that Prometheus cannot read would cost the whole answer.
    std::replace_if(name.begin(), name.end(), std::not_fn(allowed), '_');
    if (out.Begin(metric, name)) out.Row(value.value);
  }
}

std::optional<std::vector<uint64_t>> ParseCounts(std::string_view line, int base) {
  std::vector<uint64_t> counts;
  while (true) {
    const std::string_view word = TakeWord(&line);
    if (word.empty()) return counts;
    const std::optional<uint64_t> count = ParseCount(word, base);
    if (!count) return std::nullopt;
    counts.push_back(*count);
  }
}

Exclusion::Exclusion(const std::string& expression) {
  if (!expression.empty()) pattern_.emplace(std::move(*Pattern::Compile(expression)));
}

}  // namespace hinomi
