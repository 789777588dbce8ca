#include "bench/race/mark.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace hinomi::race {
namespace {

constexpr char kSign = '~';  // rare elsewhere, so that finding it is a memchr
constexpr std::string_view kHead = "~race";
constexpr std::string_view kTail = "~ecar";

/// Takes `:NUMBER` off the front of `text`.
std::optional<uint64_t> TakeNumber(std::string_view* text, uint64_t limit) {
  if (!text->starts_with(':')) return std::nullopt;
  uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [behind, error] = std::from_chars(text->data() + 1, end, number);
  if (error != std::errc() || number >= limit) return std::nullopt;
  text->remove_prefix(static_cast<size_t>(behind - text->data()));
  return number;
}

}  // namespace

void AppendHead(const Mark& mark, std::string* out) {
  fmt::format_to(std::back_inserter(*out), "{}:{}:{}:{}", kHead, mark.pod, mark.sequence,
                 mark.written_microseconds);
}

void AppendTail(const Mark& mark, std::string* out) {
  fmt::format_to(std::back_inserter(*out), "{}:{}:{}", kTail, mark.pod, mark.sequence);
}

std::optional<Mark> FindMark(std::string_view document) {
  std::optional<Mark> found;
  int open = 0;  // heads without their tail
  for (size_t at = document.find(kSign); at != std::string_view::npos; at = document.find(kSign)) {
    document.remove_prefix(at);
    const bool head = document.starts_with(kHead);
    if (!head && !document.starts_with(kTail)) {
      document.remove_prefix(1);
      continue;
    }
    document.remove_prefix(kHead.size());
    const auto pod = TakeNumber(&document, kPodsMax);
    const auto sequence = TakeNumber(&document, kSequencesMax);
    const auto written = head ? TakeNumber(&document, UINT64_MAX) : 0;
    if (!pod || !sequence || !written) return std::nullopt;
    if (!found) found = Mark{*pod, *sequence, 0};
    if (found->pod != *pod || found->sequence != *sequence) return std::nullopt;
    if (head) found->written_microseconds = *written;
    open += head ? 1 : -1;
  }
  return open == 0 && found && found->written_microseconds > 0 ? found : std::nullopt;
}

}  // namespace hinomi::race
