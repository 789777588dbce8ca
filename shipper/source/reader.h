// One route's way through one log: what is settled, what is on its way, what was handed out last.
// Pure book-keeping; no disk, no lock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "shipper/batch.h"
#include "shipper/source/level_schedule.h"

namespace hinomi {

struct Cursor {
  Position at;
  Continuation continuing;
};

class Reader {
 public:
  Reader(uint32_t route, Cursor start) : route_(route), settled_(start), read_(std::move(start)) {}
  /// As a checkpoint knows it.
  Reader(uint32_t route, Cursor start, const SettledBytes& bytes)
      : route_(route), settled_(start), read_(std::move(start)), settled_bytes_(bytes) {}

  uint32_t route() const { return route_; }
  /// Everything before it is settled.
  const Cursor& settled() const { return settled_; }
  /// Where the next lease begins.
  const Cursor& read() const { return read_; }
  bool idle() const { return in_flight_.empty(); }
  /// What became of the bytes before settled().
  const SettledBytes& settled_bytes() const { return settled_bytes_; }
  /// Bytes between settled() and read(), as the batches counted them.
  uint64_t in_flight_bytes() const { return in_flight_bytes_; }

  /// When the oldest bytes that are not settled were first seen, if there are any. Monotonic.
  Duration unsettled_since() const;

  /// The bytes from read() to `to`, of which the batch counts `bytes`, are on their way under the
  /// name `ticket`.
  void Advance(uint64_t ticket, Cursor to, uint64_t bytes);
  /// Nothing of it was worth a ticket, such as the jump to the next segment.
  void Skip(Position to);
  /// The outcome of all of `ticket` is known. Tickets settle in any order; the cursor follows what
  /// is complete from the start. False when the ticket was forgotten.
  bool Settle(uint64_t ticket, const SettledBytes& outcome);
  /// What lies between read() and `to` is settled without having been read; nothing is on its way.
  void Pass(const Cursor& to, const SettledBytes& outcome);
  /// Bytes were added to `segment`, which read() has passed: they are settled with the ticket that
  /// passed it, and read after all if that is forgotten.
  void AddPassed(uint32_t segment, const SettledBytes& outcome);
  /// `outcome` came to bytes that no ticket was for.
  void Account(const SettledBytes& outcome);
  /// What was added to settled_bytes() since the last call; what a checkpoint knew is not.
  SettledBytes TakeUncounted();
  /// Takes back `ticket` and everything after it: it will be read again. False when it was not
  /// there.
  bool Forget(uint64_t ticket);
  /// What was handed out first of all that is on its way; there must be some.
  uint64_t oldest_ticket() const { return in_flight_.front().ticket; }

  LevelSchedule levels;  // of the records that it takes

  // Scheduling state, for the store.
  bool queued = false;
  bool leased = false;
  bool touched = false;           // written to while leased
  bool has_open = false;          // an open record waits at read()
  Position open_end;              // Decoded::open_end of the last lease
  Duration open_since{0};         // monotonic
  bool caught_up = true;          // the last look left nothing unread
  Duration fresh_since{0};        // monotonic; the bytes behind read() were not there before
  uint64_t settled_lines = 0;     // since the start of the process
  uint64_t delivered_bytes = 0;   // likewise, acknowledged or refused
  int64_t produced_before = 0;    // bytes that it accounts for besides Log::seen_bytes
  uint64_t produced_counted = 0;  // that the metrics were told
  std::string metadata;  // the constant part of this log's documents for this route, while it is
                         // read lease after lease

 private:
  struct InFlight {
    uint64_t ticket = 0;
    Cursor begin;
    Cursor end;
    Duration since{0};
    uint64_t bytes = 0;
    bool settled = false;
    SettledBytes outcome;
    SettledBytes passed;  // what was added behind it
  };

  uint32_t route_;
  Cursor settled_;
  Cursor read_;
  SettledBytes settled_bytes_;
  std::unique_ptr<SettledBytes> uncounted_;  // an idle log has none
  uint64_t in_flight_bytes_ = 0;
  std::vector<InFlight> in_flight_;  // in order; few, and no memory while there are none
};

}  // namespace hinomi
