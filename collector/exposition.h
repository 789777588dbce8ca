// The text that Prometheus reads, in either of its formats: families of series, each with its HELP
// and TYPE once. What is the same in many rows is encoded once, by the collector that has it
// (LabelText); nothing here knows what a row is about.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/metric.h"
#include "collector/metric_filter.h"

namespace hinomi {

enum class ExpositionFormat : uint8_t {
  kText,         // 0.0.4
  kOpenMetrics,  // 1.0.0
};
/// The one that a client asks for with that Accept header; text where it does not say.
ExpositionFormat ChooseFormat(std::string_view accept);
std::string_view ContentTypeOf(ExpositionFormat format);

using LabelPair = std::pair<std::string_view, std::string_view>;

/// Appends `name="value"`, behind a comma where there is something already. Quotes, backslashes and
/// newlines are escaped, and bytes that are not UTF-8 become U+FFFD.
void AppendLabel(std::string* labels, std::string_view name, std::string_view value);

/// Appends a value as Prometheus reads it, in the fewest digits that give it back.
void AppendNumber(std::string* out, double value);

class Exposition {
 public:
  /// Takes the next piece of the text.
  using Take = std::function<void(std::string_view text)>;
  /// A piece is so large at least, but for the last.
  static constexpr size_t kPieceBytes = 64 << 10;

  /// At most `series_max` rows. `filter` outlives it. Without `take` all is kept until Finish.
  Exposition(ExpositionFormat format, const MetricFilter& filter, uint64_t series_max,
             Take take = {});

  /// Of the rows that follow: the name of their group, which is the collector's unless it has
  /// several.
  void SetGroup(std::string_view group) { group_ = group; }
  /// Begins a family; false when it is switched off: it then gets no rows. `name` fills the *
  /// where the metric's name has one. HELP and TYPE are written with the first row.
  bool Begin(const MetricInfo& metric, std::string_view name = {});
  /// A row of the family at hand. `labels` are encoded already; either part may be empty.
  void Row(std::string_view labels, double value) { Row(labels, {}, value); }
  void Row(std::string_view labels, std::string_view more_labels, double value);
  void Row(double value) { Row({}, {}, value); }
  void Row(std::initializer_list<LabelPair> labels, double value);
  /// A row of the histogram or summary at hand whose name has a suffix: _bucket, _sum, _count.
  void RowOf(std::string_view suffix, std::string_view labels, double value);
  /// Begin and its one row, without labels.
  void Single(const MetricInfo& metric, double value) {
    if (Begin(metric)) Row(value);
  }
  /// True when a family of that name has rows.
  bool Has(std::string_view name) const;

  /// How far it is written, to go back to: what a collector that failed has written is no use.
  struct Mark {
    size_t bytes = 0;
    uint64_t series = 0;
    size_t families = 0;
  };
  Mark Here() const { return {text_.size(), series_, families_.size()}; }
  void GoBack(const Mark& mark);
  /// Gives away what there is, if that is enough for a piece: nobody will go back behind here.
  void Release();

  uint64_t series() const { return series_; }
  uint64_t truncated() const { return truncated_; }
  /// The rest of it, which is all of it where nothing was given away; nothing may be added after.
  std::string Finish();

 private:
  bool BeginRow();
  void WriteRow(std::string_view suffix, std::string_view labels, std::string_view more_labels,
                double value);

  const ExpositionFormat format_;
  const MetricFilter& filter_;
  const uint64_t series_max_;
  const Take take_;
  std::string text_;
  std::string row_labels_;
  std::string_view group_;
  const MetricInfo* metric_ = nullptr;
  std::string name_;       // of the family at hand
  bool has_rows_ = false;  // the family at hand
  uint64_t series_ = 0;
  uint64_t truncated_ = 0;
  std::vector<std::string> families_;  // with rows, in their order
};

}  // namespace hinomi
