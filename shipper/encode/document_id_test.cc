#include "shipper/encode/document_id.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace hinomi {
namespace {

struct Ingredients {
  Origin origin;
  Record record;

  Ingredients() {
    origin.log_hash = 0x0123456789abcdef;
    origin.first_seconds = 1767323045;
    record.begin = {3, 1000};
    record.end = {3, 1237};
    record.segment_key = 0xfedcba9876543210;
    record.content = {11, 22};
  }
  std::string Id() const { return std::string(ToView(DocumentIdOf(origin, record))); }
};

TEST(DocumentId, IsWhatItHasAlwaysBeen) {
  EXPECT_EQ(Ingredients().Id(), "0dKnL_DZJn1ZClpUo5mKj4eO2Y6g");
}

TEST(DocumentId, EachIngredientChangesIt) {
  const std::string id = Ingredients().Id();
  const std::vector<std::function<void(Ingredients&)>> changes = {
      [](Ingredients& in) { ++in.origin.log_hash; },
      [](Ingredients& in) { ++in.origin.first_seconds; },
      [](Ingredients& in) { ++in.record.segment_key; },
      [](Ingredients& in) { ++in.record.begin.offset; },
      [](Ingredients& in) { ++in.record.end.offset; },
      [](Ingredients& in) { ++in.record.end.segment; },
      [](Ingredients& in) { ++in.record.content.low; },
      [](Ingredients& in) { ++in.record.content.high; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Ingredients in;
    changes[i](in);
    EXPECT_NE(in.Id(), id) << i;
  }
}

TEST(DocumentId, DoesNotDependOnWhatElseTheAgentKnows) {
  Ingredients in;
  in.record.begin.segment = in.record.end.segment = 0;
  in.record.body = "rewritten";
  in.record.kind = BodyKind::kJsonMembers;
  in.record.cut = in.record.boundary = true;
  in.origin.path = "/elsewhere";
  in.origin.pod.pod_name = "x";
  EXPECT_EQ(in.Id(), Ingredients().Id());
}

TEST(DocumentId, NewerLogsSortBehindOlderOnes) {
  std::string before;
  for (const uint32_t seconds : {0u, 1u, 62u, 63u, 64u, 1767323045u, 1767323046u, 4294967295u}) {
    Ingredients in;
    in.origin.first_seconds = seconds;
    EXPECT_LT(before, in.Id().substr(0, 6));
    before = in.Id().substr(0, 6);
  }
}

}  // namespace
}  // namespace hinomi
