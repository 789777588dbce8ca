// How grave a record is, by what its body says of itself.
#pragma once

#include <cstdint>
#include <string_view>

namespace hinomi {

struct Severity {
  std::string_view text;  // as written, printable ASCII; empty: the body does not say
  uint32_t number = 0;    // of OTLP's table, 1 (trace) to 24 (fatal); 0: not a word that is known
};

/// By the first member of a JSON object that is about it, such as `level`, `severity` or
/// `log.level`, in the first kSeverityWithin bytes; nothing for any other body. The text is a view
/// into `body`. Does not check whether the JSON is valid.
/// Source: the OpenTelemetry specification, logs data model, appendix B; numbers are those of
/// bunyan and pino.
Severity SeverityOf(std::string_view body);

inline constexpr size_t kSeverityWithin = 4096;

}  // namespace hinomi
