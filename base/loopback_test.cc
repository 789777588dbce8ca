#include "base/loopback.h"

#include <gtest/gtest.h>

#include <utility>

namespace hinomi {
namespace {

TEST(IsLoopback, Table) {
  const std::pair<const char*, bool> cases[] = {
      {"127.0.0.1", true},
      {"127.255.0.9", true},
      {"::1", true},
      {"::ffff:127.0.0.1", true},
      {"128.0.0.1", false},
      {"0.0.0.0", false},
      {"10.127.0.1", false},
      {"::", false},
      {"::2", false},
      {"::127.0.0.1", false},
      {"::ffff:10.0.0.1", false},
      {"fe80::1", false},
      {"localhost", false},
      {"", false},
  };
  for (const auto& [address, want] : cases) EXPECT_EQ(IsLoopback(address), want) << address;
}

}  // namespace
}  // namespace hinomi
