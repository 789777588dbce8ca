// What every sink is to the rest: it tries once to deliver a batch and says what became of each
// record. It knows nothing of files, routes or retries: those are Delivery's (shipper/delivery.h).
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "shipper/batch.h"
#include "shipper/cursor_keeper.h"

namespace hinomi {

/// The bytes a sink wants per record.
enum class RecordFormat : uint8_t {
  kBulk,   // an Elasticsearch `create` action line with the document's id, then the document
  kJson,   // the document, one line
  kLines,  // the record's time (RFC 3339), a space, and its text as the container wrote it, which
           // may be several lines
  kOtlp,  // a log record of OTLP, and before those of each slice their resource (Slice::head_begin)
};

/// How one attempt ended, beyond the outcomes in the batch.
struct Attempt {
  /// Empty: every record of the batch has its outcome. Otherwise some are still kPending and this
  /// says why, as an operator can act on it: `cannot send to "http://…": connection refused; is
  /// Elasticsearch running?`.
  std::string error;
  /// Value of the metric label `code`: an HTTP status, or "connect", "timeout", "tls", "response",
  /// …
  std::string code;
  /// Not to be tried before this has passed (Retry-After), if the sink said so.
  std::optional<Duration> retry_after;
  /// A sink that keeps cursors has lost its hold of the route: what is on its way of it is read
  /// again, from the cursors that it then finds.
  bool reopen = false;
};

class Sink {
 public:
  virtual ~Sink() = default;

  virtual RecordFormat format() const = 0;

  /// Tries once to deliver the records whose outcome is kPending, and sets the outcome of those
  /// that the peer decided on: kAcknowledged, or kRejected with an entry in batch.rejections for an
  /// error about that very document. What is undecided stays kPending. Blocks, for the sink's
  /// timeout at most, and returns early when `stop` is requested. Called from `concurrency()`
  /// threads at once; `lane` in [0, concurrency()) tells them apart, one call per lane at a time,
  /// so that connections and buffers can be kept per lane.
  virtual Attempt Deliver(Batch& batch, uint32_t lane, const std::stop_token& stop) = 0;

  /// Asks the peer whether it would take records, as far as it tells without being given one: for
  /// people who look at a configuration. As Deliver, of which none is called meanwhile.
  virtual Attempt Try(const std::stop_token&) { return {}; }

  /// Not null for a sink that keeps the cursors of its routes itself; lives as long as the sink.
  virtual CursorKeeper* cursors() { return nullptr; }

  /// With 1, no batch passes an earlier one that was tried and is not decided: the records of a log
  /// arrive in their order.
  virtual uint32_t concurrency() const { return 1; }

  /// How long a call may take before the sink is taken for hung. Without a limit where calls end in
  /// their own time.
  virtual Duration patience() const { return Duration::max(); }

  /// What is to be done while there is nothing to deliver. Called now and then by lane 0.
  virtual void Tidy() {}

  /// Whether a file that attempts may have failed for, such as a secret, has changed since the last
  /// call: what waits is then tried at once. Called by lane 0, about once a second, while attempts
  /// fail and none is on its way.
  virtual bool Mended() { return false; }

  /// Bytes of batches that it holds copies of, at most; part of limits.in_flight_bytes_max.
  virtual uint64_t buffer_bytes() const { return 0; }
};

}  // namespace hinomi
