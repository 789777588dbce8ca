// The words in which configuration is written: sizes, durations, names, addresses. Pure functions
// of text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"

namespace hinomi {

/// Bytes of `text` before the first one that is not UTF-8 or is NUL; its size if there is none.
size_t ValidTextSize(std::string_view text);

/// "…" around a text for a message: control characters as ?, cut when long, and what stands between
/// :// and @ in a URL masked, so that no message ever shows a password.
std::string Quoted(std::string_view text);

/// Bytes: digits, then nothing, B, kB, MB, GB (powers of 1000), KiB, MiB or GiB (powers of 1024).
std::optional<uint64_t> ParseSize(std::string_view text);
/// The shortest such text, with a unit if that is no longer.
std::string FormatSize(uint64_t bytes);

/// Digits, then ms, s, m, h or d.
std::optional<Nanoseconds> ParseDuration(std::string_view text);
/// Such a text of a whole number of milliseconds, in the largest unit up to hours.
std::string FormatDuration(Nanoseconds duration);

std::optional<uint64_t> ParseNumber(std::string_view text);

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;
};
/// `3306` or `6379-6380`; ports from 1 to 65535, the lower one first.
std::optional<PortRange> ParsePortRange(std::string_view text);

/// The candidate that somebody who wrote `text` may have meant; empty if none is near.
std::string_view NearestOf(std::string_view text, std::span<const std::string> candidates);
/// ` did you mean "<nearest>"?` behind a semicolon, or nothing.
std::string Suggestion(std::string_view text, std::span<const std::string> candidates);

/// Says what is wrong with a value, such as `expected a name …, got "x"`; empty if nothing is.
using Check = std::string (*)(std::string_view);

std::string CheckText(std::string_view text);              // no control characters
std::string CheckNotEmpty(std::string_view text);          // such a text, and not empty
std::string CheckName(std::string_view text);              // of a sink or route
std::string CheckListen(std::string_view text);            // host:port, :port, [IPv6]:port
std::string CheckEndpoint(std::string_view text);          // http(s)://host[:port]
std::string CheckOptionalEndpoint(std::string_view text);  // such a URL, or empty
std::string CheckKeyHash(std::string_view text);           // base64 of a SHA-256, or empty
/// Of Elasticsearch: an index or a data stream, in which {cluster}, {namespace}, {pod},
/// {container}, {year}, {month} and {day} may stand, but not at its beginning.
std::string CheckIndex(std::string_view text);
std::string CheckTimeZone(std::string_view text);   // as TimeZone::Load
std::string CheckBroker(std::string_view text);     // host:port
std::string CheckCollector(std::string_view text);  // the same, of one that takes OTLP
/// The name of metadata of a gRPC request that is not gRPC's own.
std::string CheckHeader(std::string_view name);
/// Empty, or an IPv4 or IPv6 address.
std::string CheckAddress(std::string_view text);
/// Empty, or a name that a network device may have.
std::string CheckDevice(std::string_view text);
std::string CheckPorts(std::string_view text);  // as ParsePortRange
/// Of Kafka: a topic's name in which {cluster}, {namespace}, {pod} and {container} may stand.
std::string CheckTopic(std::string_view text);
std::string CheckTopicName(std::string_view text);  // nothing is filled in
std::string CheckPattern(std::string_view text);    // a regular expression
/// Empty, or one with a group called commit or branch.
std::string CheckReleasePattern(std::string_view text);
/// Empty, or the path of a file that this process may read now.
std::string CheckReadableFile(std::string_view path);

}  // namespace hinomi
