#include "shipper/sink/kafka_cursor.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

constexpr char kLog[] = "/var/log/pods/shop_cart-0_uid/app/0.log";
const std::string kRoute = KafkaRouteKey("prod", "node \"1\"", "all");

TEST(KafkaCursor, ComesBackAsItWas) {
  KeptCursor cursor{"", 0xfedcba9876543210, 1ull << 40, {}};
  for (const Continuation& continuing :
       {Continuation{},
        Continuation{Continuation::Kind::kMidLine, Stream::kStderr,
                     "2026-11-01T00:00:00.123456789Z"},
        Continuation{Continuation::Kind::kSkip, Stream::kNone, ""}}) {
    cursor.continuing = continuing;
    EXPECT_EQ(DecodeKafkaCursor(EncodeKafkaCursor(cursor)), cursor);
  }
}

TEST(KafkaCursor, NonsenseIsNone) {
  for (const char* value :
       {"", "null", "7", "[]", "{}", R"({"segment":"0g","offset":1})", R"({"offset":1})",
        R"({"segment":"00"})", R"({"segment":"00","offset":-1})",
        R"({"segment":"00","offset":1e300})", R"({"segment":"00","offset":1)"}) {
    EXPECT_FALSE(DecodeKafkaCursor(value)) << value;
  }
}

TEST(KafkaCursor, AKeyNamesRouteAndLog) {
  EXPECT_EQ(LogOfKafkaKey(kRoute, KafkaCursorKey(kRoute, kLog)), kLog);
  EXPECT_FALSE(LogOfKafkaKey(kRoute, kRoute)) << "of the route alone";
  for (const std::string& other :
       {KafkaRouteKey("prod", "node \"1\"", "errors"), KafkaRouteKey("prod", "node 2", "all"),
        KafkaRouteKey("test", "node \"1\"", "all")}) {
    EXPECT_FALSE(LogOfKafkaKey(kRoute, KafkaCursorKey(other, kLog))) << other;
  }
  for (const char* key : {"", "[", "x", "[1,2,3,4]", "{}", R"(["a"])"}) {
    EXPECT_FALSE(LogOfKafkaKey(kRoute, key)) << key;
  }
}

}  // namespace
}  // namespace hinomi
