// Serves when the certificates expire that the configuration names: clients' and authorities'. They
// are read when Prometheus asks and their file has changed. Knows nothing of connections.
#pragma once

#include <list>
#include <mutex>
#include <string>

#include "base/file_stamps.h"
#include "base/metrics.h"
#include "config/config.h"

namespace hinomi {

class CertificateExpiries {
 public:
  /// Metrics: hinomi_tls_certificate_expiry_timestamp_seconds{sink,file}, Unix time of the first
  /// certificate of that file to expire; none as long as the file has none that can be read.
  CertificateExpiries(const Config& config, FileSystem& files, Metrics& metrics);
  /// Its rows go with it.
  ~CertificateExpiries();
  CertificateExpiries(const CertificateExpiries&) = delete;
  CertificateExpiries& operator=(const CertificateExpiries&) = delete;

 private:
  struct Watched {
    std::string sink;
    std::string path;
    FileStamps stamps;
    bool read = false;
  };
  void Watch(const std::string& sink, const std::string& path);
  void Refresh();

  FileSystem& files_;
  Metrics& metrics_;
  std::mutex mutex_;  // scrapes may overlap
  std::list<Watched> watched_;
  Metrics::Hook hook_;
};

}  // namespace hinomi
