// One file of a log's chain: who it is, so that it is known again after a rename and a restart, and
// how far it reaches. A segment is never known by its inode alone: kubelets give a removed file's
// inode to its successor.
#pragma once

#include <memory>
#include <string>

#include "base/filesystem.h"
#include "shipper/checkpoint_format.h"

namespace hinomi {

/// A hash of a file's first bytes that grows with the file, up to kBytesMax.
struct Fingerprint {
  static constexpr uint32_t kBytesMax = 1024;
  uint32_t bytes = 0;  // how many of the first bytes `hash` covers
  uint64_t hash = 0;
};

struct Segment {
  uint32_t ordinal = 0;  // place in the chain; positions name it
  uint64_t key = 0;      // goes into document ids; zero until there is a first line to tell it by
  uint64_t salt = 0;     // into the key; set where one inode gets a second segment
  uint64_t inode = 0;
  Duration birth{0};
  Fingerprint fingerprint;
  std::string name;            // in its directory now; empty when it has none any more
  std::shared_ptr<File> file;  // kept open until every reader has settled it and it cannot grow
  uint64_t begin =
      0;              // where reading starts: above zero when what is older was left out on purpose
  uint64_t size = 0;  // largest seen
  bool truncated = false;   // its unread bytes were cut off
  bool superseded = false;  // a successor exists, or its name is gone: the writer has let go of it
  Duration superseded_at{0};  // monotonic

  bool identified() const { return key != 0; }
  /// True once the writer has had time to finish the file after it was superseded.
  bool FinalAt(Duration now) const;
};

/// How long a renamed file may still get the writer's last lines.
inline constexpr Duration kSupersededGrace = std::chrono::milliseconds(500);

/// Hash of the first `bytes` of the file, fewer if it is shorter. Errors: io.
Result<Fingerprint> FingerprintOf(File& file, uint32_t bytes);

/// The file's first bytes: as many as a fingerprint covers, more where the first line's time comes
/// later than that. Errors: io.
Result<std::string> ReadHead(File& file, LogFormat format);

/// The RFC 3339 time of the first line of `head`; empty when there is none.
std::string_view LeadingTime(std::string_view head, LogFormat format);

/// True when `file` begins with what `fingerprint` says. Errors: io.
Result<bool> Matches(File& file, const Fingerprint& fingerprint);

}  // namespace hinomi
