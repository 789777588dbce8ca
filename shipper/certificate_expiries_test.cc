#include "shipper/certificate_expiries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using testing::HasSubstr;
using testing::Not;

// Until 2126-10-29 09:36:55.
const std::string kCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUdhULeoi/4/XgIXcKSRYtWwGuw9owCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCYzEwIBcNMjYxMTIyMDkzNjU1WhgPMjEyNjEwMjkwOTM2NTVa
MA0xCzAJBgNVBAMMAmMxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiuUcX67B
JdTi/t49vxIRDhnxWOXHMWDdiffYK8HPtYpIjUSmWJKqFBzQoQaRHAGkvkAG7vp2
KruXCtxGDnMsrKNTMFEwHQYDVR0OBBYEFAdXGjdvjKU/D6pIyhcJb4VNua/aMB8G
A1UdIwQYMBaAFAdXGjdvjKU/D6pIyhcJb4VNua/aMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIgDhRESE68V/Hh/cUtZj9eLDZJzze1a51V2HlNz4EH
hM4CIQDJSf26Ob0/SjS3YLiJmlkFDqG8ux9I/sfWy23OddJtHg==
-----END CERTIFICATE-----
)";

TEST(CertificateExpiriesTest, ServesWhatCanBeRead) {
  PosixFileSystem files;
  Metrics metrics;
  const TemporaryDirectory directory;
  directory.Append("ca.crt", kCertificate);
  Config config;
  config.sinks.resize(3);
  config.sinks[0].name = "search";
  config.sinks[0].elasticsearch.ca_file = directory / "ca.crt";
  config.sinks[0].elasticsearch.certificate_file = directory / "client.crt";
  config.sinks[1].name = "stream";
  config.sinks[1].kafka.certificate_file = directory / "ca.crt";
  CertificateExpiries expiries(config, files, metrics);
  const std::string name = "hinomi_tls_certificate_expiry_timestamp_seconds{file=\"";
  EXPECT_THAT(metrics.Expose(),
              HasSubstr(name + directory.path() + "/ca.crt\",sink=\"search\"} 4948940215"));
  EXPECT_THAT(metrics.Expose(),
              HasSubstr(name + directory.path() + "/ca.crt\",sink=\"stream\"} 4948940215"));
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("client.crt")));
  directory.Append("client.crt", kCertificate);
  EXPECT_THAT(metrics.Expose(),
              HasSubstr(name + directory.path() + "/client.crt\",sink=\"search\"} 4948940215"));
}

}  // namespace
}  // namespace hinomi
