#include "collector/node/textfile_format.h"

#include <algorithm>
#include <optional>

#include "collector/exposition.h"
#include "collector/metric.h"
#include "collector/words.h"

namespace hinomi {
namespace {

// What is wrong; nothing if nothing is.
using Complaint = std::string_view;

void SkipBlanks(std::string_view* text) {
  text->remove_prefix(std::min(text->find_first_not_of(" \t"), text->size()));
}

// Takes `c` if it comes next.
bool Take(std::string_view* text, char c) {
  if (!text->starts_with(c)) return false;
  text->remove_prefix(1);
  return true;
}

// Takes a name; empty if there is none.
std::string_view TakeName(std::string_view* text, bool colons) {
  size_t size = 0;
  for (; size < text->size(); ++size) {
    const char c = (*text)[size];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !(digit && size > 0) && !(c == ':' && colons)) break;
  }
  const std::string_view name = text->substr(0, size);
  text->remove_prefix(size);
  return name;
}

// Takes text up to `end`, which is '\0' for the end of the line, and resolves escapes: of a
// backslash, a newline, and `end`. Nothing if there is another escape or no end.
std::optional<std::string> TakeEscaped(std::string_view* text, char end) {
  std::string plain;
  while (!text->empty()) {
    if (end != '\0' && Take(text, end)) return plain;
    if (!Take(text, '\\')) {
      plain += text->front();
      text->remove_prefix(1);
    } else if (Take(text, 'n')) {
      plain += '\n';
    } else if (Take(text, '\\')) {
      plain += '\\';
    } else if (end != '\0' && Take(text, end)) {
      plain += end;
    } else {
      return std::nullopt;
    }
  }
  return end == '\0' ? std::optional(plain) : std::nullopt;
}

std::optional<double> ParseValue(std::string_view word) {
  if (Take(&word, '+') && word.starts_with('-')) return std::nullopt;
  if (word.find('(') != std::string_view::npos) return std::nullopt;  // nan(...)
  return ParseDouble(word);
}

std::optional<MetricType> ParseType(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const MetricType type : {MetricType::kCounter, MetricType::kGauge, MetricType::kHistogram,
                                MetricType::kSummary, MetricType::kUntyped}) {
    if (word == ToString(type)) return type;
  }
  return std::nullopt;
}

class Parser {
 public:
  // Of one line, without its newline.
  Complaint Line(std::string_view line) {
    SkipBlanks(&line);
    if (line.empty()) return {};
    return Take(&line, '#') ? Comment(line) : Sample(line);
  }
  Textfile Finish() {
    std::erase_if(file_.families, [](const auto& entry) { return entry.second.samples.empty(); });
    return std::move(file_);
  }

 private:
  using LabelMap = std::map<std::string, std::string, std::less<>>;

  Complaint Comment(std::string_view line) {
    const std::string_view keyword = TakeWord(&line);
    if (keyword != "HELP" && keyword != "TYPE") return {};
    SkipBlanks(&line);
    if (line.empty()) return {};
    const std::string name(TakeName(&line, true));
    if (name.empty() || !(line.empty() || line[0] == ' ' || line[0] == '\t')) return "a bad name";
    SkipBlanks(&line);
    if (keyword == "HELP") {
      const std::optional<std::string> help = TakeEscaped(&line, '\0');
      if (!help) return "an escape that is none";
      if (!helped_.insert(name).second) return "a second HELP";
      file_.families[name].help = *help;
      return {};
    }
    const std::optional<MetricType> type = ParseType(std::string(line));
    if (!type) return "a type that is none";
    if (!typed_.insert(name).second) return "a second TYPE, or one behind samples";
    file_.families[name].type = *type;
    return {};
  }

  Complaint Sample(std::string_view line) {
    const std::string name(TakeName(&line, true));
    if (name.empty()) return "a bad name";
    SkipBlanks(&line);
    LabelMap labels;
    if (Take(&line, '{')) {
      const Complaint complaint = TakeLabels(&line, &labels);
      if (!complaint.empty()) return complaint;
    }
    const std::optional<double> value = ParseValue(TakeWord(&line));
    if (!value) return "a value that is no number";
    SkipBlanks(&line);
    if (!line.empty()) return "a timestamp, or something else behind the value";
    return Add(name, labels, *value);
  }

  static Complaint TakeLabels(std::string_view* line, LabelMap* labels) {
    while (true) {
      SkipBlanks(line);
      if (Take(line, '}')) return {};
      const std::string name(TakeName(line, false));
      SkipBlanks(line);
      if (name.empty() || name == "__name__" || !Take(line, '=')) return "a bad label";
      SkipBlanks(line);
      const std::optional<std::string> value =
          Take(line, '"') ? TakeEscaped(line, '"') : std::nullopt;
      if (!value) return "a bad value of a label";
      if (!labels->emplace(name, *value).second) return "a label that comes twice";
      SkipBlanks(line);
      if (!Take(line, ',') && !line->starts_with('}')) return "labels without end";
    }
  }

  Complaint Add(const std::string& name, const LabelMap& labels, double value) {
    const auto [family, suffix] = FamilyOf(name);
    typed_.insert(family);
    TextFamily& to = file_.families[family];
    const auto has_number = [&](std::string_view label) {
      const auto found = labels.find(label);
      return found != labels.end() && ParseValue(found->second);
    };
    if (to.type == MetricType::kHistogram) {
      if (suffix.empty() || (suffix == "_bucket" && !has_number("le"))) return "a bad bucket";
    }
    if (to.type == MetricType::kSummary && suffix.empty() && !has_number("quantile")) {
      return "a bad quantile";
    }
    std::string encoded;
    for (const auto& [label, text] : labels) AppendLabel(&encoded, label, text);
    if (!file_.series.insert(name + "{" + encoded).second) return "a series that comes twice";
    to.samples.push_back({suffix, std::move(encoded), value});
    return {};
  }

  // Of a sample: x_count may be one of the histogram x.
  std::pair<std::string, std::string_view> FamilyOf(const std::string& name) const {
    if (file_.families.contains(name)) return {name, {}};
    for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
      if (!name.ends_with(suffix)) continue;
      const std::string base = name.substr(0, name.size() - suffix.size());
      const auto family = file_.families.find(base);
      if (family == file_.families.end()) continue;
      const MetricType type = family->second.type;
      if (type == MetricType::kHistogram || (type == MetricType::kSummary && suffix != "_bucket")) {
        return {base, suffix};
      }
    }
    return {name, {}};
  }

  Textfile file_;
  std::set<std::string> helped_, typed_;
};

Error Refused(std::string_view what, std::string_view why) {
  return {ErrorKind::kCorrupt, "cannot read \"" + std::string(what) + "\": " + std::string(why)};
}

}  // namespace

Result<Textfile> ParseTextfile(std::string_view text) {
  if (!text.empty() && text.back() != '\n') return Refused("the last line", "it does not end");
  Parser parser;
  for (size_t number = 1; auto line = TakeLine(&text); ++number) {
    const Complaint complaint = parser.Line(*line);
    if (!complaint.empty()) return Refused("line " + std::to_string(number), complaint);
  }
  return parser.Finish();
}

Result<void> MergeTextfile(Textfile file, Textfile* all) {
  for (const auto& [name, family] : file.families) {
    const auto other = all->families.find(name);
    if (other != all->families.end() && other->second.type != family.type) {
      return Refused(name, "another file has it with another type");
    }
  }
  for (const std::string& series : file.series) {
    if (all->series.contains(series)) return Refused(series + "}", "another file has it too");
  }
  for (auto& [name, family] : file.families) {
    TextFamily& to =
        all->families.try_emplace(name, TextFamily{family.type, family.help, {}}).first->second;
    std::move(family.samples.begin(), family.samples.end(), std::back_inserter(to.samples));
  }
  all->series.merge(file.series);
  return {};
}

}  // namespace hinomi
