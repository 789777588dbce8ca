#include "shipper/sink/setup_answer.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(SetupAnswer, TellsWhoseItIs) {
  const struct {
    const char* body;
    Owner want;
  } kCases[] = {
      {"", Owner::kNobody},
      {"hello", Owner::kNobody},
      {"\"managed_by\"", Owner::kNobody},
      {"7", Owner::kNobody},
      {"{}", Owner::kNobody},
      {R"({"acknowledged":true})", Owner::kNobody},
      {R"({"index_templates":[]})", Owner::kNobody},
      {R"({"index_templates":[{"name":"x","index_template":{}}]})", Owner::kOther},
      {R"({"index_templates":[{"name":"x","index_template":{"_meta":{"managed_by":"fleet"}}}]})",
       Owner::kOther},
      {R"({"index_templates":[{"name":"x","index_template":{"_meta":{"managed_by":"hinomi"}}}]})",
       Owner::kHinomi},
      {R"({"component_templates":[{"component_template":{"_meta":{"managed_by":"hinomi"}}}]})",
       Owner::kHinomi},
      {R"({"component_templates":[{"component_template":{"template":{}}}]})", Owner::kOther},
      {R"({"x":{"version":3,"policy":{"phases":{},"_meta":{"managed_by":"hinomi"}}}})",
       Owner::kHinomi},
      {R"({"x":{"version":3,"policy":{"phases":{}}}})", Owner::kOther},
      {R"({"_id":"x","policy":{"description":"Managed by hinomi: y","states":[]}})",
       Owner::kHinomi},
      {R"({"_id":"x","policy":{"description":"hot to cold"}})", Owner::kOther},
      {R"({"_id":"x","policy":{"description":"Managed by hinomi)", Owner::kNobody},
  };
  for (const auto& [body, want] : kCases) EXPECT_EQ(ParseSetupAnswer(body).owner, want) << body;
}

TEST(SetupAnswer, TellsWhichVersionItIs) {
  const SetupAnswer answer =
      ParseSetupAnswer(R"({"_seq_no":7,"_primary_term":2,"policy":{"_seq_no":9}})");
  EXPECT_EQ(answer.sequence_number, 7);
  EXPECT_EQ(answer.primary_term, 2);
  for (const char* body : {R"({"_seq_no":-1})", R"({"_seq_no":1e300})", R"({"_seq_no":"7"})"}) {
    EXPECT_EQ(ParseSetupAnswer(body).sequence_number, std::nullopt) << body;
  }
}

}  // namespace
}  // namespace hinomi
