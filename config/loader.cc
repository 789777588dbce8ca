#include "config/loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "config/describe.h"

namespace hinomi {
namespace {

constexpr YamlMark kNotInFile = {std::numeric_limits<size_t>::max(), 0};
constexpr std::string_view kPrefix = "HINOMI_";

/// For messages: what stands there instead of what was expected.
std::string Got(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return Quoted(node.text);
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "";
}

std::vector<std::string_view> SplitList(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.push_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

/// What Kubernetes itself puts into the environment for a service named hinomi or hinomi-….
bool IsServiceVariable(std::string_view name) {
  return name.find("_SERVICE_HOST") != std::string_view::npos ||
         name.find("_SERVICE_PORT") != std::string_view::npos || name.ends_with("_PORT") ||
         name.find("_PORT_") != std::string_view::npos;
}

/// The path of what contains the thing at `path`.
std::string_view ParentOf(std::string_view path) {
  size_t end = path.find_last_of(".[");
  return path.substr(0, end == std::string_view::npos ? 0 : end);
}

}  // namespace

Loader::Loader(const YamlNode& root, const LoadOptions& options) : options_(options) {
  scopes_.push_back({&root, "", false, {}});
  for (const std::string& text : options.overrides) {
    size_t equals = text.find('=');
    if (equals == std::string::npos) {
      Fail("", {"--set", kNotInFile}, "expected key=value, got " + Quoted(text));
    } else {
      overrides_[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
}

void Loader::SetDefaultOrigin(const std::string& path, const std::string& origin) {
  origins_[path] = origin;
}

void Loader::Load(Config* config) {
  Scope root = scopes_.back();
  scopes_.clear();
  Enter(root.node, root.path, false);
  Describe(*this, config);
  Leave();
  CheckOuter();
}

std::string Loader::PathOf(std::string_view key) const {
  const std::string& path = scopes_.back().path;
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

Loader::Place Loader::FilePlace(YamlMark mark) const {
  return {fmt::format("{}:{}", options_.path.value_or("config"), mark.line), mark};
}

const YamlMember* Loader::Find(std::string_view key) {
  Scope& scope = scopes_.back();
  scope.known.emplace_back(key);
  if (scope.node == nullptr) return nullptr;
  for (const YamlMember& member : scope.node->members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

void Loader::Enter(const YamlNode* node, const std::string& path, bool in_list) {
  if (node != nullptr && node->kind != YamlNode::Kind::kMap &&
      node->kind != YamlNode::Kind::kNull) {
    Fail(path, FilePlace(node->mark), "expected a map of keys and values, got " + Got(*node));
    node = nullptr;
  }
  scopes_.push_back({node, path, in_list, {}});
}

void Loader::Leave() {
  const Scope scope = std::move(scopes_.back());
  if (scope.node != nullptr) {
    scopes_.push_back(scope);  // PathOf is of this scope
    std::unordered_map<std::string_view, size_t> first_lines;
    for (const YamlMember& member : scope.node->members) {
      auto [first, added] = first_lines.emplace(member.key, member.mark.line);
      std::string path = PathOf(member.key);
      bool known =
          std::find(scope.known.begin(), scope.known.end(), member.key) != scope.known.end();
      if (!added) {
        Fail(path, FilePlace(member.mark),
             fmt::format("repeated; it was first given in line {}", first->second));
      } else if (!known && !untyped_.contains(scope.path)) {
        std::string hint = Suggestion(member.key, scope.known);
        if (hint.empty()) hint = "; the keys here are " + Joined(scope.known);
        Fail(path, FilePlace(member.mark), "unknown key" + hint);
      }
    }
    scopes_.pop_back();
  }
  scopes_.pop_back();
}

void Loader::VisitOuter(const std::string& path,
                        const std::function<void(const Place&, std::string_view)>& set) {
  if (scopes_.back().in_list) return;
  paths_.push_back(path);
  std::string name = EnvironmentName(path);
  auto variable = options_.environment.find(name);
  if (variable != options_.environment.end()) {
    set({"environment " + name, kNotInFile}, variable->second);
  }
  auto flag = overrides_.find(path);
  if (flag != overrides_.end()) set({"--set", kNotInFile}, flag->second);
}

void Loader::Assign(const std::string& path, const Place& place, const std::string& problem) {
  if (!problem.empty()) {
    Fail(path, place, problem);
    return;
  }
  auto before = places_.find(path);
  origins_[path] = before == places_.end()
                       ? place.name
                       : fmt::format("{} (overrides {})", place.name, before->second.name);
  places_[path] = place;
}

void Loader::Visit(const Scalar& scalar) {
  const std::string path = PathOf(scalar.key);
  if (const YamlMember* member = Find(scalar.key)) {
    const YamlNode& node = member->value;
    Assign(path, FilePlace(node.mark),
           node.kind == YamlNode::Kind::kScalar
               ? scalar.set(node.text)
               : fmt::format("expected {}, got {}", scalar.expected, Got(node)));
  }
  VisitOuter(path, [&](const Place& place, std::string_view text) {
    Assign(path, place, scalar.set(text));
  });
}

void Loader::Visit(const TextItems& items) {
  const std::string path = PathOf(items.key);
  if (const YamlMember* member = Find(items.key)) {
    const YamlNode& node = member->value;
    std::vector<std::string> values;
    for (size_t i = 0; i < node.items.size(); ++i) {
      const YamlNode& item = node.items[i];
      std::string problem = item.kind == YamlNode::Kind::kScalar
                                ? items.check(item.text)
                                : "expected text, got " + Got(item);
      if (!problem.empty()) Fail(fmt::format("{}[{}]", path, i), FilePlace(item.mark), problem);
      values.push_back(item.text);
    }
    Assign(path, FilePlace(node.mark),
           node.kind == YamlNode::Kind::kList ? "" : "expected a list, got " + Got(node));
    if (!Failed(path)) *items.values = std::move(values);
  }
  VisitOuter(path, [&](const Place& place, std::string_view text) {
    std::vector<std::string> values;
    std::string problem;
    for (std::string_view part : SplitList(text)) {
      if (problem.empty()) problem = items.check(part);
      values.emplace_back(part);
    }
    Assign(path, place, problem);
    if (problem.empty()) *items.values = std::move(values);
  });
}

void Loader::Visit(const TextPairs& pairs) {
  const std::string path = PathOf(pairs.key);
  const YamlMember* found = Find(pairs.key);
  if (found == nullptr || found->value.kind == YamlNode::Kind::kNull) return;
  const YamlNode& node = found->value;
  places_[path] = FilePlace(found->mark);
  if (node.kind != YamlNode::Kind::kMap) {
    Fail(path, FilePlace(node.mark), "expected a map of keys and values, got " + Got(node));
    return;
  }
  pairs.values->clear();
  for (const YamlMember& member : node.members) {
    const std::string member_path = fmt::format("{}.{}", path, member.key);
    std::string problem = pairs.check_name(member.key);
    if (problem.empty() && pairs.values->contains(member.key)) problem = "repeated";
    if (problem.empty() && member.value.kind != YamlNode::Kind::kScalar) {
      problem = "expected text, got " + Got(member.value);
    }
    Assign(member_path, FilePlace(member.mark), problem);
    if (problem.empty()) (*pairs.values)[member.key] = member.value.text;
  }
}

void Loader::Visit(const StructItems& items) {
  const std::string path = PathOf(items.key);
  const YamlMember* member = Find(items.key);
  if (member != nullptr && member->value.kind != YamlNode::Kind::kNull) {
    const YamlNode& node = member->value;
    places_[path] = FilePlace(member->mark);
    bool fits = node.kind == (items.named ? YamlNode::Kind::kMap : YamlNode::Kind::kList);
    if (!fits) {
      Fail(
          path, FilePlace(node.mark),
          fmt::format("expected {}, got {}", items.named ? "a map of names" : "a list", Got(node)));
    } else if (items.named && !node.members.empty()) {
      LoadMap(node, items);
      return;
    } else if (!items.named) {
      LoadList(node, items);
      return;
    }
  }
  // The defaults, which environment and flags can still change.
  for (size_t i = 0; i < items.size(); ++i) {
    Enter(nullptr, items.named ? fmt::format("{}.{}", path, items.name_of(i)) : "", !items.named);
    items.describe(i);
    Leave();
  }
}

void Loader::LoadMap(const YamlNode& node, const StructItems& items) {
  const std::string path = PathOf(items.key);
  items.clear();
  std::unordered_map<std::string_view, size_t> first_lines;
  for (const YamlMember& member : node.members) {
    const std::string item_path = fmt::format("{}.{}", path, member.key);
    const Place place = FilePlace(member.mark);
    auto [first, added] = first_lines.emplace(member.key, member.mark.line);
    std::string problem = CheckName(member.key);
    if (!problem.empty()) {
      Fail(path, place, problem);
    } else if (!added) {
      Fail(item_path, place, fmt::format("repeated; it was first given in line {}", first->second));
    } else {
      places_[item_path] = place;
      items.add(member.key);
      Enter(&member.value, item_path, false);
      items.describe(items.size() - 1);
      Leave();
    }
  }
}

void Loader::LoadList(const YamlNode& node, const StructItems& items) {
  const std::string path = PathOf(items.key);
  items.clear();
  for (size_t i = 0; i < node.items.size(); ++i) {
    const std::string item_path = fmt::format("{}[{}]", path, i);
    places_[item_path] = FilePlace(node.items[i].mark);
    items.add("");
    Enter(&node.items[i], item_path, true);
    items.describe(i);
    Leave();
  }
}

void Loader::Section(std::string_view key, std::string_view help, const std::function<void()>& body,
                     bool* given) {
  static_cast<void>(help);
  const std::string path = PathOf(key);
  const YamlMember* member = Find(key);
  // A section that was left out of a parent that is there was left out on purpose.
  bool parent_given = scopes_.back().node != nullptr;
  if (given != nullptr && parent_given) *given = member != nullptr;
  if (member != nullptr) places_[path] = FilePlace(member->mark);
  Enter(member == nullptr ? nullptr : &member->value, path, scopes_.back().in_list);
  body();
  Leave();
}

bool Loader::When(std::string_view key, std::string_view choice, bool holds) {
  static_cast<void>(choice);
  if (!Failed(PathOf(key))) return holds;
  untyped_.insert(scopes_.back().path);
  return false;
}

void Loader::Required(std::string_view key) {
  const std::string path = PathOf(key);
  bool is_default = scopes_.back().node == nullptr;
  if (!is_default && !places_.contains(path)) AddError({path, "missing"});
}

void Loader::Require(bool holds, std::string_view key, std::string_view problem) {
  if (!holds) AddError({PathOf(key), std::string(problem)});
}

bool Loader::Failed(std::string_view path) const {
  for (auto i = failed_.lower_bound(path); i != failed_.end() && i->starts_with(path); ++i) {
    if (i->size() == path.size() || (*i)[path.size()] == '.' || (*i)[path.size()] == '[') {
      return true;
    }
  }
  return false;
}

void Loader::Fail(const std::string& path, const Place& place, std::string_view problem) {
  failed_.insert(path);
  std::string where = place.name;
  if (place.mark.line != kNotInFile.line) where += fmt::format(":{}", place.mark.column);
  if (!path.empty()) where += ": " + path;
  errors_.push_back({place.mark, fmt::format("{}: {}", where, problem)});
}

void Loader::AddError(const Problem& problem) {
  if (Failed(problem.path)) return;
  failed_.insert(problem.path);
  errors_.push_back(MessageOf(problem));
}

void Loader::AddWarning(const Problem& problem) { warnings_.push_back(MessageOf(problem)); }

Loader::Message Loader::MessageOf(const Problem& problem) const {
  std::string text = fmt::format("{}: {}", problem.path, problem.text);
  for (std::string_view path = problem.path; !path.empty(); path = ParentOf(path)) {
    auto place = places_.find(std::string(path));
    if (place == places_.end()) continue;
    const auto& [name, mark] = place->second;
    if (mark.line == kNotInFile.line) return {mark, fmt::format("{}: {}", name, text)};
    return {mark, fmt::format("{}:{}: {}", name, mark.column, text)};
  }
  return {kNotInFile, options_.path ? fmt::format("{}: {}", *options_.path, text) : text};
}

void Loader::CheckOuter() {
  auto untyped = [&](std::string_view name, auto name_of) {
    return std::any_of(untyped_.begin(), untyped_.end(), [&](const std::string& path) {
      return name.starts_with(name_of(path + "."));
    });
  };
  std::vector<std::string> names;
  for (const std::string& path : paths_) names.push_back(EnvironmentName(path));
  for (const auto& [name, value] : options_.environment) {
    bool known = std::find(names.begin(), names.end(), name) != names.end() ||
                 untyped(name, EnvironmentName);
    if (known || !name.starts_with(kPrefix) || IsServiceVariable(name)) continue;
    warnings_.push_back({kNotInFile, fmt::format("environment {}: matches no key{}", name,
                                                 Suggestion(name, names))});
  }
  for (const auto& [path, value] : overrides_) {
    if (std::find(paths_.begin(), paths_.end(), path) != paths_.end()) continue;
    if (untyped(path, [](const std::string& prefix) { return prefix; })) continue;
    Fail(path, {"--set", kNotInFile}, "unknown key" + Suggestion(path, paths_));
  }
}

void Loader::Finish(Loaded* loaded) {
  auto move_out = [](std::vector<Message>& messages, std::vector<std::string>* texts) {
    std::stable_sort(messages.begin(), messages.end(), [](const Message& a, const Message& b) {
      return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
    });
    for (Message& message : messages) texts->push_back(std::move(message.text));
  };
  move_out(errors_, &loaded->errors);
  move_out(warnings_, &loaded->warnings);
  loaded->origins = std::move(origins_);
}

}  // namespace hinomi
