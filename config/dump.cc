// Dump: the Fields that print the values in effect.
#include <fmt/format.h>

#include <utility>

#include "config/describe.h"
#include "config/load.h"

namespace hinomi {
namespace {

std::string YamlText(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

class Dumper final : public Fields {
 public:
  explicit Dumper(const Loaded& loaded) : origins_(loaded.origins) {}

  std::string Take() { return std::move(text_); }

  void Section(std::string_view key, std::string_view help, const std::function<void()>& body,
               bool* given) override {
    static_cast<void>(help);
    if (given != nullptr && !*given) return;
    Nested(key, PathOf(key), "{}", body);
  }
  bool When(std::string_view key, std::string_view choice, bool holds) override {
    static_cast<void>(key);
    static_cast<void>(choice);
    return holds;
  }

 protected:
  void Visit(const Scalar& scalar) override {
    std::string value = scalar.get();
    Line(scalar.key, scalar.kind == ScalarKind::kText ? YamlText(value) : value);
  }
  void Visit(const TextItems& items) override {
    std::vector<std::string> values;
    for (const std::string& value : *items.values) values.push_back(YamlText(value));
    Line(items.key, "[" + Joined(values) + "]");
  }
  void Visit(const TextPairs& pairs) override {
    Nested(pairs.key, PathOf(pairs.key), "{}", [&] {
      for (const auto& [name, value] : *pairs.values) Line(name, YamlText(value));
    });
  }
  void Visit(const StructItems& items) override {
    const std::string path = PathOf(items.key);
    Nested(items.key, path, items.named ? "{}" : "[]", [&] {
      for (size_t i = 0; i < items.size(); ++i) {
        if (items.named) {
          const std::string name = items.name_of(i);
          Nested(name, fmt::format("{}.{}", path, name), "{}", [&] { items.describe(i); });
          continue;
        }
        size_t begin = text_.size() + indent_;
        Indented(fmt::format("{}[{}]", path, i), [&] { items.describe(i); });
        text_[begin] = '-';  // in front of the item's first key
      }
    });
  }

 private:
  std::string PathOf(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }
  void Line(std::string_view key, std::string_view value) {
    auto origin = origins_.find(PathOf(key));
    fmt::format_to(std::back_inserter(text_), "{:{}}{}: {}  # {}\n", "", indent_, key, value,
                   origin == origins_.end() ? "default" : origin->second);
  }
  void Indented(const std::string& path, const std::function<void()>& body) {
    std::string outer_path = std::exchange(path_, path);
    indent_ += 2;
    body();
    indent_ -= 2;
    path_ = std::move(outer_path);
  }
  /// What `body` prints, below `key`; `empty` beside it if that is nothing.
  void Nested(std::string_view key, const std::string& path, std::string_view empty,
              const std::function<void()>& body) {
    fmt::format_to(std::back_inserter(text_), "{:{}}{}:", "", indent_, key);
    size_t end = text_.size();
    text_ += '\n';
    Indented(path, body);
    if (text_.size() == end + 1) text_.insert(end, fmt::format(" {}", empty));
  }

  const std::map<std::string, std::string>& origins_;
  std::string text_;
  std::string path_;
  size_t indent_ = 0;
};

}  // namespace

std::string Dump(const Loaded& loaded) {
  Dumper dumper(loaded);
  Config config = loaded.config;
  Describe(dumper, &config);
  return dumper.Take();
}

}  // namespace hinomi
