// Before the first record: makes sure that the target is, or would become, a data stream with the
// right mapping. An unprepared server silently makes a plain index with guessed types instead.
#pragma once

#include <string>

#include "config/config.h"
#include "shipper/sink.h"
#include "shipper/sink/elasticsearch_client.h"

namespace hinomi {

/// The index template for data stream `index`: ECS names, core types only, so that any
/// Elasticsearch from 7.9 and any OpenSearch accepts it.
std::string IndexTemplate(const std::string& index);

/// What that template is called.
std::string TemplateName(const std::string& index);

/// With `config.setup`, writes that template (writing it again changes nothing).
/// Without, asks whether the target exists or some template would make it a data stream. Within an
/// attempt of `client`. No error: records may be sent.
Attempt PrepareTarget(ElasticsearchClient* client, const ElasticsearchConfig& config);

}  // namespace hinomi
