// The seam to yaml-cpp: text in, a plain tree with positions out. Foreign text of any kind gives an
// error with its place, never a crash, and never more memory than a small multiple of its size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hinomi {

/// Where something is in a file; both count from 1.
struct YamlMark {
  size_t line = 1;
  size_t column = 1;
};

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  YamlMark mark;
  std::string text;                 // of a scalar
  std::vector<YamlNode> items;      // of a list
  std::vector<YamlMember> members;  // of a map in the order of the file, repeated keys included
};

struct YamlMember {
  std::string key;
  YamlMark mark;
  YamlNode value;
};

/// What is wrong and where.
struct YamlError {
  YamlMark mark;
  std::string text;
};

inline constexpr size_t kYamlBytesMax = 1 << 20;
inline constexpr size_t kYamlDepthMax = 32;
inline constexpr size_t kYamlNodesMax = 20'000;

/// The one document in `text`; an empty text is null. Anchors, aliases, several documents, keys
/// that are not text, NUL bytes, invalid UTF-8 and texts beyond the limits above are errors.
std::variant<YamlNode, YamlError> ParseYaml(std::string_view text);

}  // namespace hinomi
