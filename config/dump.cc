// Dump: the Fields that print the values in effect.
#include <fmt/core.h>

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
    Nested(fmt::format("{}:", key), PathOf(key), "{}", body);
  }
  bool When(std::string_view key, std::string_view choice, bool holds) override {
    static_cast<void>(key);
    static_cast<void>(choice);
    return holds;
  }
  void Required(std::string_view key) override { static_cast<void>(key); }
  void Require(bool holds, std::string_view key, std::string_view problem) override {
    static_cast<void>(holds);
    static_cast<void>(key);
    static_cast<void>(problem);
  }

 protected:
  void Visit(const Scalar& scalar) override {
    std::string value = scalar.get();
    Line(scalar.key, scalar.is_text ? YamlText(value) : value);
  }
  void Visit(const TextItems& items) override {
    std::vector<std::string> values;
    for (const std::string& value : *items.values) values.push_back(YamlText(value));
    Line(items.key, "[" + Joined(values) + "]");
  }
  void Visit(const StructItems& items) override {
    const std::string path = PathOf(items.key);
    Nested(fmt::format("{}:", items.key), path, items.named ? "{}" : "[]", [&] {
      for (size_t i = 0; i < items.size(); ++i) {
        std::string item_path = items.named ? fmt::format("{}.{}", path, items.name_of(i))
                                            : fmt::format("{}[{}]", path, i);
        Nested(items.named ? items.name_of(i) + ":" : "-", item_path, "{}",
               [&] { items.describe(i); });
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
  /// What `body` prints, indented below `head`; `empty` beside it if that is nothing.
  void Nested(const std::string& head, const std::string& path, std::string_view empty,
              const std::function<void()>& body) {
    std::string outer_path = std::exchange(path_, path);
    fmt::format_to(std::back_inserter(text_), "{:{}}{}", "", indent_, head);
    size_t begin = text_.size();
    text_ += '\n';
    indent_ += 2;
    body();
    indent_ -= 2;
    if (text_.size() == begin + 1) text_.insert(begin, fmt::format(" {}", empty));
    path_ = std::move(outer_path);
  }

  const std::map<std::string, std::string>& origins_;
  std::string text_;
  std::string path_;
  int indent_ = 0;
};

}  // namespace

std::string Dump(const Loaded& loaded) {
  Dumper dumper(loaded);
  Config config = loaded.config;
  Describe(dumper, &config);
  return dumper.Take();
}

}  // namespace hinomi
