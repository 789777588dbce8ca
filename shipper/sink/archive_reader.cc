#include "shipper/sink/archive_reader.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "shipper/compress/zstd.h"

namespace hinomi {
namespace {

constexpr size_t kBlockBytes = 128 << 10;
constexpr size_t kLabelBytesFirst = 512;  // most labels are shorter

struct Flush {
  ArchiveLabel label;
  uint64_t data_begin = 0;
  uint64_t end = 0;
};

// The flush that begins at `offset`, if a whole label does and the file, of `bytes`, has its data.
Result<std::optional<Flush>> FlushAt(File& file, uint64_t offset, uint64_t bytes) {
  std::string text(std::min<uint64_t>(kLabelBytesFirst, bytes - offset), '\0');
  Result<size_t> count = file.ReadAt(offset, text.data(), text.size());
  if (!count) return count.error();
  const std::optional<uint64_t> length =
      ArchiveLabelLength(std::string_view(text).substr(0, *count));
  if (!length || *length > bytes - offset) return std::optional<Flush>();
  const size_t known = std::min<size_t>(*count, *length);
  text.resize(*length);
  count = file.ReadAt(offset + known, text.data() + known, text.size() - known);
  if (!count) return count.error();
  Result<ArchiveLabel> label = DecodeArchiveLabel(text);
  const uint64_t data_begin = offset + *length;
  if (!label || label->data_bytes > bytes - data_begin) return std::optional<Flush>();
  const uint64_t end = data_begin + label->data_bytes;
  return std::optional<Flush>(Flush{std::move(*label), data_begin, end});
}

Result<void> Decompress(File& file, uint64_t begin, uint64_t end,
                        const std::function<bool(std::string_view)>& take) {
  ZstdDecompressor decompressor;
  std::string block(kBlockBytes, '\0');
  bool wanted = true;
  while (begin < end && wanted) {
    const Result<size_t> count =
        file.ReadAt(begin, block.data(), std::min<uint64_t>(block.size(), end - begin));
    if (!count) return count.error();
    if (*count == 0) break;
    begin += *count;
    const Result<void> done =
        decompressor.Decompress({block.data(), *count}, [&](std::string_view piece) {
          wanted = take(piece);
          return wanted;
        });
    if (!done) return done;
  }
  if (!wanted || (begin == end && decompressor.complete())) return {};
  return Error{ErrorKind::kCorrupt, "cannot decompress a frame: it ends too early"};
}

// A crash tears the last flush only. Where another whole one follows, something else happened.
Result<ArchiveTail> TailOf(File& file, uint64_t begin, uint64_t end) {
  if (begin == end) return ArchiveTail::kNone;
  std::string block(kBlockBytes, '\0');
  for (uint64_t at = begin; at < end; at += kBlockBytes - kArchiveLabelBytesMin) {
    const Result<size_t> count = file.ReadAt(at, block.data(), block.size());
    if (!count) return count.error();
    const std::string_view bytes(block.data(), *count);
    if (at == begin && !MayBeTornLabel(bytes)) return ArchiveTail::kForeign;
    for (size_t i = at == begin ? 1 : 0; i + kArchiveLabelBytesMin <= bytes.size(); ++i) {
      if (!ArchiveLabelLength(bytes.substr(i))) continue;
      const Result<std::optional<Flush>> flush = FlushAt(file, at + i, end);
      if (!flush) return flush.error();
      if (flush->has_value()) return ArchiveTail::kForeign;
    }
  }
  return ArchiveTail::kTorn;
}

}  // namespace

void ArchiveCoverage::Add(const ArchiveClaim& claim) {
  if (claim.begin >= claim.end) return;
  std::map<uint64_t, uint64_t>& ranges = ranges_[{claim.log, claim.segment_key}];
  uint64_t begin = claim.begin;
  uint64_t end = claim.end;
  auto it = ranges.upper_bound(begin);
  if (it != ranges.begin() && std::prev(it)->second >= begin) --it;
  while (it != ranges.end() && it->first <= end) {
    begin = std::min(begin, it->first);
    end = std::max(end, it->second);
    it = ranges.erase(it);
  }
  ranges.emplace(begin, end);
}

bool ArchiveCoverage::Covers(const ArchiveClaim& claim) const {
  const auto segment = ranges_.find({claim.log, claim.segment_key});
  if (segment == ranges_.end()) return false;
  const auto next = segment->second.upper_bound(claim.begin);
  return next != segment->second.begin() && std::prev(next)->second >= claim.end;
}

bool ArchiveCoverage::Touches(const ArchiveClaim& claim) const {
  const auto segment = ranges_.find({claim.log, claim.segment_key});
  if (segment == ranges_.end()) return false;
  const auto next = segment->second.lower_bound(claim.end);
  return next != segment->second.begin() && std::prev(next)->second > claim.begin;
}

Result<ArchiveScan> ScanArchiveFile(File& file) {
  const Result<FileStat> stat = file.Stat();
  if (!stat) return stat.error();
  ArchiveScan scan;
  scan.bytes = stat->size;
  uint64_t begin_of_last = 0;
  uint64_t data_of_last = 0;
  size_t claims_before_last = 0;
  while (scan.whole_bytes < scan.bytes) {
    const Result<std::optional<Flush>> flush = FlushAt(file, scan.whole_bytes, scan.bytes);
    if (!flush) return flush.error();
    if (!flush->has_value()) break;
    begin_of_last = scan.whole_bytes;
    data_of_last = (*flush)->data_begin;
    claims_before_last = scan.claims.size();
    const std::vector<ArchiveClaim>& claims = (*flush)->label.claims;
    scan.claims.insert(scan.claims.end(), claims.begin(), claims.end());
    scan.whole_bytes = (*flush)->end;
  }
  const Result<void> last =
      Decompress(file, data_of_last, scan.whole_bytes, [](std::string_view) { return true; });
  if (!last && last.error().kind != ErrorKind::kCorrupt) return last.error();
  if (!last) {
    scan.whole_bytes = begin_of_last;
    scan.claims.resize(claims_before_last);
  }
  const Result<ArchiveTail> tail = TailOf(file, scan.whole_bytes, scan.bytes);
  if (!tail) return tail.error();
  scan.tail = *tail;
  return scan;
}

Result<void> ReadArchiveFile(File& file, uint64_t bytes,
                             const std::function<bool(std::string_view)>& take) {
  return Decompress(file, 0, bytes, take);
}

}  // namespace hinomi
