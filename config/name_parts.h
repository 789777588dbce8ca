// Names of targets in which words stand for what a record says, such as logs-{namespace}. Pure
// functions of text; what a word stands for is the sink's to know.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace hinomi {

/// A piece of such a name: text as it stands, or a word without its braces. A view into the name.
struct NamePart {
  std::string_view text;
  bool is_word = false;
};

/// The pieces of `name` in their order, none of them empty but for {}. A brace without its other
/// one is text.
std::vector<NamePart> NameParts(std::string_view name);

/// A word of an index stands for as many bytes at most; namespaces and containers have no more.
inline constexpr size_t kIndexWordBytesMax = 63;

/// Whether `name` has words at all, and so is not the same for all records.
bool HasWords(std::string_view name);

/// Whether `word` is year, month or day.
bool IsDateWord(std::string_view word);

/// Whether `name` has such a word.
bool IsDated(std::string_view name);

}  // namespace hinomi
