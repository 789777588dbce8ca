#include "shipper/codec/cri_header.h"

#include <gtest/gtest.h>

#include <string>

namespace hinomi {
namespace {

TEST(ParseCriHeader, Table) {
  const std::string time = "2026-01-02T03:04:05.123456789Z";
  const auto state = [](const std::string& line) {
    CriHeader header;
    return ParseCriHeader(line, &header);
  };
  for (const std::string tail :
       {" stdout F ", " stderr P x", " stdout F:a:b body", " stdout P: "}) {
    EXPECT_EQ(state(time + tail), LineState::kValid) << tail;
  }
  for (const std::string tail : {" stdin F x", "  stdout F x", " stdout X x", " stdout FF x",
                                 " STDOUT F x", " stdout  F x", " stdoutF x", "\tstdout F x"}) {
    EXPECT_EQ(state(time + tail), LineState::kInvalid) << tail;
  }
  EXPECT_EQ(state("not a log line at all, just some text"), LineState::kInvalid);
  EXPECT_EQ(state(std::string(37, '2')), LineState::kInvalid);
  const std::string whole = time + " stdout F:tag ";
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_EQ(state(whole.substr(0, bytes)), LineState::kIncomplete) << bytes;
  }
}

TEST(ParseCriHeader, Fields) {
  CriHeader header;
  ASSERT_EQ(ParseCriHeader("2026-01-02T03:04:05+01:00 stderr P:x hello", &header),
            LineState::kValid);
  EXPECT_EQ(header.time, "2026-01-02T03:04:05+01:00");
  EXPECT_EQ(header.stream, Stream::kStderr);
  EXPECT_TRUE(header.partial);
  EXPECT_EQ(header.bytes, 37u);
}

}  // namespace
}  // namespace hinomi
