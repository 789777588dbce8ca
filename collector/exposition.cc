#include "collector/exposition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace hinomi {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the UTF-8 sequence that `text` begins with; 0 if it begins with none.
size_t SequenceSize(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return size;
}

void AppendHelp(std::string* out, std::string_view help) {
  for (const char c : help) {
    if (c == '\n') {
      *out += "\\n";
    } else {
      if (c == '\\') *out += '\\';
      *out += c;
    }
  }
}

bool IsTotal(std::string_view name) { return name.ends_with("_total"); }

}  // namespace

std::string_view ToString(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kUntyped:
      return "untyped";
  }
  return "";
}

ExpositionFormat ChooseFormat(std::string_view accept) {
  return accept.find("application/openmetrics-text") == std::string_view::npos
             ? ExpositionFormat::kText
             : ExpositionFormat::kOpenMetrics;
}

std::string_view ContentTypeOf(ExpositionFormat format) {
  return format == ExpositionFormat::kText
             ? "text/plain; version=0.0.4; charset=utf-8"
             : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

void AppendLabel(std::string* labels, std::string_view name, std::string_view value) {
  if (!labels->empty()) *labels += ',';
  labels->append(name).append("=\"");
  while (!value.empty()) {
    const size_t size = SequenceSize(value);
    if (size == 0) {
      labels->append(kReplacement);
      value.remove_prefix(1);
      continue;
    }
    switch (value[0]) {
      case '"':
        *labels += "\\\"";
        break;
      case '\\':
        *labels += "\\\\";
        break;
      case '\n':
        *labels += "\\n";
        break;
      default:
        labels->append(value.substr(0, size));
    }
    value.remove_prefix(size);
  }
  *labels += '"';
}

void AppendNumber(std::string* out, double value) {
  if (std::isnan(value)) {
    *out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    *out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  std::array<char, 32> text;
  constexpr double kExact = 1ULL << 53;
  // Whole numbers up to there are exact, and much cheaper so.
  const bool whole = value > -kExact && value < kExact &&
                     value == static_cast<double>(static_cast<int64_t>(value));
  const std::to_chars_result end =
      whole ? std::to_chars(text.begin(), text.end(), static_cast<int64_t>(value))
            : std::to_chars(text.begin(), text.end(), value);
  out->append(text.data(), end.ptr);
}

Exposition::Exposition(ExpositionFormat format, const MetricFilter& filter, uint64_t series_max,
                       Take take)
    : format_(format), filter_(filter), series_max_(series_max), take_(std::move(take)) {}

void Exposition::Release() {
  if (take_ == nullptr || text_.size() < kPieceBytes) return;
  take_(text_);
  text_.clear();
}

bool Exposition::Begin(const MetricInfo& metric, std::string_view name) {
  if (name.empty()) name = metric.name;
  CHECK(name.find('*') == std::string_view::npos);
  metric_ = &metric;
  name_ = name;
  has_rows_ = false;
  return filter_.Serves(group_, metric, name);
}

// False when there is no room for it.
bool Exposition::BeginRow() {
  if (series_ == series_max_) {
    ++truncated_;
    return false;
  }
  ++series_;
  if (has_rows_) return true;
  has_rows_ = true;
  families_.push_back(name_);
  std::string_view family = name_;
  std::string_view type = ToString(metric_->type);
  if (format_ == ExpositionFormat::kOpenMetrics) {
    // A counter is one by its name there.
    const bool counter = metric_->type == MetricType::kCounter;
    if (counter && IsTotal(family)) family.remove_suffix(std::string_view("_total").size());
    if ((counter && !IsTotal(name_)) || metric_->type == MetricType::kUntyped) type = "unknown";
  }
  text_.append("# HELP ").append(family).append(" ");
  AppendHelp(&text_, metric_->help);
  text_.append("\n# TYPE ").append(family).append(" ").append(type).append("\n");
  return true;
}

void Exposition::Row(std::string_view labels, std::string_view more_labels, double value) {
  if (BeginRow()) WriteRow({}, labels, more_labels, value);
}

void Exposition::RowOf(std::string_view suffix, std::string_view labels, double value) {
  if (BeginRow()) WriteRow(suffix, labels, {}, value);
}

void Exposition::WriteRow(std::string_view suffix, std::string_view labels,
                          std::string_view more_labels, double value) {
  text_.append(name_).append(suffix);
  if (!labels.empty() || !more_labels.empty()) {
    text_ += '{';
    text_.append(labels);
    if (!labels.empty() && !more_labels.empty()) text_ += ',';
    text_.append(more_labels).append("}");
  }
  text_ += ' ';
  AppendNumber(&text_, value);
  text_ += '\n';
}

void Exposition::Row(std::initializer_list<LabelPair> labels, double value) {
  row_labels_.clear();
  for (const auto& [name, text] : labels) AppendLabel(&row_labels_, name, text);
  Row(row_labels_, {}, value);
}

void Exposition::GoBack(const Mark& mark) {
  CHECK(mark.bytes <= text_.size());
  text_.resize(mark.bytes);
  series_ = mark.series;
  families_.resize(mark.families);
}

bool Exposition::Has(std::string_view name) const {
  return std::find(families_.begin(), families_.end(), name) != families_.end();
}

std::string Exposition::Finish() {
  if (format_ == ExpositionFormat::kOpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace hinomi
