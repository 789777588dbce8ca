// What is the same for all formats of lines: parts joined to records, records cut at the limit,
// corrupt lines counted, and what is open left for the next time. Only for the codec; the contract
// is in codec.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/planted_bug.h"
#include "shipper/codec/codec.h"
#include "shipper/codec/line.h"

namespace hinomi {

/// Decodes one chunk. A Format has, all static:
///
///   bool kHeadFirst          the head is known before the body's end: a line that has not ended
///   yet
///                            can be cut
///   LineState Parse(std::string_view line, LineHead*)      the line without its newline
///   BodyCut Cut(std::string_view body, size_t bytes_max)   where to cut a body that decodes to
///                                                          more; neither part is empty
///   void Decode(std::string_view body, std::string* out)   appends the decoded body
template <typename Format>
class LineDecoder {
 public:
  LineDecoder(const Chunk& chunk, const DecodeLimits& limits, Decoded* out)
      : chunk_(chunk), body_bytes_max_(limits.record_bytes_max), out_(*out) {
    CHECK(body_bytes_max_ > 0 && !chunk.pieces.empty());
    out_.Clear();
    cut_ = {chunk.before.kind, chunk.before.stream, {}};
    if (!chunk.before.time.empty()) {
      Reserve();
      out_.arena += chunk.before.time;
      cut_.time = out_.arena;
    }
    Save({chunk.pieces[0].segment, chunk.pieces[0].offset});
  }

  void Run() {
    for (const ChunkPiece& piece : chunk_.pieces) {
      rest_ = {&piece, piece.data, {}, LineState::kIncomplete, false};
      if (&piece == chunk_.pieces.data()) TakeRestOfCutLine();
      while (!rest_.raw.empty() && NextLine(piece, &rest_.raw, &line_)) TakeLine();
      if (PlantedBug(Bug::kPartDroppedAtRotation) && piece.last) {
        open_ = {};
        open_records_ = 0;
      }
      if (!piece.last) break;
    }
    if constexpr (Format::kHeadFirst) TakeLongTail();
    if (open_records_ == 0) Save(rest_.begin());
    if (chunk_.full ? Stuck() : chunk_.close_open) CloseOpen();
    Restore();
  }

 private:
  using Kind = Continuation::Kind;

  /// A physical line, or what is there of it, or what is left of one that was cut.
  struct Line {
    const ChunkPiece* piece = nullptr;
    std::string_view raw;  // with its newline
    LineHead head;
    LineState state = LineState::kIncomplete;
    bool complete = false;

    Position begin() const {
      return {piece->segment,
              piece->offset + static_cast<uint64_t>(raw.data() - piece->data.data())};
    }
    Position end() const {
      Position end = begin();
      end.offset += raw.size();
      return end;
    }
    std::string_view text() const {
      return raw.substr(0, raw.size() - (raw.ends_with('\n') ? 1 : 0));
    }
  };

  /// A record that waits for its last part.
  struct OpenRecord {
    Line first;
    Position end;
    uint32_t parts = 0;
    uint64_t body_bytes = 0;
    uint32_t source_bytes = 0;
    bool cut = false;
  };

  /// What is remembered of a cut: all of a Continuation, without owning the time.
  struct CutMark {
    Kind kind = Kind::kNone;
    Stream stream = Stream::kNone;
    std::string_view time;
  };

  /// Up to where everything is decided. What is decoded behind it is forgotten unless a later one
  /// is reached.
  struct Savepoint {
    Position at;
    size_t records = 0;
    uint64_t corrupt_bytes = 0;
    uint64_t corrupt_lines = 0;
    CutMark after;
  };

  /// The next line of `rest`, or all of it if the line's end is not there yet: then false.
  static bool SplitLine(const ChunkPiece& piece, std::string_view rest, Line* line) {
    const void* newline = std::memchr(rest.data(), '\n', rest.size());
    line->piece = &piece;
    line->complete = newline != nullptr || piece.last;
    line->raw = newline == nullptr
                    ? rest
                    : rest.substr(0, static_cast<const char*>(newline) + 1 - rest.data());
    return line->complete;
  }

  /// Takes the next line off `rest`, which is not empty, and reads its head; false if its end is
  /// not there yet.
  static bool NextLine(const ChunkPiece& piece, std::string_view* rest, Line* line) {
    if (!SplitLine(piece, *rest, line)) return false;
    line->state = Format::Parse(line->text(), &line->head);
    if (line->state != LineState::kValid) LeaveWhatFollowsNuls(line);
    rest->remove_prefix(line->raw.size());
    return true;
  }

  /// Where a head can be told from its beginning it is the first one behind NULs, so that it does
  /// not matter how much of the line is there.
  static void LeaveWhatFollowsNuls(Line* line) {
    const std::string_view text = line->text();
    LineHead ignored;
    for (size_t nul = Format::kHeadFirst ? text.find('\0') : text.rfind('\0');
         nul != std::string_view::npos; nul = text.find('\0', nul)) {
      nul = std::min(text.find_first_not_of('\0', nul), text.size());
      if (Format::Parse(text.substr(nul), &ignored) != LineState::kValid) continue;
      line->raw = line->raw.substr(0, nul);
      return;
    }
  }

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
    Line line;
    SplitLine(piece, rest_.raw, &line);
    const bool skip = cut_.kind == Kind::kSkip || !Format::kHeadFirst;
    if (skip || line.complete) rest_.raw.remove_prefix(line.raw.size());
    if (!skip) {
      line.head = {cut_.time, cut_.stream, false, line.text(), line.text().size()};
      return TakeLongLine(line);
    }
    out_.corrupt_bytes += line.raw.size();
    if (line.complete) cut_ = {};
  }

  void TakeLine() {
    if (line_.state != LineState::kValid) {
      ++out_.corrupt_lines;
      out_.corrupt_bytes += line_.raw.size();
      return;
    }
    const LineHead& head = line_.head;
    OpenRecord& open = OpenOf(head.stream);
    if (head.body_bytes > body_bytes_max_) return TakeLongLine(line_);
    if (open.parts > 0 && open.body_bytes + head.body_bytes > body_bytes_max_) CutOpen(open);
    if (open.parts == 0 && !head.partial) {
      const bool cut = TakeCut(head.stream);
      return Emit(line_, cut);
    }
    Extend(open);
    if (!head.partial) EmitOpen(open);
  }

  /// Adds the current line to a record of several.
  void Extend(OpenRecord& open) {
    if (open.parts == 0) {
      if (open_records_ == 0) Save(line_.begin());
      ++open_records_;
      open = {};
      open.cut = TakeCut(line_.head.stream);
      open.first = line_;
    }
    ++open.parts;
    open.end = line_.end();
    open.body_bytes += line_.head.body_bytes;
    open.source_bytes += static_cast<uint32_t>(line_.raw.size());
  }

  /// Emits a line whose body is beyond the limit, or the rest of one, in pieces. What is left of an
  /// incomplete one stays in rest_.
  void TakeLongLine(Line line) {
    OpenRecord& open = OpenOf(line.head.stream);
    if (open.parts > 0) CutOpen(open);
    while (line.head.body_bytes > body_bytes_max_) {
      EmitBeginning(&line, Format::Cut(line.head.body, body_bytes_max_));
    }
    if (!line.complete) {
      rest_ = line;
      return;
    }
    cut_ = {};
    Emit(line, /*cut=*/true);
  }

  /// Emits the first part of a line and leaves the rest in `line`.
  void EmitBeginning(Line* line, BodyCut part) {
    LineHead& head = line->head;
    Line beginning = *line;
    const size_t head_bytes = static_cast<size_t>(head.body.data() - line->raw.data());
    beginning.raw = line->raw.substr(0, head_bytes + part.written);
    beginning.head.body = head.body.substr(0, part.written);
    beginning.head.body_bytes = part.bytes;
    cut_ = {Kind::kMidLine, head.stream, head.time};
    Emit(beginning, /*cut=*/true);
    line->raw.remove_prefix(beginning.raw.size());
    head.body.remove_prefix(part.written);
    head.body_bytes -= part.bytes;
  }

  /// Emits a record of one line.
  void Emit(const Line& line, bool cut) {
    Record& record = Append(line, cut);
    record.body = BodyOf(line.head);
    record.content = Hash128Of(line.raw);
    SetBoundary(&record);
  }

  void EmitOpen(OpenRecord& open) {
    Record& record = Append(open.first, open.cut);
    record.end = open.end;
    record.source_bytes = open.source_bytes;
    if (open.parts > 1) {
      Join(open, &record);
    } else {
      record.body = BodyOf(open.first.head);
      record.content = Hash128Of(open.first.raw);
    }
    open.parts = 0;
    --open_records_;
    SetBoundary(&record);
  }

  /// A record that begins with `line`, its body and hash not set.
  Record& Append(const Line& line, bool cut) {
    Record& record = out_.records.emplace_back();
    record.time = line.head.time;
    record.begin = line.begin();
    record.end = line.end();
    record.segment_key = line.piece->segment_key;
    record.source_bytes = static_cast<uint32_t>(line.raw.size());
    record.stream = line.head.stream;
    record.cut = cut;
    return record;
  }

  void SetBoundary(Record* record) {
    furthest_ = std::max(furthest_, record->end);
    record->boundary = open_records_ == 0 && cut_.kind == Kind::kNone && record->end == furthest_;
  }

  void CutOpen(OpenRecord& open) {
    open.cut = true;
    cut_ = {Kind::kRecord, open.first.head.stream, {}};
    EmitOpen(open);
  }

  /// Whether the record that begins now is the rest of one that was cut.
  bool TakeCut(Stream stream) {
    if (cut_.stream != stream) return false;
    cut_ = {};
    return true;
  }

  /// What is in the arena never moves: it is made as large as all that can come. A body gets there
  /// once at most, and is no longer there than in its line.
  void Reserve() {
    if (!out_.arena.empty()) return;
    size_t bytes_max = chunk_.before.time.size() + Chunk::kPadding;
    for (const ChunkPiece& piece : chunk_.pieces) bytes_max += piece.data.size();
    out_.arena.reserve(bytes_max);
  }

  std::string_view BodyOf(const LineHead& head) {
    if (head.body.size() == head.body_bytes) return head.body;
    Reserve();
    const size_t at = out_.arena.size();
    Format::Decode(head.body, &out_.arena);
    return std::string_view(out_.arena).substr(at);
  }

  /// Collects body and hash of a record by reading its lines again: that costs nothing for records
  /// of one line, and no bookkeeping for the others.
  void Join(const OpenRecord& open, Record* record) {
    Reserve();
    const size_t at = out_.arena.size();
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
      NextLine(*piece, &rest, &line);
      if (line.state != LineState::kValid || line.head.stream != record->stream) continue;
      Format::Decode(line.head.body, &out_.arena);
      chain[1] = Hash128Of(line.raw);
      chain[0] = Hash128Of({reinterpret_cast<const char*>(chain.data()), sizeof chain});
      ++parts;
    }
    record->body = std::string_view(out_.arena).substr(at);
    record->content = chain[0];
  }

  /// So that they take nothing of the line behind them along.
  void TakeNulsBeforeTail() {
    line_ = rest_;
    line_.state = LineState::kInvalid;
    LeaveWhatFollowsNuls(&line_);
    if (line_.raw.size() == rest_.raw.size()) return;
    TakeLine();
    rest_.raw.remove_prefix(line_.raw.size());
  }

  /// The limit holds for a line whose end is not there yet, too.
  void TakeLongTail() {
    if (rest_.raw.empty() || cut_.kind == Kind::kMidLine) return;
    if (Format::Parse(rest_.raw, &rest_.head) != LineState::kValid) {
      TakeNulsBeforeTail();
      if (Format::Parse(rest_.raw, &rest_.head) != LineState::kValid) return;
    }
    if (rest_.head.body_bytes > body_bytes_max_) TakeLongLine(rest_);
  }

  bool Stuck() const {
    const ChunkPiece& first = chunk_.pieces[0];
    return saved_.at == Position{first.segment, first.offset};
  }

  /// Takes what is open as it is: first the records that wait for their last part, then the line
  /// without its newline.
  void CloseOpen() {
    const CutMark before = cut_;
    while (open_records_ > 0) {
      const bool second =
          open_[0].parts == 0 || (open_[1].parts > 0 && open_[1].end < open_[0].end);
      CutOpen(open_[second]);
    }
    // What comes next is the rest of that line, whichever records were open around it.
    if (before.kind == Kind::kMidLine && !PlantedBug(Bug::kMidLineOverwritten)) cut_ = before;
    Save(rest_.begin());
    if (rest_.raw.empty() || (chunk_.full && !Stuck())) return;

    LineState state = LineState::kValid;
    if (cut_.kind != Kind::kMidLine) state = Format::Parse(rest_.raw, &rest_.head);
    if (Format::kHeadFirst && state == LineState::kValid && !rest_.head.body.empty()) {
      const size_t bytes = WholeSequencesBytes(rest_.head.body);
      EmitBeginning(&rest_, {bytes, bytes});
    } else if (chunk_.full || state == LineState::kInvalid) {
      const size_t bytes = chunk_.full ? rest_.raw.size() : CorruptBytesOf(rest_.raw);
      // Behind NUL bytes a line begins, else this one goes on.
      const bool ends_with_nul = rest_.raw[bytes - 1] == '\0';
      cut_ = {ends_with_nul ? Kind::kNone : Kind::kSkip, Stream::kNone, {}};
      ++out_.corrupt_lines;
      out_.corrupt_bytes += bytes;
      rest_.raw.remove_prefix(bytes);
    }
    Save(rest_.begin());
  }

  /// How much of a line that cannot be one is to be dropped: not what has begun behind NULs.
  static size_t CorruptBytesOf(std::string_view raw) {
    const size_t begun = raw.rfind('\0') + 1;
    LineHead ignored;
    const bool may_be_line =
        begun > 0 && Format::Parse(raw.substr(begun), &ignored) != LineState::kInvalid;
    return may_be_line ? begun : raw.size();
  }

  /// Length of `body` without a UTF-8 sequence that has only begun at its end, but never 0.
  static size_t WholeSequencesBytes(std::string_view body) {
    for (size_t back = 1; back <= 3 && back < body.size(); ++back) {
      const char lead = body[body.size() - back];
      if (ContinuesSequence(lead)) continue;
      return SequenceBytesOf(lead) > back ? body.size() - back : body.size();
    }
    return body.size();
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
  CutMark cut_;        // holds before the next line
  Position furthest_;  // end of any record so far
  Savepoint saved_;
};

}  // namespace hinomi
