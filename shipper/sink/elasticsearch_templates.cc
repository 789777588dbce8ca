#include "shipper/sink/elasticsearch_templates.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "base/http_client.h"
#include "config/name_parts.h"
#include "config/text.h"
#include "shipper/sink/json_text.h"

namespace hinomi {
namespace {

constexpr std::string_view kMappingsHead = R"json({
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
)json";
// Without length norms: nobody ranks log lines. Bigrams find words that have no spaces around them.
constexpr std::string_view kMessage = R"json(    "message": {"type": "text", "norms": false},
)json";
constexpr std::string_view kMessageWithCjk =
    R"json(    "message": {"type": "text", "norms": false, "fields": {
      "cjk": {"type": "text", "analyzer": "cjk", "norms": false}
    }},
)json";
constexpr std::string_view kMappingsTail = R"json(    "stream": {"type": "keyword"},
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

std::string Name(const std::string& index) { return "hinomi-" + ExampleName(index); }

std::string PatternOf(const std::string& index) {
  std::string pattern;
  for (const NamePart& part : NameParts(index)) {
    pattern += part.is_word ? std::string_view("*") : part.text;
  }
  return pattern;
}

/// Above the 100 of the templates that come with Elasticsearch for logs-*-*. Of two of ours, the
/// one that says more of a name wins; servers refuse two that match one name with the same
/// priority.
size_t PriorityOf(const std::string& index) {
  constexpr size_t kOfOneName = 200;
  if (!HasWords(index)) return kOfOneName;
  size_t said = 0;
  for (const NamePart& part : NameParts(index)) said += part.is_word ? 0 : part.text.size();
  return std::min(100 + said, kOfOneName - 1);
}

SetupRequest IlmPolicy(const ElasticsearchConfig& config) {
  const LifecycleConfig& lifecycle = config.lifecycle;
  std::string rollover;
  if (!IsDated(config.index)) {
    rollover = fmt::format(
        "  \"hot\": {{\"actions\": {{\"rollover\": {{\"max_age\": \"{}\", \"max_size\": "
        "\"{}b\"}}}}}},\n",
        FormatDuration(lifecycle.rollover_age), lifecycle.rollover_bytes);
  }
  return {"/_ilm/policy/" + UrlEncoded(Name(config.index)),
          fmt::format(R"({{"policy": {{
"_meta": {{"managed_by": "hinomi"}},
"phases": {{
{}  "delete": {{"min_age": "{}", "actions": {{"delete": {{}}}}}}
}}}}}})",
                      rollover, FormatDuration(lifecycle.delete_after))};
}

SetupRequest IsmPolicy(const ElasticsearchConfig& config) {
  const LifecycleConfig& lifecycle = config.lifecycle;
  const bool dated = IsDated(config.index);
  std::string rollover;
  if (!dated) {
    rollover = fmt::format(R"({{"rollover": {{"min_index_age": "{}", "min_size": "{}b"}}}})",
                           FormatDuration(lifecycle.rollover_age), lifecycle.rollover_bytes);
  }
  return {"/_plugins/_ism/policies/" + UrlEncoded(Name(config.index)),
          fmt::format(R"({{"policy": {{
"description": "{}: deletes what is old",
"default_state": "hot",
"states": [
  {{"name": "hot", "actions": [{}],
    "transitions": [{{"state_name": "delete", "conditions": {{"{}": "{}"}}}}]}},
  {{"name": "delete", "actions": [{{"delete": {{}}}}], "transitions": []}}
],
"ism_template": [{{"index_patterns": [{}], "priority": {}}}]
}}}})",
                      kManagedByHinomi, rollover, dated ? "min_index_age" : "min_rollover_age",
                      FormatDuration(lifecycle.delete_after), JsonString(PatternOf(config.index)),
                      PriorityOf(config.index))};
}

}  // namespace

std::string ExampleName(const std::string& index) {
  std::string name;
  for (const NamePart& part : NameParts(index)) name += part.text;
  return name;
}

SetupRequest MappingsTemplate(const std::string& index, bool cjk) {
  return {
      "/_component_template/" + UrlEncoded(Name(index) + "-mappings"),
      std::string(kMappingsHead).append(cjk ? kMessageWithCjk : kMessage).append(kMappingsTail)};
}

SetupRequest SettingsTemplate(const std::string& index, Manager manager) {
  std::string settings;
  if (manager == Manager::kIlm) settings = "\"index.lifecycle.name\": " + JsonString(Name(index));
  return {"/_component_template/" + UrlEncoded(Name(index) + "-settings"), fmt::format(R"({{
"_meta": {{"managed_by": "hinomi"}},
"template": {{"settings": {{{}}}}}
}})",
                                                                                       settings)};
}

SetupRequest IndexTemplate(const std::string& index) {
  const std::string name = Name(index);
  return {"/_index_template/" + UrlEncoded(name),
          fmt::format(R"({{"index_patterns": [{}],
"priority": {},{}
"_meta": {{"managed_by": "hinomi"}},
"composed_of": [{}, {}]
}})",
                      JsonString(PatternOf(index)), PriorityOf(index),
                      IsDated(index) ? "" : "\n\"data_stream\": {},",
                      JsonString(name + "-mappings"), JsonString(name + "-settings"))};
}

SetupRequest LifecyclePolicy(const ElasticsearchConfig& config, Manager manager) {
  CHECK(manager != Manager::kNobody);
  return manager == Manager::kIlm ? IlmPolicy(config) : IsmPolicy(config);
}

std::string SetupForConsole(const ElasticsearchConfig& config) {
  std::string text;
  const auto add = [&text](const SetupRequest& request) {
    text += fmt::format("PUT {}\n{}\n", request.path, request.body);
  };
  add(MappingsTemplate(config.index, true));
  if (config.lifecycle.delete_after == Nanoseconds(0)) {
    add(SettingsTemplate(config.index, Manager::kNobody));
  } else {
    text += "# Elasticsearch:\n";
    add(LifecyclePolicy(config, Manager::kIlm));
    add(SettingsTemplate(config.index, Manager::kIlm));
    text += "# OpenSearch, in place of these two:\n";
    add(LifecyclePolicy(config, Manager::kIsm));
    add(SettingsTemplate(config.index, Manager::kNobody));
    text += "# Both:\n";
  }
  add(IndexTemplate(config.index));
  return text;
}

}  // namespace hinomi
