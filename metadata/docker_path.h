// Names that docker gives to what lies below its data directory: containers/<id>/<id>-json.log and
// the rotated files beside it. Names only: nothing here touches a disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hinomi {

/// True for 64 lower-case hexadecimal digits.
bool IsDockerId(std::string_view name);

/// The name of the container's current log.
std::string JsonLogName(std::string_view id);

struct JsonLogFile {
  uint32_t rotation = 0;  // 0 is the current file, 1 the newest rotated one
  bool compressed = false;
};

/// What a file in the directory of container `id` is; nothing if its name is not one of its log.
/// Source: moby, daemon/logger/loggerutils/logfile.go, rotate.
std::optional<JsonLogFile> ParseJsonLogFile(std::string_view name, std::string_view id);

/// The id of the container whose current log `path` is, seen from docker's data directory; empty
/// when it is none's.
std::string_view DockerIdOfLog(std::string_view path);

}  // namespace hinomi
