// What Elasticsearch and OpenSearch answer: the outcome of each document of a _bulk request, the
// reason of an error, what a target is. Pure functions over foreign bytes; nothing in them is
// trusted. simdjson stays behind this file. Knows nothing of HTTP or batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hinomi {

/// The parts of a _bulk answer that ParseBulkResponse reads.
inline constexpr std::string_view kBulkFilterPath =
    "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason,"
    "error.type,error.reason";

/// A document that was not stored.
struct BulkRefusal {
  uint32_t item = 0;  // index in the request
  int status = 0;
  bool about_document =
      false;  // this document will never be accepted; otherwise the cluster is at fault
  std::string type;
  std::string reason;
};

/// The items of a _bulk answer that were refused, in order of `item`; all the others are stored
/// (201, 200, or 409 because this id, a hash of range and bytes, exists). Errors: corrupt, when the
/// answer is not one about exactly `items` documents: then nothing is known about any of them.
Result<std::vector<BulkRefusal>> ParseBulkResponse(std::string_view body, size_t items);

/// Whether an item's error is about the document itself, by the table in the .cc file. Everything
/// that is not in it is the cluster's fault, so that no record is given up for a mistake that
/// somebody can repair.
bool IsAboutDocument(int status, std::string_view type, std::string_view reason);

/// `type: reason` of an error answer; of anything else the first printable characters, empty for
/// none.
std::string ErrorReason(std::string_view body);

/// Whether the answer of `_resolve/index` names an index, an alias or a data stream.
bool NamesTarget(std::string_view body);

/// What the answer of `_index_template/_simulate_index` tells about a target that does not exist
/// yet.
enum class Simulation {
  kNoTemplate,  // it would become a plain index
  kDataStream,
  kUnclear,  // a template matches, but OpenSearch does not say whether it makes a data stream
};
Simulation ParseSimulation(std::string_view body);

/// Whether the one of the listed index templates (answer of `_index_template`) that would be
/// applied to `index` makes a data stream.
bool TemplatesMakeDataStream(std::string_view body, std::string_view index);

}  // namespace hinomi
