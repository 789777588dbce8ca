// Names that the kubelet gives to what lies below its pods directory:
// <namespace>_<pod>_<uid>/<container>/<restart>.log and the rotated files beside it. Names only:
// nothing here touches a disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "metadata/pod_info.h"

namespace hinomi {

/// The pod behind a directory of the pods directory: namespace_name, pod_name and pod_uid are set,
/// the rest is not. Nothing if the kubelet cannot have made that name: the namespace must be a DNS
/// label, the pod a DNS subdomain, the UID at most 63 letters, digits and dashes (a UUID; 32
/// hexadecimal digits for a static pod). Source: kubelet, BuildPodLogsDirectory.
std::optional<PodInfo> ParsePodDirectory(std::string_view name);

/// True for what may be a pod's UID, and so a file's name: see above.
bool IsPodUid(std::string_view text);

/// True for the name of a container and so of its directory: a DNS label.
bool IsContainerName(std::string_view name);

enum class LogFileKind : uint8_t {
  kCurrent,  // 0.log, written by the runtime
  kRotated,  // 0.log.20261121-022645, no longer written, except for a moment by a runtime about to
             // reopen
  kCompressed,  // 0.log.20261121-022645.gz
  kTemporary,   // the kubelet is compressing: ….tmp or ….gz.tmp
};

struct LogFile {
  uint32_t restart_count = 0;
  LogFileKind kind = LogFileKind::kCurrent;
  std::string rotation;  // 20261121-022645; orders the rotated files of one log; empty for kCurrent
};

/// What a file in a container's directory is; nothing if its name is not one of a container's log.
/// Source: kubelet, container_log_manager.go.
std::optional<LogFile> ParseLogFile(std::string_view name);

}  // namespace hinomi
