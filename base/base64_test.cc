#include "base/base64.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(Base64, OfTheRfc) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"},
                                                       {"\xfb\xff\xbf", "+/+/"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(ToBase64(bytes), text) << bytes;
    EXPECT_EQ(FromBase64(text), bytes) << text;
  }
}

TEST(Base64, EndsAtWhatDoesNotBelongToIt) {
  EXPECT_EQ(FromBase64("Zm9v!Zm9v"), "foo");
  EXPECT_EQ(FromBase64("Zm9vZ"), "foo");
  EXPECT_EQ(FromBase64(std::string("Zm9v\0Zm9v", 9)), "foo");
}

TEST(Base64, OfEveryByte) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  EXPECT_EQ(FromBase64(ToBase64(bytes)), bytes);
}

}  // namespace
}  // namespace hinomi
