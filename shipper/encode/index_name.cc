#include "shipper/encode/index_name.h"

#include <fmt/core.h>

#include <chrono>

#include "base/rfc3339.h"
#include "config/name_parts.h"
#include "shipper/target_word.h"

namespace hinomi {
namespace {

char LegalInIndex(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  const bool legal =
      c > ' ' && c <= '~' && std::string_view("\\/*?\"<>|,#:").find(c) == std::string_view::npos;
  return legal ? c : '_';
}

std::string DateWord(std::string_view word, const LocalDay& day) {
  if (word == "year") return fmt::format("{:04}", day.year);
  return fmt::format("{:02}", word == "month" ? day.month : day.day);
}

}  // namespace

IndexNames::IndexNames(const std::string& index, std::string cluster, const std::string& time_zone)
    : index_(index),
      cluster_(std::move(cluster)),
      zone_(*TimeZone::Load(time_zone)),
      differ_(HasWords(index)),
      dated_(IsDated(index)) {}

std::string IndexNames::Of(const PodInfo& pod, const LocalDay& day) const {
  std::string name;
  for (const NamePart& part : NameParts(index_)) {
    if (!part.is_word) {
      name += part.text;
    } else if (IsDateWord(part.text)) {
      name += DateWord(part.text, day);
    } else {
      const std::string_view value = TargetWord(part.text, cluster_, pod);
      for (const char c : value.substr(0, kIndexWordBytesMax)) name += LegalInIndex(c);
      if (value.empty()) name += '_';
    }
  }
  return name;
}

LocalDay IndexNames::DayOf(std::string_view time) const {
  const std::chrono::milliseconds since_epoch(MillisecondsOf(time));
  return zone_.DayAt(std::chrono::floor<std::chrono::seconds>(since_epoch).count());
}

void LeaseIndex::Begin(const IndexNames& names, const PodInfo& pod) {
  names_ = &names;
  pod_ = &pod;
  name_.clear();
}

std::string_view LeaseIndex::At(std::string_view time) {
  if (!names_->differ()) return {};
  if (!names_->dated()) {
    if (name_.empty()) name_ = names_->Of(*pod_, {});
    return name_;
  }
  const int64_t milliseconds = MillisecondsOf(time);
  if (name_.empty() || milliseconds < begin_ || milliseconds >= end_) {
    const LocalDay day = names_->DayOf(time);
    begin_ = day.begin * 1000;
    end_ = day.end * 1000;
    name_ = names_->Of(*pod_, day);
  }
  return name_;
}

}  // namespace hinomi
