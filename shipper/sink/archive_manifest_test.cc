#include "shipper/sink/archive_manifest.h"

#include <gmock/gmock.h>

#include "shipper/sink/archive_fixture.h"

namespace hinomi {
namespace {

constexpr int64_t kSeven = 498679;
const std::string kSum(64, 'a');

TEST(ArchiveManifest, IsWhatWasWritten) {
  const ArchiveManifest manifest = {
      {"prod/web-0/main/2026-11-21/07.ndjson.zst", {345, 12, kSum}},
      {"prod/web-0/\"odd\\/2026-11-21/07.damaged-1.log.zst", {1ull << 40, {}, kSum}},
  };
  const std::string text = EncodeArchiveManifest(manifest);
  EXPECT_THAT(text, ::testing::HasSubstr(
                        "{\"file\":\"prod/web-0/main/2026-11-21/07.ndjson.zst\",\"lines\":12,"
                        "\"bytes\":345,\"sha256\":\"" +
                        kSum + "\"}\n"));
  EXPECT_EQ(*ParseArchiveManifest(text, kSeven), manifest);
  EXPECT_TRUE(ParseArchiveManifest("", kSeven)->empty());
}

// What it names may be removed: nothing else may be named.
TEST(ArchiveManifest, RefusesWhatCannotBeOne) {
  const auto entry = [](std::string_view file, std::string_view rest) {
    return fmt::format("{{\"file\":\"{}\"{}}}\n", file, rest);
  };
  const std::string good = fmt::format(",\"bytes\":1,\"sha256\":\"{}\"", kSum);
  const std::string file = "prod/web-0/main/2026-11-21/07.ndjson.zst";
  ASSERT_TRUE(ParseArchiveManifest(entry(file, good), kSeven));
  EXPECT_FALSE(ParseArchiveManifest(entry(file, good), kSeven + 1)) << "of another hour";
  for (const char* path :
       {"../web-0/main/2026-11-21/07.ndjson.zst", "/web-0/main/2026-11-21/07.ndjson.zst",
        "prod/../main/2026-11-21/07.ndjson.zst", "prod/main/2026-11-21/07.ndjson.zst",
        "a/prod/web-0/main/2026-11-21/07.ndjson.zst", "prod/web-0/main/2026-11-21/07.txt",
        "prod/web-0/main/2026-11-21/07.ndjson.zst/", "prod/web-0/main/2026-11-21", "",
        "prod/web-0/main/2026-11-21/07.ndjson.zst.partial"}) {
    EXPECT_FALSE(ParseArchiveManifest(entry(path, good), kSeven)) << path;
  }
  for (const char* rest : {"", ",\"bytes\":1", ",\"bytes\":1,\"sha256\":\"aa\"", ",\"bytes\":\"1\"",
                           ",\"bytes\":-1"}) {
    EXPECT_FALSE(ParseArchiveManifest(entry(file, rest), kSeven)) << rest;
  }
  EXPECT_FALSE(ParseArchiveManifest(entry(file, good) + entry(file, good), kSeven)) << "twice";
  EXPECT_FALSE(ParseArchiveManifest(entry(file, good) + "{", kSeven));
  EXPECT_FALSE(ParseArchiveManifest(entry(file, good) + std::string(10, '\0'), kSeven));
}

TEST(ArchiveManifest, IsKnownByItsName) {
  EXPECT_EQ(ArchiveManifestPath(kSeven), ".manifests/2026-11-21/07.ndjson");
  EXPECT_EQ(ParseArchiveManifestName("2026-11-21", "07.ndjson"), kSeven);
  for (const char* name : {"07.ndjson.damaged", "07", "24.ndjson", "07.x.ndjson", "07.log"}) {
    EXPECT_FALSE(ParseArchiveManifestName("2026-11-21", name)) << name;
  }
}

}  // namespace
}  // namespace hinomi
