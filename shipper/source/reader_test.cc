#include "shipper/source/reader.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

Cursor At(uint32_t segment, uint64_t offset) { return {{segment, offset}, {}}; }

TEST(Reader, FollowsWhatIsSettledFromTheStart) {
  Reader reader(0, At(0, 0));
  reader.Advance(1, At(0, 10), 1);
  reader.Advance(2, At(0, 20), 1);
  reader.Advance(3, At(1, 5), 1);
  EXPECT_TRUE(reader.Settle(2, {}));
  EXPECT_EQ(reader.settled().at, (Position{0, 0})) << "1 is still on its way";
  EXPECT_TRUE(reader.Settle(1, {}));
  EXPECT_EQ(reader.settled().at, (Position{0, 20}));
  EXPECT_TRUE(reader.Settle(3, {}));
  EXPECT_EQ(reader.settled().at, (Position{1, 5}));
  EXPECT_TRUE(reader.idle());
}

TEST(Reader, ForgetsATicketAndAllBehindIt) {
  Reader reader(0, At(0, 0));
  Cursor cut = At(0, 10);
  cut.continuing.kind = Continuation::Kind::kRecord;
  reader.Advance(1, cut, 1);
  reader.Advance(2, At(0, 20), 1);
  reader.Advance(3, At(0, 30), 1);
  EXPECT_TRUE(reader.Forget(2));
  EXPECT_EQ(reader.read().at, (Position{0, 10}));
  EXPECT_EQ(reader.read().continuing.kind, Continuation::Kind::kRecord);
  EXPECT_FALSE(reader.Settle(3, {})) << "forgotten: its outcome no longer counts";
  EXPECT_FALSE(reader.Forget(3));
  EXPECT_TRUE(reader.Settle(1, {}));
  EXPECT_EQ(reader.settled().at, (Position{0, 10}));
}

TEST(Reader, SkipsToTheNextSegmentWithoutOvertaking) {
  Reader reader(0, At(0, 0));
  reader.Advance(1, At(0, 10), 1);
  reader.Skip({1, 0});
  EXPECT_EQ(reader.read().at, (Position{1, 0}));
  EXPECT_EQ(reader.settled().at, (Position{0, 0}));
  EXPECT_TRUE(reader.Settle(1, {}));
  EXPECT_EQ(reader.settled().at, (Position{1, 0}));
}

TEST(Reader, SettlesWhatWasAddedBehindItWithTheTicketThatPassedIt) {
  SettledBytes late;
  late.lost[static_cast<size_t>(LossReason::kLate)] = 5;
  Reader reader(0, At(0, 0));
  reader.Advance(1, At(0, 10), 10);
  reader.Advance(2, At(1, 5), 5);
  reader.AddPassed(0, late);
  EXPECT_EQ(reader.in_flight_bytes(), 20u);
  EXPECT_TRUE(reader.Settle(1, {}));
  EXPECT_EQ(reader.settled_bytes().Total(), 0u) << "a checkpoint still stands before it";
  EXPECT_TRUE(reader.Forget(2));
  EXPECT_EQ(reader.in_flight_bytes(), 0u);
  reader.Advance(3, At(1, 5), 10);
  reader.AddPassed(0, late);
  EXPECT_TRUE(reader.Settle(3, {}));
  EXPECT_EQ(reader.settled_bytes(), late);
  reader.AddPassed(0, late);
  EXPECT_EQ(reader.settled_bytes().Total(), 10u) << "nothing is on its way that could be forgotten";
}

}  // namespace
}  // namespace hinomi
