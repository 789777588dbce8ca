// What arrived at the counting sink, by pod and sequence: lost, duplicated and broken are three
// numbers, apart from lines that came again under the same _id, which Elasticsearch keeps once. The
// time from a line's writing to its first arrival is a histogram. Knows nothing of HTTP.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/race/mark.h"

namespace hinomi::race {

class Counts {
 public:
  /// Takes one document with its _id, empty if the client gave it none, which arrived at that Unix
  /// time. A document that is not one whole line is broken, and its line has not arrived. False if
  /// the line is stored already under that _id.
  bool AddDocument(std::string_view document, std::string_view id, uint64_t now_microseconds);
  /// Takes one request's size, head included, as it was received.
  void AddRequest(size_t bytes);
  /// What was written, as the generator's summary has it: lines of `POD LINES BYTES`. Until it is
  /// known, lines behind the last one of a pod that arrived are not missed. False if it is none.
  bool SetWritten(std::string_view summary);

  uint64_t distinct() const { return distinct_; }
  uint64_t duplicated() const { return documents_ - broken_ - distinct_ - repeated_; }
  uint64_t repeated() const { return repeated_; }
  uint64_t broken() const { return broken_; }
  uint64_t lost() const;
  /// Milliseconds that `share` of the lines took at most.
  double LatencyMilliseconds(double share) const;
  std::string ToJson() const;

 private:
  struct Pod {
    std::vector<uint32_t> seen;  // by sequence: 0 if missing, else what tells its _id
    uint64_t written = 0;
    uint64_t distinct = 0;
  };

  Pod& PodOf(uint64_t number);
  void AddLatency(uint64_t microseconds);

  std::vector<Pod> pods_;
  std::array<uint64_t, 64 * 16> latencies_{};  // sixteen buckets for each power of two
  uint64_t latencies_count_ = 0;
  uint64_t documents_ = 0;
  uint64_t distinct_ = 0;
  uint64_t broken_ = 0;
  uint64_t repeated_ = 0;
  uint64_t requests_ = 0;
  uint64_t wire_bytes_ = 0;
  uint64_t last_arrival_microseconds_ = 0;
};

}  // namespace hinomi::race
