#include "shipper/sink/elasticsearch_setup.h"

#include <fmt/core.h>

#include <string_view>

#include "shipper/sink/bulk_response.h"
#include "shipper/sink/json_text.h"

namespace hinomi {

namespace {

// Priority 200: the templates that come with Elasticsearch for logs-*-* have 100.
constexpr std::string_view kTemplateHead = R"({"index_patterns":[)";
constexpr std::string_view kTemplateTail = R"json(],
"priority": 200,
"data_stream": {},
"_meta": {"managed_by": "hinomi"},
"template": {"mappings": {
  "date_detection": false,
  "dynamic_templates": [
    {"labels": {"path_match": "container.labels", "match_mapping_type": "object",
      "mapping": {"type": "object", "enabled": false}}},
    {"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}
  ],
  "properties": {
    "@timestamp": {"type": "date_nanos"},
    "message": {"type": "text", "norms": false},
    "stream": {"type": "keyword"},
    "log": {"properties": {
      "offset": {"type": "long"},
      "flags": {"type": "keyword"},
      "level": {"type": "keyword"},
      "file": {"properties": {"path": {"type": "keyword", "ignore_above": 1024}}}
    }},
    "kubernetes": {"properties": {
      "namespace": {"type": "keyword"},
      "pod": {"properties": {"name": {"type": "keyword"}, "uid": {"type": "keyword"}}},
      "container": {"properties": {"name": {"type": "keyword"}}},
      "node": {"properties": {"name": {"type": "keyword"}}},
      "workload": {"properties": {"name": {"type": "keyword"}, "kind": {"type": "keyword"}}},
      "deployment": {"properties": {"name": {"type": "keyword"}}},
      "statefulset": {"properties": {"name": {"type": "keyword"}}},
      "daemonset": {"properties": {"name": {"type": "keyword"}}},
      "job": {"properties": {"name": {"type": "keyword"}}},
      "cronjob": {"properties": {"name": {"type": "keyword"}}}
    }},
    "release": {"properties": {"branch": {"type": "keyword"}, "commit": {"type": "keyword"}}},
    "hinomi": {"properties": {
      "metadata": {"type": "keyword"},
      "event": {"properties": {
        "action": {"type": "keyword"},
        "reason": {"type": "keyword", "ignore_above": 1024},
        "route": {"type": "keyword"},
        "sink": {"type": "keyword"},
        "log": {"type": "keyword", "ignore_above": 1024},
        "file": {"type": "keyword", "ignore_above": 1024},
        "last_lines": {"type": "text", "norms": false},
        "exit_code": {"type": "long"},
        "restart": {"type": "long"},
        "bytes": {"type": "long"},
        "segment": {"type": "long"},
        "begin": {"type": "long"},
        "end": {"type": "long"},
        "ran_milliseconds": {"type": "long"},
        "down_milliseconds": {"type": "long"}
      }}
    }},
    "orchestrator": {"properties": {"cluster": {"properties": {"name": {"type": "keyword"}}}}},
    "data_stream": {"properties": {
      "type": {"type": "keyword"},
      "dataset": {"type": "keyword"},
      "namespace": {"type": "keyword"}
    }},
    "json": {"type": "object", "enabled": false}
  }
}}})json";

Attempt WriteTemplate(ElasticsearchClient* client, const ElasticsearchConfig& config) {
  const std::string name = TemplateName(config.index);
  const std::string content = IndexTemplate(config.index);
  const std::string_view parts[] = {content};
  ElasticsearchReply reply =
      client->Ask({.method = "PUT", .path = "/_index_template/" + UrlEncoded(name), .body = parts});
  if (reply.status < 400 || reply.status == 401) return reply.failure;
  reply.failure.error = fmt::format(
      "cannot write the index template \"{}\": {}; or set `setup: false` if somebody else prepares "
      "\"{}\"",
      name, reply.failure.error, config.index);
  return reply.failure;
}

Attempt NotPrepared(const ElasticsearchClient& client, const std::string& index) {
  return {.error = fmt::format(
              "cannot send to \"{}\" at \"{}\": it does not exist and no index template would make "
              "it a data stream; set `setup: true`, or write a template with `data_stream` for it",
              index, client.endpoint()),
          .code = "no_data_stream",
          .retry_after = {}};
}

Attempt Explained(ElasticsearchReply reply, const std::string& index) {
  if (reply.status == 403) {
    reply.failure.error += fmt::format(
        "; without `setup` it must be allowed to see whether \"{}\" exists (view_index_metadata) "
        "and, as "
        "long as it does not, what would make it (manage_index_templates)",
        index);
  }
  return reply.failure;
}

Attempt FindTarget(ElasticsearchClient* client, const ElasticsearchConfig& config) {
  const std::string index = UrlEncoded(config.index);
  ElasticsearchReply reply = client->Ask({.path = "/_resolve/index/" + index});
  if (reply.failure.error.empty() && NamesTarget(reply.body)) return {};
  // Elasticsearch answers 404 for a target that is not there, OpenSearch an empty list.
  if (!reply.failure.error.empty() && reply.status != 404)
    return Explained(std::move(reply), config.index);

  reply = client->Ask({.method = "POST", .path = "/_index_template/_simulate_index/" + index});
  if (!reply.failure.error.empty()) return Explained(std::move(reply), config.index);
  const Simulation simulation = ParseSimulation(reply.body);
  if (simulation == Simulation::kDataStream) return {};
  if (simulation == Simulation::kNoTemplate) return NotPrepared(*client, config.index);

  reply = client->Ask(
      {.path = "/_index_template?filter_path=index_templates.index_template.index_patterns,"
               "index_templates.index_template.priority,"
               "index_templates.index_template.data_stream"});
  if (!reply.failure.error.empty()) return Explained(std::move(reply), config.index);
  if (TemplatesMakeDataStream(reply.body, config.index)) return {};
  return NotPrepared(*client, config.index);
}

}  // namespace

std::string IndexTemplate(const std::string& index) {
  return std::string(kTemplateHead).append(JsonString(index)).append(kTemplateTail);
}

std::string TemplateName(const std::string& index) { return "hinomi-" + index; }

Attempt PrepareTarget(ElasticsearchClient* client, const ElasticsearchConfig& config) {
  return config.setup ? WriteTemplate(client, config) : FindTarget(client, config);
}

}  // namespace hinomi
