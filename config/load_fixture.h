// What tests of loading share.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace hinomi {

inline Loaded Load(std::string_view text, LoadOptions options = {}) {
  options.path = "config.yaml";
  options.host_name = "host-1";
  return LoadConfigText(text, options);
}

struct ErrorCase {
  std::string text;
  std::vector<std::string> want;
};

inline void ExpectErrors(const std::vector<ErrorCase>& cases) {
  for (const ErrorCase& test : cases) {
    EXPECT_THAT(Load(test.text).errors, testing::ElementsAreArray(test.want)) << test.text;
  }
}

}  // namespace hinomi
