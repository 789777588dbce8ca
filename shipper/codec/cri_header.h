// The head of one CRI line. Only for the codec.
#pragma once

#include <cstdint>
#include <string_view>

#include "shipper/batch.h"

namespace hinomi {

struct CriHeader {
  std::string_view time;
  Stream stream = Stream::kNone;
  bool partial = false;  // tag P
  uint32_t bytes = 0;    // up to and with the space before the body
};

enum class CriHeaderState : uint8_t {
  kValid,
  kInvalid,     // no continuation of these bytes makes it valid
  kIncomplete,  // valid as far as it goes
};

/// Reads the head of `line`, which may be the beginning of a line only.
/// Source: the kubelet's pkg/kubelet/kuberuntime/logs, "CRI log format".
CriHeaderState ParseCriHeader(std::string_view line, CriHeader* header);

/// True for YYYY-MM-DDTHH:MM:SS, a fraction of one to nine digits or none, and Z or ±HH:MM; a day
/// that exists.
bool IsRfc3339(std::string_view time);

}  // namespace hinomi
