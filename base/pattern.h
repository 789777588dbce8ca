// Regular expressions, in the time of the text's length whatever the expression. RE2 stays behind
// this file; its syntax is the operator's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace hinomi {

class Pattern {
 public:
  static constexpr size_t kTextBytesMax = 1 << 10;

  /// Compiles `expression`, UTF-8. Error: config, with RE2's reason, also when it would take too
  /// much memory.
  static Result<Pattern> Compile(std::string_view expression);

  Pattern(Pattern&&) noexcept;
  ~Pattern();

  /// Whether it matches anywhere in `text`, of which only the first kTextBytesMax bytes are looked
  /// at. Any bytes; those that are not UTF-8 match nothing. No allocation once it has seen its
  /// like. Threads: any.
  bool Matches(std::string_view text) const;

  /// Whether it has a group of that name, (?P<name>...).
  bool HasGroup(const std::string& name) const;
  /// What that group matches in `text`; empty where it is missing, or nothing matches.
  std::string Group(const std::string& name, std::string_view text) const;

 private:
  explicit Pattern(std::unique_ptr<re2::RE2> expression);

  std::unique_ptr<re2::RE2> expression_;
};

}  // namespace hinomi
