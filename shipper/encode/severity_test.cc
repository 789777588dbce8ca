#include "shipper/encode/severity.h"

#include <gtest/gtest.h>

#include <string>

namespace hinomi {
namespace {

TEST(Severity, OfABody) {
  const struct {
    std::string_view body;
    std::string_view text;
    uint32_t number;
  } kCases[] = {
      {R"({"level":"info","msg":"a"})", "info", 9},
      {R"({"ts":1.5,"nested":{"level":"error","a":["}",{}]},"msg":"\"level\":\\","level":"WARN"})",
       "WARN", 13},
      {R"(  { "Severity" : "Notice" })", "Notice", 10},
      {R"({"log.level":"ERROR"})", "ERROR", 17},
      {R"({"level":"debug","severity":"error"})", "debug", 5},
      {R"({"@timestamp":"x","log_level":"trace"})", "trace", 1},
      {R"({"level":"CRITICAL"})", "CRITICAL", 21},
      {R"({"lvl":"crit"})", "crit", 18},
      {R"({"level":10})", "10", 1},
      {R"({"level":30,"time":1})", "30", 9},
      {R"({"level":60})", "60", 21},
      {R"({"level":70})", "70", 0},
      {R"({"level":3})", "3", 0},
      {R"({"level":"audit"})", "audit", 0},
      {R"({"level":"info)", "", 0},
      {R"({"level":"in\u0066o"})", "", 0},
      {R"({"level":null})", "", 0},
      {R"({"level":{"name":"info"}})", "", 0},
      {R"({"level":"caf\xe9"})", "", 0},
      {"{\"level\":\"caf\xc3\xa9\"}", "", 0},
      {R"({"level":"longer than any severity"})", "", 0},
      {R"({"l":"info"})", "", 0},
      {R"({"levels":"info"})", "", 0},
      {R"({"a":1)", "", 0},
      {R"({"a")", "", 0},
      {R"({"a\)", "", 0},
      {"{", "", 0},
      {"{}", "", 0},
      {" ", "", 0},
      {"", "", 0},
      {R"("level":"info")", "", 0},
      {R"([{"level":"info"}])", "", 0},
      {"level=info", "", 0},
  };
  for (const auto& [body, text, number] : kCases) {
    const Severity severity = SeverityOf(body);
    EXPECT_EQ(severity.text, text) << body;
    EXPECT_EQ(severity.number, number) << body;
  }
}

TEST(Severity, IsLookedForAtTheBeginningOnly) {
  const std::string behind =
      R"({"a":")" + std::string(kSeverityWithin, 'x') + R"(","level":"info"})";
  EXPECT_EQ(SeverityOf(behind).text, "");
}

}  // namespace
}  // namespace hinomi
