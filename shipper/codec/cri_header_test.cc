#include "shipper/codec/cri_header.h"

#include <gtest/gtest.h>

#include <string>

namespace hinomi {
namespace {

TEST(IsRfc3339, Table) {
  for (const char* good : {"2026-02-28T23:59:59Z", "2024-02-29T00:00:00Z", "2000-02-29T00:00:00.1Z",
                           "2026-12-31T04:05:06.123456789Z", "2026-12-31T04:05:06.123456789+09:00",
                           "2026-12-31T04:05:06-03:30"}) {
    EXPECT_TRUE(IsRfc3339(good)) << good;
  }
  for (const char* bad : {"",
                          "2026-02-28T23:59:59",
                          "2026-02-29T00:00:00Z",
                          "1900-02-29T00:00:00Z",
                          "2026-04-31T00:00:00Z",
                          "2026-13-01T00:00:00Z",
                          "2026-00-01T00:00:00Z",
                          "2026-01-00T00:00:00Z",
                          "2026-01-32T00:00:00Z",
                          "2026-01-01T24:00:00Z",
                          "2026-01-01T00:60:00Z",
                          "2026-01-01T00:00:60Z",
                          "2026-01-01t00:00:00Z",
                          "2026-01-01T00:00:00z",
                          "2026-01-01 00:00:00Z",
                          "2026-01-01T00:00:00.Z",
                          "2026-01-01T00:00:00.1234567890Z",
                          "2026-01-01T00:00:00+0900",
                          "2026-01-01T00:00:00+19:00",
                          "2026-01-01T00:00:00+09:60",
                          "2026-01-01T00:00:00.1",
                          "2o26-01-01T00:00:00Z",
                          "2026-01-01T0:000:00Z",
                          "2026:01-01T00:00:00Z",
                          "\xff"
                          "026-01-01T00:00:00Z",
                          "2026-01-01T00:00:0\x01Z",
                          "2026-01-01T00:00:00ZZ"}) {
    EXPECT_FALSE(IsRfc3339(bad)) << bad;
  }
}

TEST(ParseCriHeader, Table) {
  const std::string time = "2026-01-02T03:04:05.123456789Z";
  const auto state = [](const std::string& line) {
    CriHeader header;
    return ParseCriHeader(line, &header);
  };
  for (const std::string tail :
       {" stdout F ", " stderr P x", " stdout F:a:b body", " stdout P: "}) {
    EXPECT_EQ(state(time + tail), CriHeaderState::kValid) << tail;
  }
  for (const std::string tail : {" stdin F x", "  stdout F x", " stdout X x", " stdout FF x",
                                 " STDOUT F x", " stdout  F x", " stdoutF x", "\tstdout F x"}) {
    EXPECT_EQ(state(time + tail), CriHeaderState::kInvalid) << tail;
  }
  EXPECT_EQ(state("not a log line at all, just some text"), CriHeaderState::kInvalid);
  EXPECT_EQ(state(std::string(37, '2')), CriHeaderState::kInvalid);
  const std::string whole = time + " stdout F:tag ";
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(state(whole.substr(0, bytes)), CriHeaderState::kIncomplete) << bytes;
  }
}

TEST(ParseCriHeader, Fields) {
  CriHeader header;
  ASSERT_EQ(ParseCriHeader("2026-01-02T03:04:05+01:00 stderr P:x hello", &header),
            CriHeaderState::kValid);
  EXPECT_EQ(header.time, "2026-01-02T03:04:05+01:00");
  EXPECT_EQ(header.stream, Stream::kStderr);
  EXPECT_TRUE(header.partial);
  EXPECT_EQ(header.bytes, 37u);
}

}  // namespace
}  // namespace hinomi
