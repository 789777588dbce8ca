#include "shipper/encode/escape.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace hinomi {
namespace {

std::string Escaped(std::string_view text) {
  std::string out = "x";
  AppendEscaped(text, &out);
  return out.substr(1);
}

TEST(AppendEscaped, Table) {
  const std::string kBad = "\xef\xbf\xbd";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"plain", "plain"},
      {"long enough for whole words", "long enough for whole words"},
      {"a\"b\\c/", "a\\\"b\\\\c/"},
      {"\n\r\t", "\\n\\r\\t"},
      {std::string("\0\x1f\x7f", 3), "\\u0000\\u001f\x7f"},
      {"\u00e9\u20ac\U0001f525", "\u00e9\u20ac\U0001f525"},
      {"a\xff"
       "b",
       "a" + kBad + "b"},
      {"\xe2\x82", kBad + kBad},
      {"\xe2\x82\xac\x80\"", "\u20ac" + kBad + "\\\""},
      {"\xc0\xaf", kBad + kBad},                        // overlong
      {"\xed\xa0\x80", kBad + kBad + kBad},             // a surrogate
      {"\xf4\x90\x80\x80", kBad + kBad + kBad + kBad},  // beyond U+10FFFF
      {"\xf0\x8f\xbf\xbf", kBad + kBad + kBad + kBad},
      {"\xe0\x9f\xbf", kBad + kBad + kBad},
      {"\xf5\x80\x80\x80", kBad + kBad + kBad + kBad},
      {"1234567\x80", "1234567" + kBad},
  };
  for (const auto& [text, want] : cases) EXPECT_EQ(Escaped(text), want);
}

TEST(AppendEscaped, EveryByteAtEveryPlaceOfAWord) {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t at = 0; at < 20; ++at) {
      std::string text(20, 'a');
      text[at] = static_cast<char>(byte);
      std::string want = text.substr(0, at) + Escaped({&text[at], 1}) + text.substr(at + 1);
      EXPECT_EQ(Escaped(text), want);
    }
  }
}

TEST(AppendEscaped, ParsesBack) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const bool valid = round % 2 == 0;
    for (size_t bytes = random() % 40; bytes > 0; --bytes) {
      text += valid ? std::vector<std::string>{"\"", "\\",     "\n",     std::string(1, '\0'),
                                               "a",  "\u00e9", "\u20ac", "\U0001f525"}[random() % 8]
                    : std::string(1, static_cast<char>(random() % 256));
    }
    const std::string json = "\"" + Escaped(text) + "\"";
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
    ASSERT_FALSE(document.HasParseError()) << json;
    if (!valid) continue;
    ASSERT_EQ(std::string(document.GetString(), document.GetStringLength()), text);
  }
}

}  // namespace
}  // namespace hinomi
