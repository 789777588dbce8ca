#include "shipper/sink/bulk_response.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>

#include "config/glob.h"

namespace hinomi {

namespace {

namespace dom = simdjson::dom;

constexpr size_t kReasonBytesMax = 2048;
constexpr size_t kExcerptBytesMax = 200;

/// An error about the document has one of these types and, unless it is empty, this fragment in its
/// reason. The names are those of Elasticsearch 7, 8 and 9 and of OpenSearch 1 to 3.
struct DocumentError {
  std::string_view type;
  std::string_view fragment;
};
constexpr DocumentError kDocumentErrors[] = {
    {"document_parsing_exception", ""},
    {"mapper_parsing_exception", ""},
    {"strict_dynamic_mapping_exception", ""},
    {"x_content_parse_exception", ""},
    {"json_parse_exception", ""},
    // One type for any bad argument; of the request and of the index as well as of the document.
    {"illegal_argument_exception", "mapper ["},
    {"illegal_argument_exception", "cannot be changed from type"},
    {"illegal_argument_exception", "object mapping"},
    {"illegal_argument_exception", "Could not dynamically add mapping"},
    {"illegal_argument_exception", "Limit of total fields"},
    {"illegal_argument_exception", "Limit of mapping depth"},
    {"illegal_argument_exception", "Limit of nested fields"},
    {"illegal_argument_exception", "Limit of field name"},
    {"illegal_argument_exception", "The number of nested documents has exceeded"},
    {"illegal_argument_exception", "immense term"},
    {"illegal_argument_exception", "field name"},
    {"illegal_argument_exception", "Field name"},
    {"illegal_argument_exception", "object field starting or ending with a [.]"},
};

std::string Text(dom::element object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  if (text.size() <= kReasonBytesMax) return std::string(text);
  size_t end = kReasonBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // whole characters
  return std::string(text.substr(0, end)) + "…";
}

/// The sentence of an error object: OpenSearch says "failed to parse" and the cause only below.
std::string ReasonOf(dom::element error) {
  std::string reason = Text(error, "reason");
  dom::element cause;
  if (error["caused_by"].get(cause) != simdjson::SUCCESS) return reason;
  const std::string because = Text(cause, "reason");
  if (because.empty() || reason.find(because) != std::string::npos) return reason;
  return reason.empty() ? because : reason + ": " + because;
}

bool IsStored(int64_t status, std::string_view type) {
  return status == 200 || status == 201 ||
         (status == 409 && type == "version_conflict_engine_exception");
}

bool AnyMatches(dom::element index_template, std::string_view index) {
  dom::array patterns;
  if (index_template["index_patterns"].get(patterns) != simdjson::SUCCESS) return false;
  for (dom::element pattern : patterns) {
    std::string_view text;
    if (pattern.get(text) == simdjson::SUCCESS && !text.empty() && GlobMatches(text, index))
      return true;
  }
  return false;
}

Error Garbage(std::string_view cause) {
  return {ErrorKind::kCorrupt, fmt::format("cannot read the answer of _bulk: {}", cause)};
}

}  // namespace

bool IsAboutDocument(int status, std::string_view type, std::string_view reason) {
  if (status != 400) return false;
  return std::any_of(
      std::begin(kDocumentErrors), std::end(kDocumentErrors), [&](const DocumentError& known) {
        return type == known.type && reason.find(known.fragment) != std::string_view::npos;
      });
}

Result<std::vector<BulkRefusal>> ParseBulkResponse(std::string_view body, size_t items) {
  dom::parser parser;
  dom::element document;
  if (const auto error = parser.parse(body.data(), body.size()).get(document);
      error != simdjson::SUCCESS) {
    return Garbage(simdjson::error_message(error));
  }
  dom::array list;
  if (document["items"].get(list) != simdjson::SUCCESS) return Garbage("it has no list of items");

  std::vector<BulkRefusal> refusals;
  size_t count = 0;
  for (dom::element item : list) {
    const size_t index = count++;
    if (index >= items) break;
    dom::element result;
    int64_t status = 0;
    if (item["create"].get(result) != simdjson::SUCCESS ||
        result["status"].get(status) != simdjson::SUCCESS || status < 100 || status > 599) {
      return Garbage(fmt::format("item {} has no status", index));
    }
    dom::element error;
    const bool has_error = result["error"].get(error) == simdjson::SUCCESS;
    if (!has_error && IsStored(status, {})) continue;
    BulkRefusal refusal;
    refusal.item = static_cast<uint32_t>(index);
    refusal.status = static_cast<int>(status);
    if (has_error) {
      refusal.type = Text(error, "type");
      refusal.reason = ReasonOf(error);
    }
    if (IsStored(status, refusal.type)) continue;
    refusal.about_document = IsAboutDocument(refusal.status, refusal.type, refusal.reason);
    refusals.push_back(std::move(refusal));
  }
  if (count != items) {
    return Garbage(fmt::format("it has {} items for {} documents", list.size(), items));
  }
  return refusals;
}

std::string ErrorReason(std::string_view body) {
  dom::parser parser;
  dom::element document;
  dom::element error;
  if (parser.parse(body.data(), body.size()).get(document) == simdjson::SUCCESS &&
      document["error"].get(error) == simdjson::SUCCESS) {
    if (error.is_string()) return Text(document, "error");
    const std::string type = Text(error, "type");
    const std::string reason = ReasonOf(error);
    if (!type.empty() || !reason.empty()) return fmt::format("{}: {}", type, reason);
  }
  std::string excerpt;
  for (const char byte : body.substr(0, kExcerptBytesMax)) {
    const bool printable = byte >= ' ' && byte <= '~';
    if (printable) excerpt += byte;
    if (!printable && !excerpt.empty() && excerpt.back() != ' ') excerpt += ' ';
  }
  while (!excerpt.empty() && excerpt.back() == ' ') excerpt.pop_back();
  return excerpt;
}

bool NamesTarget(std::string_view body) {
  dom::parser parser;
  dom::element document;
  if (parser.parse(body.data(), body.size()).get(document) != simdjson::SUCCESS) return false;
  for (const char* kind : {"indices", "aliases", "data_streams"}) {
    dom::array names;
    if (document[kind].get(names) == simdjson::SUCCESS && names.size() > 0) return true;
  }
  return false;
}

Simulation ParseSimulation(std::string_view body) {
  dom::parser parser;
  dom::element document;
  dom::element result;
  if (parser.parse(body.data(), body.size()).get(document) != simdjson::SUCCESS ||
      document["template"].get(result) != simdjson::SUCCESS) {
    return Simulation::kNoTemplate;
  }
  // Elasticsearch shows the metadata field that every data stream's template gets.
  dom::element timestamp;
  const bool found =
      result.at_pointer("/mappings/_data_stream_timestamp").get(timestamp) == simdjson::SUCCESS;
  return found ? Simulation::kDataStream : Simulation::kUnclear;
}

bool TemplatesMakeDataStream(std::string_view body, std::string_view index) {
  dom::parser parser;
  dom::element document;
  dom::array list;
  if (parser.parse(body.data(), body.size()).get(document) != simdjson::SUCCESS ||
      document["index_templates"].get(list) != simdjson::SUCCESS) {
    return false;
  }
  int64_t priority_best = -1;
  bool makes_data_stream = false;
  for (dom::element entry : list) {
    dom::element index_template;
    if (entry["index_template"].get(index_template) != simdjson::SUCCESS) continue;
    if (!AnyMatches(index_template, index)) continue;
    int64_t priority = 0;
    if (index_template["priority"].get(priority) != simdjson::SUCCESS) priority = 0;
    if (priority <= priority_best) continue;
    priority_best = priority;
    dom::object data_stream;
    makes_data_stream = index_template["data_stream"].get(data_stream) == simdjson::SUCCESS;
  }
  return makes_data_stream;
}

}  // namespace hinomi
