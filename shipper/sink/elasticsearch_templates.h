// What makes a target of Elasticsearch or OpenSearch the right one, as requests: component
// templates with the mapping and the settings, the index template that is made of them, and a
// policy that deletes what is old. Pure functions of the configuration; elasticsearch_setup.h sends
// them.
//
// All are called hinomi-INDEX, with an ending where there are several, and say in `_meta` (a policy
// of OpenSearch, which has none, in `description`) that Hinomi manages them.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace hinomi {

/// Who deletes what is old.
enum class Manager { kNobody, kIlm, kIsm };

struct SetupRequest {
  std::string path;  // to PUT to
  std::string body;  // JSON
};

/// ECS names, core types only, so that any Elasticsearch from 7.9 and any OpenSearch accepts it.
/// With `cjk` there is message.cjk, by an analyzer of Lucene that a server may lack.
SetupRequest MappingsTemplate(const std::string& index, bool cjk);

SetupRequest SettingsTemplate(const std::string& index, Manager manager);

/// Of all that a name such as logs-{namespace}-{day} stands for; data streams unless it has a date.
SetupRequest IndexTemplate(const std::string& index);

/// `manager` is not kNobody, and config.lifecycle.delete_after not zero.
SetupRequest LifecyclePolicy(const ElasticsearchConfig& config, Manager manager);

/// The beginning of an ISM policy's description by which Hinomi knows its own.
inline constexpr std::string_view kManagedByHinomi = "Managed by hinomi";

/// A name of the shape that `index` has, to ask a server about: its words without their braces.
std::string ExampleName(const std::string& index);

/// All that setup would write, as Kibana's console takes it.
std::string SetupForConsole(const ElasticsearchConfig& config);

}  // namespace hinomi
