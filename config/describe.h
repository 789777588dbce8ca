// Every key of the configuration, once: its name, member, unit, range and meaning.
#pragma once

#include "config/config.h"
#include "config/fields.h"

namespace hinomi {

void Describe(Fields& fields, LogConfig* config);
void Describe(Fields& fields, HttpConfig* config);
void Describe(Fields& fields, LimitsConfig* config);
void Describe(Fields& fields, LogMatch* match);
void Describe(Fields& fields, MultilineConfig* config);
void Describe(Fields& fields, KubernetesSourceConfig* config);
void Describe(Fields& fields, ElasticsearchConfig* config);
void Describe(Fields& fields, SinkConfig* config);
/// bytes_per_second of a section named egress.
void DescribeEgressLimit(Fields& fields, uint64_t* bytes_per_second, std::string_view help);
/// A batch takes no longer than that for such a limit.
inline constexpr uint64_t kBatchSecondsMax = 60;
void Describe(Fields& fields, RouteConfig* config);
void Describe(Fields& fields, Config* config);

}  // namespace hinomi
