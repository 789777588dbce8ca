#include "bench/race/mark.h"

#include <gtest/gtest.h>

namespace hinomi::race {
namespace {

TEST(Mark, IsFoundWhereverAShipperPutsTheLine) {
  const Mark mark{12, 345, 1'763'710'000'123'456};
  std::string head, tail;
  AppendHead(mark, &head);
  AppendTail(mark, &tail);
  EXPECT_EQ(head, "~race:12:345:1763710000123456");
  EXPECT_EQ(tail, "~ecar:12:345");
  const std::string whole[] = {
      R"({"message":")" + head + " text " + tail + R"("})",
      R"({"message":"{\"id\":\")" + head + R"(\",\"end\":\")" + tail + R"(\"}"})",
      R"({"end":")" + tail + R"(","id":")" + head + R"("})",
      R"({"path":"~root/~","log":")" + head + tail + R"(","id":")" + head + R"(","end":")" + tail +
          "\"}",
  };
  for (const std::string& document : whole) EXPECT_EQ(FindMark(document), mark) << document;
}

TEST(Mark, IsMissedInWhatIsNotOneWholeLine) {
  const char* const broken[] = {
      "",
      "{}",
      "the queue is full",
      "~race:1:2:3 cut",
      "cut ~ecar:1:2",
      "~race:1:2:3 ~ecar:1:",
      "~race:1:2: ~ecar:1:2",
      "~race:1:2:3 ~ecar:1:20",
      "~race:1:2:3 ~ecar:1:2 ~race:1:3:3 ~ecar:1:3",
      "~race:1:2:3 ~race:1:2:3 ~ecar:1:2",
      "~race:100000:2:3 ~ecar:100000:2",
      "~race:1:100000000:3 ~ecar:1:100000000",
      "~race:1:-2:3 ~ecar:1:-2",
  };
  for (const char* document : broken) EXPECT_EQ(FindMark(document), std::nullopt) << document;
}

}  // namespace
}  // namespace hinomi::race
