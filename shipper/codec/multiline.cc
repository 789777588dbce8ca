#include "shipper/codec/multiline.h"

#include <algorithm>
#include <limits>

#include "base/rfc3339.h"

namespace hinomi {
namespace {

constexpr Position kNowhere = {std::numeric_limits<uint32_t>::max(),
                               std::numeric_limits<uint64_t>::max()};

Position StartOf(const Chunk& chunk) { return {chunk.pieces[0].segment, chunk.pieces[0].offset}; }

/// Joins what was decoded from one chunk, in place: a block takes the place of its first record,
/// and the vector becomes shorter.
class Joiner {
 public:
  struct Limits {
    const MultilineRule& rule;
    uint64_t record_bytes_max;
  };

  Joiner(const Limits& limits, const Chunk& chunk, std::array<std::string, 2>& arenas, Decoded* out)
      : rule_(limits.rule),
        body_bytes_max_(limits.record_bytes_max),
        chunk_(chunk),
        arenas_(arenas),
        out_(*out) {
    for (std::string& arena : arenas_) arena.clear();
  }

  /// True if `consumed` went back.
  bool Run() {
    for (size_t i = 0; i < out_.records.size(); ++i) {
      const Record line = out_.records[i];
      Take(line);
    }
    out_.records.resize(joined_);
    if (chunk_.close_open && !chunk_.full) CloseWaited();
    const auto ends_before = [](const Record& one, const Record& other) {
      return one.end < other.end;
    };
    std::vector<Record>& records = out_.records;
    if (!std::is_sorted(records.begin(), records.end(), ends_before)) {
      std::sort(records.begin(), records.end(), ends_before);
    }
    return Split();
  }

 private:
  /// The last block of a stream, as long as it may go on.
  struct Block {
    uint64_t lines = 0;  // 0: there is none
    size_t record = 0;   // its index
    Position begin;
    Position end;
    size_t body_at = 0;  // in its stream's arena, once it has two lines
    MultilineRule::State state = 0;
    int64_t last_time_milliseconds = 0;
    uint64_t bytes_behind = 0;  // of the other stream, behind its last line
  };

  void Take(const Record& line) {
    const size_t stream = line.stream == Stream::kStderr ? 1 : 0;
    const int64_t time_milliseconds = MillisecondsOf(line.time);
    for (Block& open : open_) {
      const bool late = time_milliseconds - open.last_time_milliseconds > rule_.wait_milliseconds();
      if (late || open.bytes_behind > Multiline::kBytesBehindMax) open.lines = 0;
    }
    open_[1 - stream].bytes_behind += line.source_bytes;
    Block& block = open_[stream];
    if (Continues(line, block)) {
      Extend(line, block);
    } else {
      block = {1, joined_, line.begin, {}, 0, rule_.Begin(line.body), 0, 0};
      out_.records[joined_++] = line;
    }
    block.end = line.end;
    block.last_time_milliseconds = time_milliseconds;
    block.bytes_behind = 0;
    if (line.cut || !rule_.MayContinue(block.state)) block.lines = 0;
  }

  /// Whether the line becomes part of the block; marks the block if only a limit forbids it.
  bool Continues(const Record& line, Block& block) {
    if (block.lines == 0 || !rule_.Continue(line.body, &block.state)) return false;
    Record& record = out_.records[block.record];
    const bool fits = block.lines < rule_.lines_max() &&
                      record.body.size() + 1 + line.body.size() <= body_bytes_max_;
    if (!fits) record.cut = true;
    return fits;
  }

  void Extend(const Record& line, Block& block) {
    Record& record = out_.records[block.record];
    std::string& arena = arenas_[line.stream == Stream::kStderr ? 1 : 0];
    if (block.lines++ == 1) {
      Reserve(&arena);
      block.body_at = arena.size();
      arena += record.body;
    }
    arena += '\n';
    arena += line.body;
    record.body = std::string_view(arena).substr(block.body_at);
    const std::array<Hash128, 2> chain = {record.content, line.content};
    record.content = Hash128Of({reinterpret_cast<const char*>(chain.data()), sizeof chain});
    record.end = line.end;
    record.source_bytes += line.source_bytes;
    record.cut = line.cut;
    record.boundary = line.boundary;
  }

  /// What is in an arena never moves. A line that is joined was not cut, and so its head or its
  /// newline makes it longer in the chunk than here.
  void Reserve(std::string* arena) const {
    if (!arena->empty()) return;
    size_t bytes_max = Chunk::kPadding;
    for (const ChunkPiece& piece : chunk_.pieces) bytes_max += piece.data.size();
    arena->reserve(bytes_max);
  }

  void CloseWaited() {
    for (Block& block : open_) {
      if (block.end <= chunk_.open_end) block.lines = 0;
    }
  }

  /// Finds where the log may be split, and leaves what is open for the next time.
  bool Split() {
    Position open_begin = kNowhere;
    for (const Block& block : open_) {
      if (block.lines == 0) continue;
      open_begin = std::min(open_begin, block.begin);
      out_.open_end = std::max(out_.open_end, block.end);
    }
    size_t kept = 0;
    Position resume;
    Position next_begin = kNowhere;  // of all that comes behind
    for (size_t i = out_.records.size(); i-- > 0;) {
      Record& record = out_.records[i];
      record.boundary = record.boundary && record.end <= next_begin;
      if (record.boundary && record.end <= open_begin && kept == 0) {
        kept = i + 1;
        resume = next_begin;
      }
      next_begin = std::min(next_begin, record.begin);
    }
    if (open_begin == kNowhere) return false;

    const Position start = StartOf(chunk_);
    // A record that was cut before this chunk may go on behind lines of the other stream; in all
    // other cases its rest comes first.
    const bool continues = chunk_.before.kind == Continuation::Kind::kRecord;
    if (kept == 0) resume = continues ? start : next_begin;
    if (chunk_.full && resume == start) return CutOpen();
    out_.records.resize(kept);
    out_.consumed = resume;
    out_.after = resume == start ? chunk_.before : Continuation{};
    out_.has_open = true;
    return true;
  }

  /// There is no room for the lines that would tell where the blocks end.
  bool CutOpen() {
    for (Record& record : out_.records) {
      for (const Block& block : open_) {
        if (block.lines > 0 && record.begin == block.begin) record.cut = true;
      }
    }
    out_.open_end = {};
    return false;
  }

  const MultilineRule& rule_;
  const uint64_t body_bytes_max_;
  const Chunk& chunk_;
  std::array<std::string, 2>& arenas_;
  Decoded& out_;
  std::array<Block, 2> open_;  // stdout, stderr
  size_t joined_ = 0;          // records that are blocks by now
};

/// The part of the chunk before `end`, where no line is open.
Chunk Before(const Chunk& chunk, Position end, std::vector<ChunkPiece>* pieces) {
  for (const ChunkPiece& piece : chunk.pieces) {
    if (piece.segment > end.segment) break;
    pieces->push_back(piece);
    if (piece.segment < end.segment) continue;
    pieces->back().data = piece.data.substr(0, end.offset - piece.offset);
    pieces->back().last = true;
  }
  return {*pieces, chunk.before, false, false, {}};
}

}  // namespace

Multiline::Multiline(const std::vector<MultilineConfig>& rules, const DecodeLimits& limits)
    : rules_(rules.begin(), rules.end()), limits_(limits) {}

void Multiline::Decode(uint32_t rule, LogFormat format, const Chunk& chunk, Decoded* out) {
  Chunk patient = chunk;
  patient.close_open = false;
  hinomi::Decode(format, patient, limits_, out);
  if (chunk.close_open && out->consumed == StartOf(chunk)) {
    hinomi::Decode(format, chunk, limits_, out);
  }
  const Joiner::Limits limits = {rules_[rule], limits_.record_bytes_max};
  if (!Joiner(limits, chunk, arenas_, out).Run() || out->corrupt_bytes == 0) return;
  // Corrupt lines are known as a sum only: those before the open block are counted once more.
  std::vector<ChunkPiece> pieces;
  hinomi::Decode(format, Before(chunk, out->consumed, &pieces), limits_, &recounted_);
  out->corrupt_bytes = recounted_.corrupt_bytes;
  out->corrupt_lines = recounted_.corrupt_lines;
}

}  // namespace hinomi
