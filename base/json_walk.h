// Reads JSON of others as it passes by: what is not asked for is never kept, and no nesting uses up
// the stack. RapidJSON stays behind this file.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hinomi {

/// Where a value is: the names that lead to it from the top. An element of an array has an empty
/// one.
class JsonPath {
 public:
  static constexpr size_t kDepthMax = 8;
  static constexpr std::string_view kAny = "*";  // among Names: whatever the name is

  using Names = std::initializer_list<std::string_view>;
  bool Is(Names names) const { return names.size() == depth_ && Begins(names); }
  /// Whether it is the member of `names` whose name is last().
  bool IsIn(Names names) const { return names.size() + 1 == depth_ && Begins(names); }
  const std::string& last() const { return names_[depth_ - 1]; }  // not at the top

 private:
  friend class JsonWalker;
  bool Begins(Names names) const;

  size_t depth_ = 0;  // of what is open, above kDepthMax too
  std::array<std::string, kDepthMax> names_;
};

/// What is told, in the order of the text; nothing of what is deeper than JsonPath::kDepthMax.
class JsonVisitor {
 public:
  virtual ~JsonVisitor() = default;
  virtual void Text(const JsonPath&, std::string_view) {}
  virtual void Number(const JsonPath&, double) {}
  virtual void Flag(const JsonPath&, bool) {}
  virtual void BeginArray(const JsonPath&) {}
  virtual void EndObject(const JsonPath&) {}
};

/// Errors: corrupt, saying where; it repeats nothing of the content. What was told until then
/// counts for nothing.
Result<void> WalkJson(std::string_view json, JsonVisitor& visitor);

}  // namespace hinomi
