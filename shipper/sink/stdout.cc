#include "shipper/sink/stdout.h"

#include <fmt/core.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hinomi {

namespace {

constexpr int kPollMilliseconds = 50;
constexpr int kPollsMax = 100;  // five seconds without a reader end the attempt

Attempt Failure(const char* code, std::string_view cause) {
  return {.error = fmt::format("cannot write to the standard output: {}", cause),
          .code = code,
          .retry_after = {}};
}

}  // namespace

Attempt StdoutSink::Deliver(Batch& batch, uint32_t, const std::stop_token& stop) {
  std::vector<BatchRecord>& records = batch.records;
  for (size_t begin = 0; begin < records.size();) {
    size_t end = begin;
    while (end < records.size() && records[end].outcome == Outcome::kPending &&
           (end == begin || records[end].begin == records[end - 1].end)) {
      ++end;
    }
    if (end == begin) {
      ++begin;
      continue;
    }
    const uint32_t first = records[begin].begin;
    Attempt failure;
    if (torn_) Write("\n", stop, &failure);
    if (failure.error.empty()) {
      const std::string_view bytes(batch.bytes.data() + first, records[end - 1].end - first);
      const size_t written = Write(bytes, stop, &failure);
      for (size_t i = begin; i < end && records[i].end - first <= written; ++i) {
        records[i].outcome = Outcome::kAcknowledged;
      }
    }
    if (!failure.error.empty()) return failure;
    begin = end;
  }
  return {};
}

size_t StdoutSink::Write(std::string_view bytes, const std::stop_token& stop, Attempt* failure) {
  size_t done = 0;
  for (int polls = 0; done < bytes.size();) {
    if (stop.stop_requested()) {
      *failure = Failure("stopped", "the agent is stopping");
      return done;
    }
    pollfd ready{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (poll(&ready, 1, kPollMilliseconds) <= 0) {
      if (++polls < kPollsMax) continue;
      *failure = Failure("timeout", "its reader does not read");
      return done;
    }
    // A writable pipe takes PIPE_BUF bytes without blocking; more could block, deaf to `stop`.
    const size_t size = std::min<size_t>(bytes.size() - done, PIPE_BUF);
    const ssize_t written = write(descriptor_, bytes.data() + done, size);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (written < 0) {
      *failure =
          errno == EPIPE ? Failure("epipe", "its reader is gone") : Failure("io", strerror(errno));
      return done;
    }
    polls = 0;
    done += static_cast<size_t>(written);
    if (written > 0) torn_ = bytes[done - 1] != '\n';
  }
  return done;
}

}  // namespace hinomi
