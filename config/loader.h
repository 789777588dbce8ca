// The Fields that load: for each key the file's value, then that of the environment, then that of a
// flag.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields.h"
#include "config/load.h"
#include "config/routes.h"
#include "config/yaml.h"

namespace hinomi {

/// Use once: Load, AddError and AddWarning as needed, Finish. `root` and `options` must outlive it.
class Loader final : public Fields {
 public:
  Loader(const YamlNode& root, const LoadOptions& options);

  /// What the default of `path` comes from, where "default" would not tell.
  void SetDefaultOrigin(const std::string& path, const std::string& origin);
  void Load(Config* config);

  /// Reports the problem where its path was set, or else at the nearest key above; unless something
  /// at or below that path has failed before.
  void AddError(const Problem& problem);
  void AddWarning(const Problem& problem);
  /// True if an error was reported at `path` or below.
  bool Failed(std::string_view path) const;
  bool Failed() const { return !errors_.empty(); }

  /// Moves out errors and warnings in the order of the file, and the origins.
  void Finish(Loaded* loaded);

  void Section(std::string_view key, std::string_view help, const std::function<void()>& body,
               bool* given) override;
  bool When(std::string_view key, std::string_view choice, bool holds) override;
  void Required(std::string_view key) override;
  void Require(bool holds, std::string_view key, std::string_view problem) override;

 protected:
  void Visit(const Scalar& scalar) override;
  void Visit(const TextItems& items) override;
  void Visit(const TextPairs& pairs) override;
  void Visit(const StructItems& items) override;

 private:
  /// Where a value was set.
  struct Place {
    std::string name;  // `config.yaml:5`, `environment HINOMI_X`, `--set`
    YamlMark mark;     // line 0: not in the file
  };
  struct Message {
    YamlMark mark;
    std::string text;
  };
  /// A map of the file, or the place where one could be.
  struct Scope {
    const YamlNode* node;  // null: not in the file
    std::string path;
    bool in_list;
    std::vector<std::string> known;  // keys asked for so far
  };

  std::string PathOf(std::string_view key) const;
  Place FilePlace(YamlMark mark) const;
  /// The member of that name in the current scope, or null.
  const YamlMember* Find(std::string_view key);
  void Enter(const YamlNode* node, const std::string& path, bool in_list);
  void Leave();
  /// Calls `set` with the values that environment and flags have for `path`, in this order.
  void VisitOuter(const std::string& path,
                  const std::function<void(const Place&, std::string_view)>& set);
  void Assign(const std::string& path, const Place& place, const std::string& problem);
  void LoadMap(const YamlNode& node, const StructItems& items);
  void LoadList(const YamlNode& node, const StructItems& items);
  void Fail(const std::string& path, const Place& place, std::string_view problem);
  Message MessageOf(const Problem& problem) const;
  void CheckOuter();

  const LoadOptions& options_;
  std::vector<Scope> scopes_;
  std::map<std::string, Place>
      places_;  // of keys, sections and items in the file; of values elsewhere
  std::map<std::string, std::string> origins_;
  std::map<std::string, std::string, std::less<>> overrides_;
  std::vector<std::string> paths_;  // that environment and flags can set
  std::set<std::string, std::less<>> failed_;
  std::set<std::string>
      untyped_;  // sections where for lack of a type nobody can tell which keys belong
  std::vector<Message> errors_;
  std::vector<Message> warnings_;
};

}  // namespace hinomi
