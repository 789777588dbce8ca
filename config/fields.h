// A component's Describe(Fields&, XConfig*) names each of its keys once; whatever Fields it is
// given then loads the values (load.cc), prints those in effect (dump.cc), writes the manual
// (reference.cc) or says what shape a file has (schema.cc).
//
//   void Describe(Fields& fields, HttpConfig* config) {
//     fields.Text("listen", &config->listen, "Address of /metrics …", CheckListen);
//   }
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/text.h"

namespace hinomi {

template <typename T>
struct Range {
  T min;
  T max;
};

enum class ScalarKind { kText, kFlag, kNumber, kSize, kTime, kChoice };

/// One scalar key, whatever its type. Lives for the call it is passed to.
struct Scalar {
  std::string_view key;
  std::string_view help;
  std::string type;      // for the manual: "size", "none, gzip", …
  std::string expected;  // for messages: "a size such as 1MiB"
  ScalarKind kind = ScalarKind::kText;
  /// Sets the value; or leaves it, and returns what is wrong with the text.
  std::function<std::string(std::string_view)> set;
  std::function<std::string()> get;
  std::vector<std::string> choices = {};  // of a kChoice
  Range<uint64_t> range = {0, 0};         // of a kNumber
};

/// One key whose value is a list of texts.
struct TextItems {
  std::string_view key;
  std::string_view help;
  std::string_view type;
  std::vector<std::string>* values;
  Check check;  // of each
  bool may_be_empty = false;
};

/// One key whose value is a map of texts to texts.
struct TextPairs {
  std::string_view key;
  std::string_view help;
  std::map<std::string, std::string>* values;
  Check check_name;
};

/// One key whose value is a list of structs, or a map of names to structs.
struct StructItems {
  std::string_view key;
  std::string_view help;
  bool named = false;  // a map
  std::function<size_t()> size;
  std::function<void()> clear;
  std::function<void(std::string_view name)> add;  // at the end; the name is that of a map's key
  std::function<std::string(size_t)> name_of;
  std::function<void(size_t)> describe;
};

/// What the items of a list of texts are.
struct ItemKind {
  std::string_view type;  // for the manual: "list of URLs"
  Check check;
  bool may_be_empty = false;
};

template <typename E>
using Choices = std::vector<std::pair<std::string_view, E>>;

class Fields {
 public:
  virtual ~Fields() = default;

  void Text(std::string_view key, std::string* value, std::string_view help,
            Check check = CheckText);
  void Flag(std::string_view key, bool* value, std::string_view help);
  void Number(std::string_view key, uint64_t* value, std::string_view help, Range<uint64_t> range);
  void Size(std::string_view key, uint64_t* value, std::string_view help, Range<uint64_t> range);
  void Time(std::string_view key, Nanoseconds* value, std::string_view help,
            Range<Nanoseconds> range);
  template <typename E>
  void Choice(std::string_view key, E* value, std::string_view help, const Choices<E>& choices);
  void TextList(std::string_view key, std::vector<std::string>* values, std::string_view help,
                ItemKind kind) {
    Visit(TextItems{key, help, kind.type, values, kind.check, kind.may_be_empty});
  }
  /// Names that somebody else gave a meaning, and their values. In the file only.
  void TextMap(std::string_view key, std::map<std::string, std::string>* values,
               std::string_view help, Check check_name) {
    Visit(TextPairs{key, help, values, check_name});
  }
  /// A list of structs, each with a Describe of its own.
  template <typename T>
  void List(std::string_view key, std::vector<T>* items, std::string_view help);
  /// The same as a map; its keys are the structs' member `name`.
  template <typename T>
  void Map(std::string_view key, std::vector<T>* items, std::string_view help);

  /// Keys below a key. With `given`: whether this section is there at all; set only if its parent
  /// is.
  virtual void Section(std::string_view key, std::string_view help,
                       const std::function<void()>& body, bool* given = nullptr) = 0;
  /// True if the keys that follow belong here: those of `choice`, a value of the key `key`.
  virtual bool When(std::string_view key, std::string_view choice, bool holds) = 0;
  /// The scalar `key` above has no default.
  virtual void Required(std::string_view /*key*/) {}
  /// What must hold beyond single values; otherwise `problem` is reported at `key`, which may be a
  /// path below this section. Not evaluated further where that key is already in error.
  virtual void Require(bool /*holds*/, std::string_view /*key*/, std::string_view /*problem*/) {}

 protected:
  virtual void Visit(const Scalar& scalar) = 0;
  virtual void Visit(const TextItems& items) = 0;
  virtual void Visit(const TextPairs& pairs) = 0;
  virtual void Visit(const StructItems& items) = 0;

 private:
  template <typename T>
  StructItems ItemsOf(std::string_view key, std::vector<T>* items, std::string_view help);
};

/// HINOMI_SINKS_SEARCH_INDEX for sinks.search.index.
std::string EnvironmentName(std::string_view path);

/// `word, word, …`
std::string Joined(const std::vector<std::string>& words);

template <typename E>
void Fields::Choice(std::string_view key, E* value, std::string_view help,
                    const Choices<E>& choices) {
  std::vector<std::string> words;
  for (const auto& [word, choice] : choices) words.emplace_back(word);
  Scalar scalar{key, help, Joined(words), "one of " + Joined(words), ScalarKind::kChoice,
                {},  {},   words};
  scalar.set = [value, &choices, words](std::string_view text) -> std::string {
    for (const auto& [word, choice] : choices) {
      if (word != text) continue;
      *value = choice;
      return "";
    }
    return "expected one of " + Joined(words) + ", got " + Quoted(text) + Suggestion(text, words);
  };
  scalar.get = [value, &choices]() -> std::string {
    for (const auto& [word, choice] : choices) {
      if (choice == *value) return std::string(word);
    }
    return "";
  };
  Visit(scalar);
}

template <typename T>
StructItems Fields::ItemsOf(std::string_view key, std::vector<T>* items, std::string_view help) {
  StructItems result{key, help, false, {}, {}, {}, {}, {}};
  result.size = [items] { return items->size(); };
  result.clear = [items] { items->clear(); };
  result.add = [items](std::string_view) { items->emplace_back(); };
  result.describe = [this, items](size_t i) { Describe(*this, &(*items)[i]); };
  return result;
}

template <typename T>
void Fields::List(std::string_view key, std::vector<T>* items, std::string_view help) {
  Visit(ItemsOf(key, items, help));
}

template <typename T>
void Fields::Map(std::string_view key, std::vector<T>* items, std::string_view help) {
  StructItems result = ItemsOf(key, items, help);
  result.named = true;
  result.add = [items](std::string_view name) { items->emplace_back().name = name; };
  result.name_of = [items](size_t i) { return (*items)[i].name; };
  Visit(result);
}

}  // namespace hinomi
