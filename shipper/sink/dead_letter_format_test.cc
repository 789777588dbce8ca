#include "shipper/sink/dead_letter_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hinomi {
namespace {

using testing::HasSubstr;

DeadLetter Letter() {
  DeadLetter letter;
  letter.time = "2026-01-01T00:00:00.123Z";
  letter.sink = "search";
  letter.route = "prod";
  letter.type = "document_parsing_exception";
  letter.reason = "no \"number\"";
  letter.format = "bulk";
  letter.origin.pod.namespace_name = "shop";
  letter.origin.pod.pod_name = "web-1";
  letter.origin.pod.pod_uid = "uid";
  letter.origin.pod.container_name = "nginx";
  letter.origin.path = "/var/log/pods/x/0.log";
  letter.origin.log_hash = 0xfedcba9876543210;
  letter.ranges = {{3, 0x1122334455667788, 4096, 4100}, {4, 0, 0, 77}};
  letter.record = "{\"create\":{}}\n{\"m\":\"\\u0001 \t é\"}\n";
  return letter;
}

// What was written of `line`, read again and written anew.
std::string Again(std::string line) {
  line.pop_back();
  const Result<DeadLetter> letter = ParseDeadLetter(line);
  return letter ? EncodeDeadLetter(*letter) : letter.error().message;
}

TEST(DeadLetterFormat, IsAsDescribed) {
  EXPECT_EQ(EncodeDeadLetter(Letter()),
            R"({"version":2,"time":"2026-01-01T00:00:00.123Z","sink":"search","route":"prod",)"
            R"("type":"document_parsing_exception","reason":"no \"number\"","namespace":"shop",)"
            R"("pod":"web-1","pod_uid":"uid","container":"nginx","log":"/var/log/pods/x/0.log",)"
            R"("log_key":"fedcba9876543210","ranges":[{"segment":3,"key":"1122334455667788",)"
            R"("begin":4096,"end":4100},{"segment":4,"begin":0,"end":77}],"format":"bulk",)"
            R"("record":"{\"create\":{}}\n{\"m\":\"\\u0001 \u0009 é\"}\n"})"
            "\n");
}

TEST(DeadLetterFormat, IsReadAsItWasWritten) {
  const std::string line = EncodeDeadLetter(Letter());
  EXPECT_EQ(Again(line), line);
  const Result<DeadLetter> letter = ParseDeadLetter(line.substr(0, line.size() - 1));
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->record, Letter().record);
  EXPECT_EQ(letter->origin.log_hash, Letter().origin.log_hash);
  ASSERT_EQ(letter->ranges.size(), 2u);
  EXPECT_EQ(letter->ranges[0].segment_key, 0x1122334455667788u);
  EXPECT_EQ(letter->ranges[1].end, 77u);
}

TEST(DeadLetterFormat, KeepsARecordOfAnyBytes) {
  DeadLetter letter = Letter();
  letter.format = "protobuf";
  letter.record = std::string("\x0a\x00\xff\xfe", 4);
  const std::string line = EncodeDeadLetter(letter);
  EXPECT_THAT(line, HasSubstr(R"("format":"protobuf","record_base64":"CgD//g=="})"));
  EXPECT_EQ(Again(line), line);
}

TEST(DeadLetterFormat, HoldsWhatItShows) {
  DeadLetter letter = Letter();
  letter.format = "otlp_json";
  letter.record = "{}";
  const struct {
    std::string encoded;
    const char* want;
  } kCases[] = {
      {std::string("\x0a\x00\x12\x01\xff", 5), ""},
      {std::string("\x0a\x00", 2), "encoded is no record of OTLP"},
      {std::string("\x0a\x00\x12\x02\xff", 5), "encoded is no record of OTLP"},
      {std::string("\x0a\x00\x12\x01\xff\x00", 6), "encoded is no record of OTLP"},
      {std::string("\x0a\x05\x12\x01\xff", 5), "encoded is no record of OTLP"},
      {std::string("\x08\x00\x12\x01\xff", 5), "encoded is no record of OTLP"},
      {std::string(20, '\xfa'), "encoded is no record of OTLP"},
  };
  for (const auto& [encoded, want] : kCases) {
    letter.encoded = encoded;
    const std::string line = EncodeDeadLetter(letter);
    EXPECT_THAT(line, HasSubstr(R"("format":"otlp_json","record":"{}","encoded":")"));
    EXPECT_EQ(Again(line), *want == '\0' ? line : want);
  }
}

TEST(DeadLetterFormat, CanBeReadWhateverTheNamesAre) {
  DeadLetter letter = Letter();
  letter.origin.path = "/var/log/\xff\xfe\"\n";
  const std::string line = EncodeDeadLetter(letter);
  EXPECT_THAT(line, HasSubstr(R"("log":"/var/log/??\"\n")"));
  EXPECT_EQ(Again(line), line);
}

TEST(DeadLetterFormat, ReadsTheFirstVersion) {
  const Result<DeadLetter> letter = ParseDeadLetter(
      R"({"time":"2026-01-01T00:00:00.123Z","sink":"search","route":"prod","type":"t",)"
      R"("reason":"r","namespace":"prod","pod":"web-1","pod_uid":"uid","container":"nginx",)"
      R"("log":"/x/0.log","segment":3,"offset":4096,"bytes":237,)"
      R"("record":"{\"create\":{\"_id\":\"a\"}}\n{}\n"})");
  ASSERT_TRUE(letter) << letter.error().message;
  EXPECT_EQ(letter->format, "bulk");
  EXPECT_EQ(letter->origin.pod.pod_name, "web-1");
  EXPECT_EQ(letter->origin.log_hash, 0u);
  ASSERT_EQ(letter->ranges.size(), 1u);
  EXPECT_EQ(letter->ranges[0].segment, 3u);
  EXPECT_EQ(letter->ranges[0].begin, 4096u);
  EXPECT_EQ(letter->ranges[0].end, 4333u);
  const Result<DeadLetter> document = ParseDeadLetter(
      R"({"time":"t","sink":"s","route":"r","type":"t","reason":"","record":"{\"m\":1}\n"})");
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->format, "json");
}

TEST(DeadLetterFormat, PassesOverWhatItDoesNotKnow) {
  std::string line = EncodeDeadLetter(Letter());
  line.insert(1, R"("later":{"ranges":[{"begin":9}],"sink":"other"},"again":[1,[2]],)");
  EXPECT_EQ(Again(line), EncodeDeadLetter(Letter()));
}

TEST(DeadLetterFormat, SaysWhatIsWrong) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string line = EncodeDeadLetter(Letter());
    line.replace(line.find(from), from.size(), to);
    return Again(line);
  };
  EXPECT_EQ(with("\"version\":2", "\"version\":3"), "version 3 is of a later hinomi");
  EXPECT_EQ(with("\"sink\"", "\"drain\""), "sink is missing");
  EXPECT_EQ(with("\"record\"", "\"words\""), "record is missing");
  EXPECT_EQ(with("\"record\"", "\"record_base64\""), "record_base64 is not base64");
  EXPECT_EQ(with("\"begin\":4096", "\"begin\":-1"), "a number is none of bytes");
  EXPECT_EQ(with("\"begin\":4096", "\"begin\":4101"), "a range ends before it begins");
  EXPECT_EQ(with("\"segment\":3", "\"segment\":4294967296"), "a number is none of bytes");
  EXPECT_EQ(with("fedcba9876543210", "fedcba987654321x"), "a key is not of hexadecimal digits");
  EXPECT_THAT(with("\"route\":\"prod\"", "\"route\":\"prod"), HasSubstr("At byte"));
}

}  // namespace
}  // namespace hinomi
