#include "shipper/worker.h"

#include <algorithm>

#include "base/logging.h"
#include "base/planted_bug.h"
#include "shipper/encode/severity.h"

namespace hinomi {
namespace {

constexpr Duration kLongestWait = std::chrono::milliseconds(250);
constexpr size_t kFixedBytes = 256;  // of a document besides body and metadata, at most

Documents DocumentsOf(const Origin& origin) {
  if (origin.events) return Documents::kEvents;
  return origin.pod.docker == nullptr ? Documents::kKubernetes : Documents::kDocker;
}

std::vector<SegmentRange> RangesOf(std::span<const ChunkPiece> pieces, const Position& begin,
                                   const Position& end) {
  std::vector<SegmentRange> ranges;
  for (const ChunkPiece& piece : pieces) {
    const uint64_t piece_end = piece.offset + piece.data.size();
    const uint64_t from = piece.segment < begin.segment    ? piece_end
                          : piece.segment == begin.segment ? std::max(piece.offset, begin.offset)
                                                           : piece.offset;
    const uint64_t to = piece.segment > end.segment    ? piece.offset
                        : piece.segment == end.segment ? std::min(piece_end, end.offset)
                                                       : piece_end;
    if (to > from) ranges.push_back({piece.segment, piece.segment_key, from, to});
  }
  return ranges;
}

}  // namespace

Worker::Worker(LogStore& store, const Clock& clock, const Options& options, Routes routes)
    : store_(store),
      clock_(clock),
      limits_{options.record_bytes_max},
      multiline_(options.multiline, limits_) {
  SetRoutes(std::move(routes));
}

void Worker::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool busy = false;
    for (uint32_t route : order_) busy = Step(route) || busy;
    if (!busy) store_.WaitForWork(UntilDue());
  }
}

void Worker::SetRoutes(Routes routes) {
  filling_.resize(std::max(routes.size(), filling_.size()));
  for (uint32_t route = 0; route < routes_.size(); ++route) {
    if (!routes_[route]) continue;
    const bool stays = route < routes.size() && routes[route] &&
                       &routes[route]->delivery == &routes_[route]->delivery;
    if (!stays) Forget(route, {});
  }
  routes_ = std::move(routes);
  order_.clear();
  for (uint32_t route = 0; route < routes_.size(); ++route) {
    if (routes_[route]) order_.push_back(route);
  }
  std::stable_partition(order_.begin(), order_.end(),
                        [this](uint32_t route) { return routes_[route]->high; });
}

Duration Worker::UntilDue() const {
  const Duration now = clock_.Monotonic();
  Duration wait = kLongestWait;
  for (uint32_t route = 0; route < routes_.size(); ++route) {
    if (!routes_[route]) continue;
    // What is due already waits for room, and is woken up by that.
    const std::optional<Duration> due = store_.NextDue(route);
    if (due && *due > now) wait = std::min(wait, *due - now);
  }
  return wait;
}

bool Worker::Step(uint32_t route) {
  if (route >= routes_.size() || !routes_[route]) return false;
  const Route& target = *routes_[route];
  if (!target.delivery.open(route)) {
    Forget(route, target.delivery.ShedRoute(route));
    return false;
  }
  if (target.delivery.shedding()) {
    // The sink is dead: its bytes wait in their files, not in memory.
    Forget(route, target.delivery.Shed());
    return false;
  }
  const Duration now = clock_.Monotonic();
  const std::optional<Duration> due = store_.NextDue(route);
  if (!due || *due > now) {
    if (filling_[route].batch == nullptr) return false;
    Seal(route);
    return true;
  }
  if (!Open(route)) return false;
  if (!store_.NextLease(route, &lease_)) {
    Seal(route);
    return true;
  }
  Process(route);
  const Filling& filling = filling_[route];
  if (filling.batch != nullptr && clock_.Monotonic() - filling.opened >= target.linger) Seal(route);
  return true;
}

bool Worker::Open(uint32_t route) {
  Filling& filling = filling_[route];
  if (filling.batch != nullptr) return true;
  filling.batch = routes_[route]->delivery.NewBatch(route);
  if (filling.batch == nullptr) return false;
  filling.opened = clock_.Monotonic();
  ++open_batches_;
  return true;
}

void Worker::Seal(uint32_t route) {
  Filling& filling = filling_[route];
  if (filling.batch == nullptr) return;
  if (filling.batch->slices.empty()) {
    routes_[route]->delivery.Discard(std::move(filling.batch));
  } else {
    routes_[route]->delivery.Enqueue(std::move(filling.batch));
  }
  --open_batches_;
}

// And what is being filled.
void Worker::Forget(uint32_t route, std::vector<std::unique_ptr<Batch>> forgotten) {
  Delivery& delivery = routes_[route]->delivery;
  if (filling_[route].batch != nullptr) {
    forgotten.push_back(std::move(filling_[route].batch));
    --open_batches_;
  }
  for (std::unique_ptr<Batch>& batch : forgotten) {
    store_.Forget(*batch);
    delivery.Discard(std::move(batch));
  }
}

void Worker::Process(uint32_t route) {
  const LogFormat format = lease_.origin->format;
  if (lease_.origin->multiline) {
    multiline_.Decode(*lease_.origin->multiline, format, lease_.chunk, &decoded_);
  } else {
    Decode(format, lease_.chunk, limits_, &decoded_);
  }
  if (decoded_.corrupt_lines > 0 && !lease_.origin->own) {
    log::Warn("{} lines of \"{}\" are not in its format and are dropped", decoded_.corrupt_lines,
              lease_.origin->path);
  }
  LeaveOut();
  const Encoder& encoder = routes_[route]->encoder;
  if (MergesJson(encoder)) json_body_.Apply(decoded_.records, DocumentsOf(*lease_.origin));
  cuts_.clear();
  full_.clear();
  std::visit([&](const auto& one) { Encode(route, one); }, encoder);
  slices_.clear();
  for (const Cut& cut : cuts_) slices_.push_back(&cut.batch->slices[cut.slice]);
  store_.Commit(lease_, decoded_, slices_);
  lease_.files.clear();  // one that is settled and removed must not live on here
  for (std::unique_ptr<Batch>& batch : full_) {
    routes_[route]->delivery.Enqueue(std::move(batch));
    --open_batches_;
  }
}

// Records that do not take the route, or are beyond a limit that drops, are settled without being
// sent.
void Worker::LeaveOut() {
  if (!lease_.levels.all()) {
    for (Record& record : decoded_.records) {
      const Levels& levels = lease_.levels.At(record.begin);
      if (!levels.all() && !levels.contain(SeverityOf(record.body).number)) {
        record.dropped = DropReason::kLevel;
      }
    }
  }
  if (lease_.kept_bytes_max == UINT64_MAX) return;
  uint64_t kept_bytes = 0;
  for (Record& record : decoded_.records) {
    if (record.dropped) continue;
    if (kept_bytes >= lease_.kept_bytes_max) record.dropped = DropReason::kRateLimited;
    kept_bytes += record.source_bytes;
  }
}

void Worker::BeginSlice(uint32_t route, Position begin) {
  Batch& batch = *filling_[route].batch;
  Slice slice;
  slice.origin = lease_.origin;
  slice.log = lease_.log;
  slice.route = route;
  slice.begin = begin;
  slice.end = begin;
  batch.slices.push_back(std::move(slice));
  cuts_.push_back({&batch, batch.slices.size() - 1});
}

void Worker::EndSlice(Position end, Continuation after) {
  Slice& slice = cuts_.back().batch->slices[cuts_.back().slice];
  slice.end = end;
  slice.after = std::move(after);
  slice.ranges = RangesOf(lease_.pieces, slice.begin, end);
  // What no record of the slice covers was corrupt. Until here acknowledged_bytes counted what the
  // records in the batch cover; its own meaning it gets on delivery.
  uint64_t corrupt_bytes = 0;
  for (const SegmentRange& range : slice.ranges) corrupt_bytes += range.end - range.begin;
  corrupt_bytes -= slice.acknowledged_bytes + slice.dropped.bytes();
  slice.dropped[DropReason::kCorrupt].bytes = corrupt_bytes;
  slice.acknowledged_bytes = 0;
  const bool skipped = PlantedBug(Bug::kCorruptNotSettled) && slice.records == 0;
  if (slice.end == slice.begin || skipped) {
    cuts_.back().batch->slices.pop_back();
    cuts_.pop_back();
  }
}

template <typename OneEncoder>
void Worker::Encode(uint32_t route, const OneEncoder& encoder) {
  const Route& target = *routes_[route];
  Filling& filling = filling_[route];
  if (lease_.metadata.empty()) lease_.metadata = encoder.Metadata(*lease_.origin);
  const Duration now = clock_.Wall();
  BeginSlice(route, lease_.begin);
  constexpr bool kIndexed = std::is_same_v<OneEncoder, EcsEncoder>;
  if constexpr (kIndexed) index_.Begin(encoder.indices(), lease_.origin->pod);
  bool boundary = true;  // the log may be split before the next record
  Position reached = lease_.begin;
  for (const Record& record : decoded_.records) {
    if (record.dropped) {
      Dropped& dropped = filling.batch->slices.back().dropped[*record.dropped];
      dropped.lines += 1;
      dropped.bytes += record.source_bytes;
      boundary = record.boundary;
      reached = record.end;
      continue;
    }
    const std::string_view index = kIndexed ? index_.At(record.time) : std::string_view();
    const size_t more = record.body.size() + lease_.metadata.size() + index.size() + kFixedBytes;
    if (boundary && !filling.batch->records.empty() &&
        filling.batch->bytes.size() + more > target.batch_bytes) {
      EndSlice(reached, {});
      full_.push_back(std::move(filling.batch));
      filling.batch = target.delivery.NewBatch(route);
      if (filling.batch == nullptr) {
        // No room for the rest: it stays in its file.
        decoded_.consumed = reached;
        decoded_.after = {};
        decoded_.has_open = false;
        lease_.chunk.full = true;
        return;
      }
      ++open_batches_;
      filling.opened = clock_.Monotonic();
      BeginSlice(route, reached);
    }
    Batch& batch = *filling.batch;
    const auto slice = static_cast<uint32_t>(batch.slices.size() - 1);
    encoder.Append(record, {*lease_.origin, lease_.metadata, slice, now, index}, &batch);
    batch.slices.back().records += 1;
    batch.slices.back().acknowledged_bytes += record.source_bytes;
    boundary = record.boundary;
    reached = record.end;
  }
  filling.batch->slices.back().dropped[DropReason::kCorrupt].lines = decoded_.corrupt_lines;
  EndSlice(decoded_.consumed, decoded_.after);
}

}  // namespace hinomi
