#include "shipper/transform/json_body.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"

namespace hinomi {
namespace {

namespace dom = simdjson::dom;

bool IsWhiteSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsWhiteSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsWhiteSpace(text.back())) text.remove_suffix(1);
  return text;
}

/// True for `name` itself and for dotted keys below it.
bool IsAtOrBelow(std::string_view key, std::string_view name) {
  return key.starts_with(name) && (key.size() == name.size() || key[name.size()] == '.');
}

/// Blank, or with dots that have no name on one side.
bool IsMalformed(std::string_view key) {
  return Trim(key).empty() || key.front() == '.' || key.back() == '.' ||
         key.find("..") != std::string_view::npos;
}

/// Splits the first member off `members`, which are those of a valid object.
std::string_view NextMember(std::string_view* members) {
  size_t depth = 0;
  bool in_string = false;
  size_t at = 0;
  for (; at < members->size(); ++at) {
    const char c = (*members)[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 0) {
      break;
    }
  }
  const std::string_view member = members->substr(0, at);
  members->remove_prefix(std::min(at + 1, members->size()));
  return Trim(member);
}

void AppendMember(std::string_view member, std::string* members) {
  if (!members->empty() && members->back() != '{') *members += ',';
  *members += member;
}

template <typename Word>
uint64_t Load(const char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// What one look at a key's bytes tells.
struct KeyLook {
  uint64_t hash = 0;
  uint64_t dots = 0;  // not 0: there is one. (A bool here costs a stall per key with GCC 12.)
};

KeyLook LookAt(std::string_view key) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  KeyLook look{key.size(), 0};
  const auto take = [&look](uint64_t word) {
    const uint64_t dots = word ^ (kOnes * '.');
    look.dots |= (dots - kOnes) & ~dots & (kOnes << 7);
    look.hash = (look.hash ^ word) * 0x9e3779b97f4a7c15u;
    look.hash ^= look.hash >> 32;
  };
  const char* bytes = key.data();
  size_t left = key.size();
  for (; left > 8; left -= 8, bytes += 8) take(Load<uint64_t>(bytes));
  if (key.size() >= 8) {
    take(Load<uint64_t>(bytes + left - 8));  // overlaps the word before
  } else if (left >= 4) {
    take(Load<uint32_t>(bytes) << 32 | Load<uint32_t>(bytes + left - 4));
  } else if (left > 0) {
    const auto at = [bytes](size_t i) { return uint64_t{static_cast<uint8_t>(bytes[i])}; };
    take(at(0) << 16 | at(left / 2) << 8 | at(left - 1));
  }
  return look;
}

/// By character: whether a reserved key can begin with it.
constexpr std::array<bool, 256> kReservedFronts = [] {
  std::array<bool, 256> fronts{};
  for (const char front : std::string_view("_@cdhjklos \t\r\n"))
    fronts[static_cast<uint8_t>(front)] = true;
  return fronts;
}();

/// False for nearly all keys for which IsReservedKey is false.
bool MayBeReserved(std::string_view key, bool has_dot) {
  return has_dot || key.empty() || kReservedFronts[static_cast<uint8_t>(key.front())];
}

/// Remembers keys so roughly that a repeated one is never missed.
class RoughSet {
 public:
  /// True if the key may have been added before.
  bool Add(uint64_t hash) {
    uint64_t& word = words_[hash % words_.size()];
    const uint64_t bit = uint64_t{1} << (hash >> 58);
    const bool seen = (word & bit) != 0;
    word |= bit;
    return seen;
  }

 private:
  std::array<uint64_t, 16> words_{};
};

bool IsNested(dom::element element) {
  const dom::element_type type = element.type();
  return type == dom::element_type::OBJECT || type == dom::element_type::ARRAY;
}

}  // namespace

bool IsReservedKey(std::string_view key, Documents documents) {
  if (IsMalformed(key)) return true;
  if (documents == Documents::kDocker && (IsAtOrBelow(key, "docker") || IsAtOrBelow(key, "host"))) {
    return true;
  }
  switch (key.front()) {
    case '_':
      return true;
    case '@':
      return IsAtOrBelow(key, "@timestamp");
    case 'c':
      return IsAtOrBelow(key, "container");
    case 'd':
      return IsAtOrBelow(key, "data_stream");
    case 'h':
      return documents != Documents::kEvents && IsAtOrBelow(key, "hinomi");
    case 'j':
      return IsAtOrBelow(key, "json");
    case 'k':
      return IsAtOrBelow(key, "kubernetes");
    case 'l':
      return key == "log" || IsAtOrBelow(key, "log.offset") || IsAtOrBelow(key, "log.flags") ||
             IsAtOrBelow(key, "log.file");
    case 'o':
      return IsAtOrBelow(key, "orchestrator");
    case 'r':
      return IsAtOrBelow(key, "release");
    case 's':
      return IsAtOrBelow(key, "stream");
    default:
      return false;
  }
}

struct JsonBody::State {
  dom::parser parser;
  Documents documents = Documents::kKubernetes;
  std::string arena;                   // rewritten bodies
  std::string kept;                    // scratch of MoveReserved
  std::string moved;                   // scratch of MoveReserved
  std::vector<std::string_view> keys;  // scratch of HasRepeatedKey

  bool HasRepeatedKey(dom::object object);
  bool HasRepeatedKeyWithin(dom::element element);
  bool HasRepeatedKeyWithin(dom::object object, bool* any_reserved);
  bool ToMembers(std::string_view body, dom::object* object, bool* any_reserved);
  void ReserveArena(std::span<const Record> records);
  std::string_view MoveReserved(dom::object object, std::string_view members);
};

/// The exact answer, for objects of which RoughSet is not sure.
bool JsonBody::State::HasRepeatedKey(dom::object object) {
  keys.clear();
  for (const dom::key_value_pair& member : object) keys.push_back(member.key);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

bool JsonBody::State::HasRepeatedKeyWithin(dom::element element) {
  bool any_reserved = false;  // of no interest further down
  if (element.is_object()) return HasRepeatedKeyWithin(dom::object(element), &any_reserved);
  for (dom::element item : dom::array(element)) {
    if (IsNested(item) && HasRepeatedKeyWithin(item)) return true;
  }
  return false;
}

bool JsonBody::State::HasRepeatedKeyWithin(dom::object object, bool* any_reserved) {
  RoughSet seen;
  bool unsure = false;
  for (const dom::key_value_pair& member : object) {
    const KeyLook look = LookAt(member.key);
    unsure |= seen.Add(look.hash);
    *any_reserved |=
        MayBeReserved(member.key, look.dots != 0) && IsReservedKey(member.key, documents);
    if (IsNested(member.value) && HasRepeatedKeyWithin(member.value)) return true;
  }
  return unsure && HasRepeatedKey(object);
}

/// What is in the arena must not move: it is made as large as all that can come.
void JsonBody::State::ReserveArena(std::span<const Record> records) {
  if (!arena.empty()) return;
  constexpr size_t kAddedBytes = sizeof(",\"json\":{}");
  size_t bytes_max = Chunk::kPadding;
  for (const Record& record : records) bytes_max += record.body.size() + kAddedBytes;
  arena.reserve(bytes_max);
}

/// Sorts the members into those that stay and those that move.
std::string_view JsonBody::State::MoveReserved(dom::object object, std::string_view members) {
  kept.clear();
  moved = "\"json\":{";
  for (const dom::key_value_pair& member : object) {
    AppendMember(NextMember(&members), IsReservedKey(member.key, documents) ? &moved : &kept);
  }
  moved += '}';
  AppendMember(moved, &kept);
  const size_t at = arena.size();
  arena += kept;
  return std::string_view(arena).substr(at);
}

/// Whether `body` is an object that can be merged into a document.
bool JsonBody::State::ToMembers(std::string_view body, dom::object* object, bool* any_reserved) {
  // Every body can be read Chunk::kPadding bytes beyond its end: no copy is needed.
  static_assert(Chunk::kPadding >= simdjson::SIMDJSON_PADDING);
  if (parser.parse(body.data(), body.size(), /*realloc_if_needed=*/false).get(*object) !=
      simdjson::SUCCESS) {
    return false;
  }
  return !HasRepeatedKeyWithin(*object, any_reserved) && body.find('\n') == std::string_view::npos;
}

JsonBody::JsonBody() : state_(std::make_unique<State>()) {
  constexpr size_t kBodyBytes = 16 << 10;  // a longer one makes them grow
  CHECK(state_->parser.allocate(kBodyBytes, kDepthMax + 1) == simdjson::SUCCESS);
  CHECK(state_->parser.doc.allocate(kBodyBytes) == simdjson::SUCCESS);
}
JsonBody::~JsonBody() = default;

void JsonBody::Apply(std::span<Record> records, Documents documents) {
  state_->documents = documents;
  state_->arena.clear();
  for (Record& record : records) {
    if (record.dropped) continue;
    if (!record.body.starts_with('{') && !record.body.starts_with(' ')) continue;
    const std::string_view body = Trim(record.body);
    if (!body.starts_with('{')) continue;
    dom::object object;
    bool any_reserved = false;
    if (!state_->ToMembers(body, &object, &any_reserved)) continue;
    std::string_view members = Trim(body.substr(1, body.size() - 2));
    if (any_reserved) {
      state_->ReserveArena(records);
      members = state_->MoveReserved(object, members);
    }
    record.body = members;
    record.kind = BodyKind::kJsonMembers;
  }
}

}  // namespace hinomi
