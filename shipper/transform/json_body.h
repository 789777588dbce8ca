// Finds bodies that are JSON objects, so that their members become fields of the document. The
// members are passed on as they were written, never rebuilt. simdjson is only here and in
// shipper/encode/escape.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "shipper/batch.h"

namespace hinomi {

/// Which documents the records become: the agent's own members in them differ. Those of events have
/// "hinomi" in their bodies, since the agent wrote them.
enum class Documents : uint8_t { kKubernetes, kDocker, kEvents };

/// One per worker; not for two threads at once.
class JsonBody {
 public:
  JsonBody();
  ~JsonBody();

  /// Makes every record whose body is one JSON object (leading and trailing white space allowed)
  /// kJsonMembers: body becomes the text between the outer braces, without white space around it,
  /// on one line, possibly empty.
  ///
  /// Members whose key the agent writes itself (`@timestamp`, `kubernetes`, ... and below) or a
  /// document must not have
  /// (`_x`, empty, dots without a name between them) are moved, as text, into a last member
  /// "json":{...}. Left alone, hence text: what is not valid JSON or UTF-8, an object in which a
  /// key is repeated at any level, one with a line feed between its tokens, one nested deeper than
  /// kDepthMax, and what is dropped. Bodies must be readable for Chunk::kPadding bytes beyond their
  /// end. New bodies live until the next call.
  void Apply(std::span<Record> records, Documents documents = Documents::kKubernetes);

  /// The number of nested objects that Elasticsearch takes, arrays included here for simplicity.
  static constexpr size_t kDepthMax = 20;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether a member of that name must not stand at the top level of the agent's documents.
bool IsReservedKey(std::string_view key, Documents documents = Documents::kKubernetes);

}  // namespace hinomi
