#include "shipper/codec/cri.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "shipper/codec/cri_header.h"

namespace hinomi {
namespace {

/// A physical line, or what is there of it. `header_bytes` is 0 for the rest of a line that was
/// cut.
struct Line {
  const ChunkPiece* piece = nullptr;
  std::string_view raw;  // with its newline
  CriHeader header;
  bool complete = false;

  Position begin() const {
    return {piece->segment, piece->offset + static_cast<uint64_t>(raw.data() - piece->data.data())};
  }
  Position end() const {
    Position end = begin();
    end.offset += raw.size();
    return end;
  }
  std::string_view text() const {
    return raw.substr(0, raw.size() - (raw.ends_with('\n') ? 1 : 0));
  }
  std::string_view body() const { return text().substr(header.bytes); }
};

/// A record that waits for its F.
struct OpenRecord {
  Line first;
  Position end;
  uint32_t parts = 0;
  uint64_t body_bytes = 0;
  uint32_t source_bytes = 0;
  bool cut = false;
};

/// What is remembered of a cut: all of a Continuation, without owning the time.
struct Cut {
  Continuation::Kind kind = Continuation::Kind::kNone;
  Stream stream = Stream::kNone;
  std::string_view time;
};

/// Up to where everything is decided. What is decoded behind it is forgotten unless a later one is
/// reached.
struct Savepoint {
  Position at;
  size_t records = 0;
  uint64_t corrupt_bytes = 0;
  uint64_t corrupt_lines = 0;
  Cut after;
};

bool ContinuesSequence(char byte) { return (static_cast<uint8_t>(byte) & 0xc0) == 0x80; }

/// Where to cut a body that is longer than `bytes_max`: there, or before the UTF-8 sequence that
/// would be split.
size_t CutPoint(std::string_view body, size_t bytes_max) {
  size_t at = bytes_max;
  while (at > 1 && bytes_max - at < 3 && ContinuesSequence(body[at])) --at;
  return ContinuesSequence(body[at]) ? bytes_max : at;
}

/// Length of `body` without a UTF-8 sequence that has only begun at its end, but never 0.
size_t WholeSequencesBytes(std::string_view body) {
  for (size_t back = 1; back <= 3 && back < body.size(); ++back) {
    const auto lead = static_cast<uint8_t>(body[body.size() - back]);
    if (ContinuesSequence(static_cast<char>(lead))) continue;
    const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return bytes > back ? body.size() - back : body.size();
  }
  return body.size();
}

/// Splits the next line off `rest`, which is not empty; false if its end is not there yet.
bool SplitLine(const ChunkPiece& piece, std::string_view* rest, Line* line) {
  const void* newline = std::memchr(rest->data(), '\n', rest->size());
  if (newline == nullptr && !piece.last) return false;
  const size_t bytes =
      newline == nullptr ? rest->size() : static_cast<const char*>(newline) + 1 - rest->data();
  line->piece = &piece;
  line->raw = rest->substr(0, bytes);
  line->complete = true;
  rest->remove_prefix(bytes);
  return true;
}

class Decoder {
 public:
  Decoder(const Chunk& chunk, const CriLimits& limits, Decoded* out)
      : chunk_(chunk), body_bytes_max_(limits.record_bytes_max), out_(*out) {
    CHECK(body_bytes_max_ > 0 && !chunk.pieces.empty());
    out_.Clear();
    cut_ = {chunk.before.kind, chunk.before.stream, {}};
    if (!chunk.before.time.empty()) cut_.time = AppendToArena(chunk.before.time);
    Save({chunk.pieces[0].segment, chunk.pieces[0].offset});
  }

  void Run() {
    for (const ChunkPiece& piece : chunk_.pieces) {
      rest_ = {&piece, piece.data, {}, false};
      if (&piece == chunk_.pieces.data()) TakeRestOfCutLine();
      while (!rest_.raw.empty() && SplitLine(piece, &rest_.raw, &line_)) TakeLine();
      if (!piece.last) break;
    }
    TakeLongTail();
    if (open_records_ == 0) Save(rest_.begin());
    if (chunk_.full ? Stuck() : chunk_.close_open) CloseOpen();
    Restore();
  }

 private:
  using Kind = Continuation::Kind;

  void TakeRestOfCutLine() {
    const ChunkPiece& piece = *rest_.piece;
    if (cut_.kind == Kind::kNone || cut_.kind == Kind::kRecord) return;
    if (rest_.raw.empty() && !piece.last) return;
    // A line that was cut at the very end of its segment has no rest: the next segment begins with
    // a line.
    if (rest_.raw.empty() || piece.offset == 0) {
      cut_ = {};
      return;
    }
    Line line{&piece, rest_.raw, {cut_.time, cut_.stream, false, 0}, false};
    const bool skip = cut_.kind == Kind::kSkip;
    if (!SplitLine(piece, &rest_.raw, &line) && skip) rest_.raw.remove_prefix(rest_.raw.size());
    if (!skip) return TakeLongLine(line);
    out_.corrupt_bytes += line.raw.size();
    if (line.complete) cut_ = {};
  }

  void TakeLine() {
    if (ParseCriHeader(line_.text(), &line_.header) != CriHeaderState::kValid) {
      ++out_.corrupt_lines;
      out_.corrupt_bytes += line_.raw.size();
      return;
    }
    OpenRecord& open = OpenOf(line_.header.stream);
    const std::string_view body = line_.body();
    if (body.size() > body_bytes_max_) return TakeLongLine(line_);
    if (open.parts > 0 && open.body_bytes + body.size() > body_bytes_max_) CutOpen(open);
    if (open.parts == 0 && !line_.header.partial) {
      const bool cut = TakeCut(line_.header.stream);
      return Emit(line_, cut);
    }
    Extend(open);
    if (!line_.header.partial) EmitOpen(open);
  }

  /// Adds the current line to a record of several.
  void Extend(OpenRecord& open) {
    if (open.parts == 0) {
      if (open_records_ == 0) Save(line_.begin());
      ++open_records_;
      open = {};
      open.cut = TakeCut(line_.header.stream);
      open.first = line_;
    }
    ++open.parts;
    open.end = line_.end();
    open.body_bytes += line_.body().size();
    open.source_bytes += static_cast<uint32_t>(line_.raw.size());
  }

  /// Emits a line whose body is beyond the limit, or the rest of one, in pieces. What is left of an
  /// incomplete one stays in rest_.
  void TakeLongLine(Line line) {
    OpenRecord& open = OpenOf(line.header.stream);
    if (open.parts > 0) CutOpen(open);
    while (line.body().size() > body_bytes_max_) {
      EmitBeginning(&line, CutPoint(line.body(), body_bytes_max_));
    }
    if (!line.complete) {
      rest_ = line;
      return;
    }
    cut_ = {};
    Emit(line, /*cut=*/true);
  }

  /// Emits the first `body_bytes` of a line and leaves the rest in `line`.
  void EmitBeginning(Line* line, size_t body_bytes) {
    Line beginning = *line;
    beginning.raw = line->raw.substr(0, line->header.bytes + body_bytes);
    cut_ = {Kind::kMidLine, line->header.stream, line->header.time};
    Emit(beginning, /*cut=*/true);
    line->raw.remove_prefix(beginning.raw.size());
    line->header.bytes = 0;
  }

  /// Emits a record of one line.
  void Emit(const Line& line, bool cut) {
    Record& record = out_.records.emplace_back();
    record.body = line.body();
    record.time = line.header.time;
    record.begin = line.begin();
    record.end = line.end();
    record.segment_key = line.piece->segment_key;
    record.content = Hash128Of(line.raw);
    record.source_bytes = static_cast<uint32_t>(line.raw.size());
    record.stream = line.header.stream;
    record.cut = cut;
    SetBoundary(&record);
  }

  void EmitOpen(OpenRecord& open) {
    Emit(open.first, open.cut);
    Record& record = out_.records.back();
    record.end = open.end;
    record.source_bytes = open.source_bytes;
    if (open.parts > 1) Join(open, &record);
    open.parts = 0;
    --open_records_;
    SetBoundary(&record);
  }

  void SetBoundary(Record* record) {
    furthest_ = std::max(furthest_, record->end);
    record->boundary = open_records_ == 0 && cut_.kind == Kind::kNone && record->end == furthest_;
  }

  void CutOpen(OpenRecord& open) {
    open.cut = true;
    cut_ = {Kind::kRecord, open.first.header.stream, {}};
    EmitOpen(open);
  }

  /// Whether the record that begins now is the rest of one that was cut.
  bool TakeCut(Stream stream) {
    if (cut_.stream != stream) return false;
    cut_ = {};
    return true;
  }

  /// What is in the arena never moves: it is made as large as all that can come.
  std::string_view AppendToArena(std::string_view bytes) {
    if (out_.arena.empty()) {
      size_t bytes_max = chunk_.before.time.size() + Chunk::kPadding;
      for (const ChunkPiece& piece : chunk_.pieces) bytes_max += piece.data.size();
      out_.arena.reserve(bytes_max);
    }
    const size_t at = out_.arena.size();
    out_.arena += bytes;
    return std::string_view(out_.arena).substr(at);
  }

  /// Collects body and hash of a record by reading its lines again: that costs nothing for records
  /// of one line, and no bookkeeping for the others.
  void Join(const OpenRecord& open, Record* record) {
    std::string_view joined = AppendToArena({});
    std::array<Hash128, 2> chain{};
    uint32_t parts = 0;
    const ChunkPiece* piece = open.first.piece;
    std::string_view rest = piece->data.substr(open.first.raw.data() - piece->data.data());
    while (parts < open.parts) {
      if (rest.empty()) {
        rest = (++piece)->data;
        continue;
      }
      Line line;
      SplitLine(*piece, &rest, &line);
      if (ParseCriHeader(line.text(), &line.header) != CriHeaderState::kValid) continue;
      if (line.header.stream != record->stream) continue;
      joined = {joined.data(), joined.size() + AppendToArena(line.body()).size()};
      chain[1] = Hash128Of(line.raw);
      chain[0] = Hash128Of({reinterpret_cast<const char*>(chain.data()), sizeof chain});
      ++parts;
    }
    record->body = joined;
    record->content = chain[0];
  }

  /// The limit holds for a line whose end is not there yet, too.
  void TakeLongTail() {
    if (rest_.raw.empty() || cut_.kind == Kind::kMidLine) return;
    if (ParseCriHeader(rest_.raw, &rest_.header) != CriHeaderState::kValid) return;
    if (rest_.body().size() > body_bytes_max_) TakeLongLine(rest_);
  }

  bool Stuck() const {
    const ChunkPiece& first = chunk_.pieces[0];
    return saved_.at == Position{first.segment, first.offset};
  }

  /// Takes what is open as it is: first the records that wait for an F, then the line without its
  /// newline.
  void CloseOpen() {
    while (open_records_ > 0) {
      const bool second =
          open_[0].parts == 0 || (open_[1].parts > 0 && open_[1].end < open_[0].end);
      CutOpen(open_[second]);
    }
    Save(rest_.begin());
    if (rest_.raw.empty() || (chunk_.full && !Stuck())) return;

    CriHeaderState state = CriHeaderState::kValid;
    if (cut_.kind != Kind::kMidLine) state = ParseCriHeader(rest_.raw, &rest_.header);
    if (state == CriHeaderState::kValid && !rest_.body().empty()) {
      EmitBeginning(&rest_, WholeSequencesBytes(rest_.body()));
    } else if (chunk_.full || state == CriHeaderState::kInvalid) {
      ++out_.corrupt_lines;
      out_.corrupt_bytes += rest_.raw.size();
      rest_.raw.remove_prefix(rest_.raw.size());
      cut_ = {Kind::kSkip, Stream::kNone, {}};
    }
    Save(rest_.begin());
  }

  void Save(Position at) {
    saved_ = {at, out_.records.size(), out_.corrupt_bytes, out_.corrupt_lines, cut_};
  }

  void Restore() {
    out_.records.resize(saved_.records);
    out_.consumed = saved_.at;
    out_.corrupt_bytes = saved_.corrupt_bytes;
    out_.corrupt_lines = saved_.corrupt_lines;
    out_.after.kind = saved_.after.kind;
    out_.after.stream = saved_.after.stream;
    out_.after.time = saved_.after.time;
    out_.has_open = open_records_ > 0 || !rest_.raw.empty();
  }

  OpenRecord& OpenOf(Stream stream) { return open_[stream == Stream::kStderr]; }

  const Chunk& chunk_;
  const uint64_t body_bytes_max_;
  Decoded& out_;
  Line line_;                       // being taken
  Line rest_;                       // what is left of the current piece
  std::array<OpenRecord, 2> open_;  // stdout, stderr
  int open_records_ = 0;
  Cut cut_;            // holds before the next line
  Position furthest_;  // end of any record so far
  Savepoint saved_;
};

}  // namespace

void DecodeCri(const Chunk& chunk, const CriLimits& limits, Decoded* out) {
  Decoder(chunk, limits, out).Run();
}

}  // namespace hinomi
