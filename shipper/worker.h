// The record path's loop: lease a log, decode, transform, encode into the route's open batch, until
// the batch is full or nothing more is due. Everything it touches per record is its own: no lock,
// no allocation in the steady state.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "shipper/codec/multiline.h"
#include "shipper/delivery.h"
#include "shipper/encode/encoder.h"
#include "shipper/encode/index_name.h"
#include "shipper/source/log_store.h"
#include "shipper/transform/json_body.h"

namespace hinomi {

class Worker {
 public:
  /// Where a route's records go.
  struct Route {
    Delivery& delivery;
    Encoder encoder;
    uint64_t batch_bytes = 0;
    Duration linger{0};
    bool high = false;  // before those that are not
  };

  /// By index; one without goes nowhere.
  using Routes = std::vector<std::optional<Route>>;

  struct Options {
    uint64_t record_bytes_max = 0;
    std::vector<MultilineConfig> multiline;  // the rules that Origin::multiline means
  };

  Worker(LogStore& store, const Clock& clock, const Options& options, Routes routes);

  /// From now on the routes, by index, go there. What is being filled for one that has gone
  /// elsewhere is forgotten. Nobody else may use it meanwhile.
  void SetRoutes(Routes routes);

  /// Runs until stopped. Its own thread.
  void Run(const std::stop_token& stop);
  /// One lease of one route at most. True when there was something to do.
  bool Step(uint32_t route);
  /// True when no batch is open. Any thread.
  bool idle() const { return open_batches_ == 0; }

 private:
  struct Filling {
    std::unique_ptr<Batch> batch;
    Duration opened{0};
  };
  /// A slice of the lease at hand, by index: the vectors that hold it may grow.
  struct Cut {
    Batch* batch = nullptr;
    size_t slice = 0;
  };

  void Process(uint32_t route);
  void LeaveOut();
  void BeginSlice(uint32_t route, Position begin);
  void EndSlice(Position end, Continuation after);
  template <typename OneEncoder>
  void Encode(uint32_t route, const OneEncoder& encoder);
  bool Open(uint32_t route);
  void Seal(uint32_t route);
  void Forget(uint32_t route, std::vector<std::unique_ptr<Batch>> forgotten);
  Duration UntilDue() const;

  LogStore& store_;
  const Clock& clock_;
  const DecodeLimits limits_;
  Routes routes_;
  std::vector<uint32_t> order_;   // in which they have their turns
  std::vector<Filling> filling_;  // by route
  std::atomic<int> open_batches_ = 0;

  // Of the lease at hand; kept for their memory.
  Lease lease_;
  Decoded decoded_;
  Multiline multiline_;
  JsonBody json_body_;
  LeaseIndex index_;
  std::vector<Cut> cuts_;
  std::vector<Slice*> slices_;
  std::vector<std::unique_ptr<Batch>> full_;
};

}  // namespace hinomi
