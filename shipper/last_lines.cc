#include "shipper/last_lines.h"

#include <algorithm>

#include "shipper/codec/codec.h"

namespace hinomi {
namespace {

constexpr uint64_t kReadBytes = 64 << 10;
constexpr size_t kLinesMax = 20;
constexpr size_t kTextBytesMax = 4 << 10;

}  // namespace

std::vector<std::string> LastLines(const LogTail& tail) {
  if (tail.file == nullptr) return {};
  const Result<FileStat> stat = tail.file->Stat();
  if (!stat) return {};
  const uint64_t begin = stat->size - std::min(stat->size, kReadBytes);
  std::string bytes(stat->size - begin + Chunk::kPadding, '\0');
  const Result<size_t> read = tail.file->ReadAt(begin, bytes.data(), stat->size - begin);
  if (!read) return {};
  std::string_view data = std::string_view(bytes).substr(0, *read);
  // Where it begins within a line, that one is left out.
  if (begin > 0) data.remove_prefix(std::min(data.size(), data.find('\n') + 1));
  const ChunkPiece piece{.offset = begin, .data = data, .last = true};
  Chunk chunk;
  chunk.pieces = {&piece, 1};
  chunk.close_open = true;
  Decoded decoded;
  Decode(tail.format, chunk, {}, &decoded);
  std::vector<std::string> lines;
  size_t left = kTextBytesMax;
  for (auto record = decoded.records.rbegin(); record != decoded.records.rend(); ++record) {
    if (lines.size() == kLinesMax || left == 0) break;
    const size_t shown = std::min(left, record->body.size());
    lines.emplace_back(record->body.substr(record->body.size() - shown));
    left -= shown;
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace hinomi
