// The head of one CRI line. Only for the codec.
#pragma once

#include <cstdint>
#include <string_view>

#include "shipper/batch.h"
#include "shipper/codec/line.h"

namespace hinomi {

struct CriHeader {
  std::string_view time;
  Stream stream = Stream::kNone;
  bool partial = false;  // tag P
  uint32_t bytes = 0;    // up to and with the space before the body
};

/// Reads the head of `line`, which may be the beginning of a line only.
/// Source: the kubelet's pkg/kubelet/kuberuntime/logs, "CRI log format".
LineState ParseCriHeader(std::string_view line, CriHeader* header);

}  // namespace hinomi
