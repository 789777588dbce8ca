#include "shipper/certificate_expiries.h"

#include "base/certificate.h"

namespace hinomi {
namespace {

constexpr uint64_t kFileBytesMax = 4 << 20;

}  // namespace

CertificateExpiries::CertificateExpiries(const Config& config, FileSystem& files, Metrics& metrics)
    : files_(files), metrics_(metrics) {
  for (const SinkConfig& sink : config.sinks) {
    Watch(sink.name, sink.elasticsearch.ca_file);
    Watch(sink.name, sink.elasticsearch.certificate_file);
    Watch(sink.name, sink.kafka.ca_file);
    Watch(sink.name, sink.kafka.certificate_file);
    Watch(sink.name, sink.otlp.ca_file);
    Watch(sink.name, sink.otlp.certificate_file);
  }
  if (!watched_.empty()) hook_ = metrics_.OnScrape([this] { Refresh(); });
}

CertificateExpiries::~CertificateExpiries() {
  for (const Watched& file : watched_) {
    metrics_.Hide({{"sink", file.sink}, {"file", file.path}});
  }
}

void CertificateExpiries::Watch(const std::string& sink, const std::string& path) {
  if (!path.empty()) watched_.push_back({sink, path, FileStamps(files_, {path})});
}

void CertificateExpiries::Refresh() {
  const std::lock_guard lock(mutex_);
  for (Watched& file : watched_) {
    if (!file.stamps.Changed() && file.read) continue;
    file.read = true;
    const Result<std::string> pem = files_.ReadWhole(file.path, kFileBytesMax);
    if (!pem) continue;
    const Result<std::chrono::seconds> expiry = ExpiryOf(*pem);
    if (!expiry) continue;
    metrics_
        .GaugeOf("hinomi_tls_certificate_expiry_timestamp_seconds",
                 "When the first of the file's certificates expires, Unix time.",
                 {{"sink", file.sink}, {"file", file.path}})
        .Set(static_cast<double>(expiry->count()));
  }
}

}  // namespace hinomi
