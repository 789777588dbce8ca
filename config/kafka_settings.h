// Which properties of librdkafka an operator may set, and which headers records may have. Knows
// names and what they would break, not the library: whether a property exists and takes a value is
// asked of it when the sink is made.
#pragma once

#include <string>
#include <string_view>

namespace hinomi {

/// Why `name` may not stand below `settings` of a Kafka sink; empty if it may.
std::string CheckKafkaSetting(std::string_view name);

/// Why `text` may not be the value of a header; empty if it may.
std::string CheckKafkaHeader(std::string_view text);

}  // namespace hinomi
