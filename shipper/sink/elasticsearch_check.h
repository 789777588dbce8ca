// Asks a server whether it would take records, without giving it one: for `hinomi check`.
#pragma once

#include "config/config.h"
#include "shipper/sink.h"
#include "shipper/sink/elasticsearch_client.h"

namespace hinomi {

/// Within an attempt of `client`: is it there, does it trust us and we it, is it new enough, may we
/// write. The error is the first that is wrong, with what helps. Whether we may write is told by
/// Elasticsearch alone, and only with its security on: OpenSearch would have to be given a
/// document.
Attempt CheckServer(ElasticsearchClient* client, const ElasticsearchConfig& config);

}  // namespace hinomi
