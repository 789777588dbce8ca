// What Elasticsearch and OpenSearch answer when they are asked for a template or a policy by name.
// Pure functions over foreign bytes. Knows nothing of HTTP.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hinomi {

/// Whose an object is.
enum class Owner {
  kNobody,  // there is none
  kHinomi,
  kOther,
};

/// What an answer of 200 tells of a component template, an index template or a policy.
struct SetupAnswer {
  Owner owner = Owner::kNobody;
  /// Of an ISM policy, for changing what was read and nothing newer.
  std::optional<int64_t> sequence_number;
  std::optional<int64_t> primary_term;
};

/// What is not the answer that was expected is that of nobody's object.
SetupAnswer ParseSetupAnswer(std::string_view body);

}  // namespace hinomi
