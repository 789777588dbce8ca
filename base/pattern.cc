#include "base/pattern.h"

#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <vector>

namespace hinomi {
namespace {

constexpr int64_t kMemoryBytesMax = 1 << 20;  // of one expression and its automata

}  // namespace

Result<Pattern> Pattern::Compile(std::string_view expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemoryBytesMax);
  auto compiled =
      std::make_unique<re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!compiled->ok()) {
    return Error{ErrorKind::kConfig, fmt::format("cannot compile \"{}\": {}; the syntax is RE2's",
                                                 expression, compiled->error())};
  }
  return Pattern(std::move(compiled));
}

Pattern::Pattern(std::unique_ptr<re2::RE2> expression) : expression_(std::move(expression)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

bool Pattern::Matches(std::string_view text) const {
  const re2::StringPiece piece(text.data(), std::min(text.size(), kTextBytesMax));
  return expression_->Match(piece, 0, piece.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

bool Pattern::HasGroup(const std::string& name) const {
  return expression_->NamedCapturingGroups().contains(name);
}

std::string Pattern::Group(const std::string& name, std::string_view text) const {
  const auto& groups = expression_->NamedCapturingGroups();
  const auto group = groups.find(name);
  if (group == groups.end()) return "";
  const re2::StringPiece piece(text.data(), std::min(text.size(), kTextBytesMax));
  std::vector<re2::StringPiece> found(static_cast<size_t>(group->second) + 1);
  const bool matched = expression_->Match(piece, 0, piece.size(), re2::RE2::UNANCHORED,
                                          found.data(), static_cast<int>(found.size()));
  return matched ? found.back().ToString() : "";
}

}  // namespace hinomi
