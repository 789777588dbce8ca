#include "base/certificate.h"

#include <gtest/gtest.h>

#include <string>

namespace hinomi {
namespace {

// Self-signed; until 2126-10-29 09:36:55 and until 2076-11-09 09:36:55.
const std::string kLong = R"(-----BEGIN CERTIFICATE-----
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
const std::string kShort = R"(-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUFBGCdmwSav8bFsqXV3glJ06j46MwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCYzIwIBcNMjYxMTIyMDkzNjU1WhgPMjA3NjExMDkwOTM2NTVa
MA0xCzAJBgNVBAMMAmMyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcRWXQeI8
tD79IKpbunyFeD6hoVzTvdCb4DCYwV4akhioQ+HGCsrmfJrEPoHsnzJMEYQ0inUk
Ky7OSpWiFZFTeaNTMFEwHQYDVR0OBBYEFEgtvtEEUUKBqErbRM4FvyCNRhvVMB8G
A1UdIwQYMBaAFEgtvtEEUUKBqErbRM4FvyCNRhvVMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIhANsb9VjWOD/UEOJB+UExPVhN0jXYOD1Nbn3f95qZ
QlvJAiAvvgQdkrNa+aB5HdtgvOXMi29H8GhMJW/Ht+K/fv+xbA==
-----END CERTIFICATE-----
)";
constexpr int64_t kLongExpiry = 4948940215;
constexpr int64_t kShortExpiry = 3372140215;

TEST(CertificateTest, SaysWhenTheFirstExpires) {
  const struct {
    std::string pem;
    int64_t expiry;  // 0: an error
  } cases[] = {
      {kLong, kLongExpiry},
      {kShort, kShortExpiry},
      {kLong + kShort, kShortExpiry},
      {"# our authorities\n" + kShort + "\nand\n" + kLong, kShortExpiry},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + kLong, kLongExpiry},
      {"", 0},
      {"hello", 0},
      {kLong.substr(0, kLong.size() / 2), 0},
      {kLong + kShort.substr(0, kShort.size() / 2), 0},
      {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0},
  };
  for (const auto& test : cases) {
    const Result<std::chrono::seconds> expiry = ExpiryOf(test.pem);
    EXPECT_EQ(expiry ? expiry->count() : 0, test.expiry) << test.pem;
  }
}

}  // namespace
}  // namespace hinomi
