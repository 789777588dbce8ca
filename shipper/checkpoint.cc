#include "shipper/checkpoint.h"

#include "base/logging.h"

namespace hinomi {
namespace {

constexpr uint64_t kBytesMax = 1 << 30;

std::string PathOf(const std::string& directory, uint64_t generation) {
  return directory + (generation % 2 == 0 ? "/checkpoint.a" : "/checkpoint.b");
}

}  // namespace

Checkpoint::Checkpoint(FileSystem& files, std::string directory, Metrics& metrics)
    : files_(files),
      directory_(std::move(directory)),
      damaged_(metrics.CounterOf("hinomi_checkpoint_damaged_total",
                                 "Checkpoint files that could not be read at a start.")),
      bytes_(metrics.GaugeOf("hinomi_checkpoint_bytes", "Size of the newest checkpoint.")) {}

CheckpointState Checkpoint::Load() {
  CheckpointState newest;
  bool damaged = false;
  for (const uint64_t turn : {0, 1}) {
    const std::string path = PathOf(directory_, turn);
    if (!files_.Exists(path)) continue;
    Result<std::string> text = files_.ReadWhole(path, kBytesMax);
    Result<CheckpointState> state = text ? DecodeCheckpoint(*text) : text.error();
    if (!state) {
      damaged_.Add();
      damaged = true;
      log::Error("checkpoint \"{}\" is damaged and left aside: {}; some lines may be sent twice",
                 path, state.error().message);
      continue;
    }
    if (state->generation >= newest.generation) newest = std::move(*state);
  }
  generation_ = newest.generation;
  newest.fell_back = damaged;
  return newest;
}

Result<size_t> Checkpoint::Save(CheckpointState state) {
  state.generation = generation_ + 1;
  const std::string text = EncodeCheckpoint(state);
  const Result<void> written = files_.WriteSynced(PathOf(directory_, state.generation), text);
  if (!written) return written.error();
  generation_ = state.generation;
  bytes_.Set(static_cast<double>(text.size()));
  return text.size();
}

}  // namespace hinomi
