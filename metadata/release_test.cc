#include "metadata/release.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(Release, TagOfAnImage) {
  const struct {
    std::string_view image, tag;
  } kCases[] = {
      {"koudaiii/demo:master-fc598063", "master-fc598063"},
      {"registry.example:5000/team/demo:v1@sha256:00", "v1"},
      {"registry.example:5000/team/demo", ""},
      {"registry.example:5000/team/demo@sha256:00", ""},
      {"demo", ""},
      {"sha256:00", "00"},
      {"", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(TagOf(c.image), c.tag) << c.image;
}

TEST(Release, IsToldByTheTag) {
  const ReleasePattern pattern("^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$");
  EXPECT_EQ(pattern.Of("koudaiii/demo:master-fc598063", ""), (Release{"master", "fc598063"}));
  EXPECT_EQ(pattern.Of("koudaiii/demo:a-b-fc598063", ""), (Release{"a-b", "fc598063"}));
  for (const char* image : {"", "demo", "demo:latest", "demo:master-fc59806g", "demo@sha256:00"}) {
    EXPECT_EQ(pattern.Of(image, ""), (Release{"unknown", "unknown"})) << image;
  }
}

TEST(Release, TheImagesLabelKnowsTheCommitBest) {
  const ReleasePattern pattern("^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$");
  EXPECT_EQ(pattern.Of("demo:master-fc598063", "fc59806333"), (Release{"master", "fc59806333"}));
  EXPECT_EQ(pattern.Of("demo:latest", "fc59806333"), (Release{"unknown", "fc59806333"}));
  EXPECT_EQ(ReleasePattern("").Of("demo:master-fc598063", "fc59806333"),
            (Release{"unknown", "fc59806333"}));
}

TEST(Release, NobodyHasSaidHowToTell) {
  EXPECT_EQ(ReleasePattern("").Of("demo:master-fc598063", ""), std::nullopt);
}

}  // namespace
}  // namespace hinomi
