// One file of a log's chain: who it is, so that it is known again after a rename and a restart, and
// how far it reaches. A segment is never known by its inode alone: kubelets give a removed file's
// inode to its successor.
#pragma once

#include <algorithm>
#include <compare>
#include <memory>
#include <optional>
#include <string>

#include "base/filesystem.h"
#include "shipper/checkpoint_format.h"

namespace hinomi {

/// A hash of a file's first bytes that grows with the file, up to kBytesMax.
struct Fingerprint {
  static constexpr uint32_t kBytesMax = 1024;
  uint32_t bytes = 0;  // how many of the first bytes `hash` covers
  uint64_t hash = 0;

  /// Long enough to hold a first line's time, so that no other file of the log begins alike.
  bool telling() const { return bytes >= 64; }
};

/// Tells a file from others that live at the same time; an inode comes back once its file is gone.
struct FileId {
  uint64_t inode = 0;
  Duration birth{0};
  auto operator<=>(const FileId&) const = default;
};

struct Segment {
  uint32_t ordinal = 0;  // place in the chain; positions name it
  uint64_t key = 0;      // goes into document ids; zero until there is a first line to tell it by
  FileId id;             // of the file that the log was written to
  FileId copy_id;        // of another file with the same content: compressed, or copied
  Fingerprint fingerprint;
  std::string name;            // in its directory now; empty when it has none any more
  std::string root;            // that it was opened below
  std::shared_ptr<File> file;  // kept open until it is finished
  FileId open_id;              // of `file`: no other file gets its inode
  std::shared_ptr<File> copy;  // read on when `file` is truncated
  uint64_t begin = 0;       // where reading starts: above zero when what is older was left out on
                            // purpose
  uint64_t size = 0;        // largest seen
  Duration modified{0};     // when the fingerprint was last compared; Unix time
  bool superseded = false;  // a successor exists, or its name is gone: the writer has let go of it
  Duration superseded_at{0};       // monotonic
  std::optional<LossReason> gone;  // what is not read of it from gone_from on is lost
  uint64_t gone_from = 0;
  Duration gone_at{0};      // monotonic
  bool compressed = false;  // `file` is; its content is what counts
  bool held = false;        // linked in the escrow
  bool finishing = false;   // settled in the snapshot that is being written
  bool finished = false;    // settled in a checkpoint: neither file nor link is needed any more

  bool identified() const { return key != 0; }
  /// True once the writer has had time to finish the file after it was superseded.
  bool FinalAt(Duration now) const;
  /// What is not read of it yet is lost, from `from` on.
  void GiveUp(LossReason reason, Duration now, uint64_t from = 0);
  /// How far it can be read.
  uint64_t readable_end() const { return gone ? std::min(size, gone_from) : size; }
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

/// The same, and then the fingerprint covers all of the file that it can. Both by one reading: a
/// file may be written anew between two. Errors: io.
Result<bool> MatchAndExtend(File& file, Fingerprint* fingerprint);

}  // namespace hinomi
