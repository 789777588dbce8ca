// Reference: the Fields that write the manual.
#include <fmt/format.h>

#include <utility>

#include "config/describe.h"
#include "config/load.h"

namespace hinomi {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

This page is printed by `hinomi config --reference`.

`hinomi run --config FILE` reads one YAML file. Without one, the container logs of this node go to standard output.
`hinomi check --config FILE` reports everything that is wrong with a file, by line and column; `hinomi config --config
FILE` prints the values in effect and where each came from. `hinomi config --schema` prints the file's JSON Schema
(`configuration.schema.json` beside this page), for editors.

- A value comes from the flag `--set key=value`, else from the environment variable, else from the file, else it is
  the default.
- Unknown and repeated keys are errors.
- Sizes are written `100`, `64kB`, `1MB`, `1GB` (powers of 1000) or `256KiB`, `1MiB`, `1GiB` (powers of 1024); durations
  `200ms`, `5s`, `1m`, `24h`, `7d`.
- Secrets are never written here: the file names the files that hold them.

```yaml
cluster: demo
sinks:
  search: { type: elasticsearch, endpoints: ["http://127.0.0.1:9200"] }
routes:
  - { name: prod, match: {namespace: "prod-*"}, sink: search, stop: true }
  - { name: rest, sink: search, start: now }
```
)";

class Writer final : public Fields {
 public:
  Writer() = default;
  /// For what is below `path`, of one `type`.
  Writer(std::string path, std::string_view type) : path_(std::move(path)), type_(type) {}

  std::string Take() { return std::move(text_); }
  /// False when there is no such type.
  bool known() const { return known_; }

  /// Starts a section of the manual.
  void Head(std::string_view title, std::string_view help) {
    if (!type_.empty()) return;  // one table
    Flush();
    if (!title.empty()) Append("\n## {}\n\n{}\n", title, help);
    head_pending_ = true;
  }
  void Flush() {
    Append("{}", row_);
    row_.clear();
  }

  void Section(std::string_view key, std::string_view help, const std::function<void()>& body,
               bool* given) override {
    static_cast<void>(given);
    std::string outer = std::exchange(path_, PathOf(key));
    Head("`" + path_ + "`", help);
    body();
    path_ = std::move(outer);
    Head("", "");
  }
  bool When(std::string_view key, std::string_view choice, bool holds) override {
    static_cast<void>(holds);
    if (!type_.empty()) return choice == type_;
    Head(fmt::format("`{}` of {} {}", path_, key, choice),
         "Only for this " + std::string(key) + ".");
    return true;
  }
  void Required(std::string_view key) override {
    static_cast<void>(key);
    row_ = Row("required");
  }

 protected:
  void Visit(const Scalar& scalar) override {
    if (!type_.empty() && scalar.key == "type") known_ = scalar.set(type_).empty();
    std::string value = scalar.get();
    Add({std::string(scalar.key), scalar.type, std::string(scalar.help), true},
        value.empty() ? "empty" : "`" + value + "`");
  }
  void Visit(const TextItems& items) override {
    std::string value = items.may_be_empty ? "empty" : "required";
    if (!items.values->empty()) value = "`" + Joined(*items.values) + "`";
    Add({std::string(items.key), std::string(items.type), std::string(items.help), true}, value);
  }
  void Visit(const TextPairs& pairs) override {
    Add({std::string(pairs.key), "map of texts", std::string(pairs.help), false}, "empty");
  }
  void Visit(const StructItems& items) override {
    std::string outer = std::exchange(path_, PathOf(items.key));
    bool outer_in_list = std::exchange(in_list_, in_list_ || !items.named);
    path_ += items.named ? ".NAME" : "[]";
    Head("`" + path_ + "`", items.help);
    items.clear();
    items.add("NAME");
    items.describe(0);
    path_ = std::move(outer);
    in_list_ = outer_in_list;
    Head("", "");
  }

 private:
  struct Key {
    std::string name;
    std::string type;
    std::string help;
    bool in_environment = false;
  };

  std::string PathOf(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }
  template <typename... Args>
  void Append(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }
  void Add(Key key, const std::string& value) {
    Flush();
    if (std::exchange(head_pending_, false)) {
      Append("\n| key | type | default | environment | meaning |\n|---|---|---|---|---|\n");
    }
    key_ = std::move(key);
    row_ = Row(value);
  }
  std::string Row(std::string_view value) const {
    std::string path = PathOf(key_.name);
    std::string variable =
        in_list_ || !key_.in_environment ? "" : "`" + EnvironmentName(path) + "`";
    return fmt::format("| `{}` | {} | {} | {} | {} |\n", path, key_.type, CellOf(value), variable,
                       key_.help);
  }
  // A bar would end the cell, in code too.
  static std::string CellOf(std::string_view text) {
    std::string cell;
    for (const char c : text) {
      if (c == '|') cell += '\\';
      cell += c;
    }
    return cell;
  }

  std::string text_;
  std::string path_;
  std::string type_;  // alone; empty: all
  bool known_ = true;
  bool in_list_ = false;
  bool head_pending_ = true;
  Key key_;          // the last one
  std::string row_;  // its row, which may still become "required"
};

}  // namespace

std::string Reference() {
  Config config;
  config.node = "$NODE_NAME, else the host name";
  config.sinks.emplace_back();
  Writer writer;
  Describe(writer, &config);
  writer.Flush();
  return std::string(kIntroduction) + writer.Take();
}

std::string SinkReference(std::string_view type) {
  SinkConfig config;
  Writer writer("sinks.NAME", type);
  Describe(writer, &config);
  writer.Flush();
  return writer.known() ? writer.Take() : "";
}

}  // namespace hinomi
