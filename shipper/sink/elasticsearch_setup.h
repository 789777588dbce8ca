// Before the first record: makes sure that the target is, or would become, what the configuration
// says, with the right mapping. An unprepared server silently makes a plain index with guessed
// types instead. Below it are ElasticsearchClient and elasticsearch_templates.h (what is written).
#pragma once

#include "config/config.h"
#include "shipper/sink.h"
#include "shipper/sink/elasticsearch_client.h"

namespace hinomi {

/// With `config.setup`, writes templates and policy: what is there by the same name is replaced if
/// Hinomi made it, and left alone otherwise. What a server lacks (policies, an analyzer) is left
/// out, and said in the log. Without, asks whether the data stream exists or some template would
/// make one. Within an attempt of `client`. No error: records may be sent.
Attempt PrepareTarget(ElasticsearchClient* client, const ElasticsearchConfig& config);

}  // namespace hinomi
