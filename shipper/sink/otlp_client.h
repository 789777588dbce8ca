// Speaks OTLP over gRPC to one collector: a request that is bytes already, and what its answer
// means. gRPC's C interface stays behind this file: it takes bytes as they are, compressed too, and
// shows the trailers. Knows nothing of records or retries.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/filesystem.h"
#include "base/result.h"
#include "config/config.h"
#include "shipper/egress.h"
#include "shipper/sink.h"

namespace hinomi {

enum class OtlpVerdict : uint8_t {
  kTaken,     // all of the request but `refused` records
  kRefused,   // something in it is not valid
  kTooLarge,  // for the server
  kFailed,    // nothing about the records
};

struct OtlpReply {
  OtlpVerdict verdict = OtlpVerdict::kFailed;
  uint64_t refused = 0;  // records of a request that was taken; which ones is not said
  std::string reason;    // the server's words about what it refused
  Attempt failure;       // unless it was taken
};

/// Keeps its connection. One thread at a time.
class OtlpClient {
 public:
  /// Without an egress its connections are as the system has them.
  OtlpClient(const OtlpConfig& config, FileSystem& files,
             std::shared_ptr<SinkEgress> egress = nullptr);
  ~OtlpClient();
  OtlpClient(const OtlpClient&) = delete;
  OtlpClient& operator=(const OtlpClient&) = delete;

  /// LogsService.Export. The parts are, one after another, an ExportLogsServiceRequest, as a gzip
  /// member if `gzip`; they are copied. Secrets are read from their files first. Blocks for the
  /// configured timeout at most, and what the limit of egress takes beyond that; returns early when
  /// `stop` is requested.
  OtlpReply Export(std::span<const std::string_view> request, bool gzip,
                   const std::stop_token& stop);

 private:
  struct Connection;
  struct Secrets;
  Result<Secrets> ReadSecrets() const;
  Duration TimeoutOf(std::span<const std::string_view> request) const;

  const OtlpConfig config_;
  FileSystem& files_;
  const std::shared_ptr<SinkEgress> egress_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace hinomi
