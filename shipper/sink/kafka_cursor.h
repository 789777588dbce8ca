// The messages of the topic that keeps cursors: pure functions. docs/sinks/kafka.md describes them
// for people; change both.
//
//   key    ["cluster","node","route","/var/log/pods/…/0.log"]
//   value  {"segment":"0123456789abcdef","offset":4711}, with "continuing":[kind,stream,"time"]
//   where
//          the cursor is within a record that was cut; none once the log is gone
//
// The key of the route alone, ["cluster","node","route"], is written whenever a process opens it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shipper/cursor_keeper.h"

namespace hinomi {

/// Of the route alone.
std::string KafkaRouteKey(std::string_view cluster, std::string_view node, std::string_view route);
/// Of one of its logs.
std::string KafkaCursorKey(std::string_view route_key, std::string_view log);

/// The log that a key is about; none for that of something else.
std::optional<std::string> LogOfKafkaKey(std::string_view route_key, std::string_view key);

/// Of where a log is settled, but for the log's name.
std::string EncodeKafkaCursor(const KeptCursor& cursor);
/// None for what cannot be read.
std::optional<KeptCursor> DecodeKafkaCursor(std::string_view value);

}  // namespace hinomi
