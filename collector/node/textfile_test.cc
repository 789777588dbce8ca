#include "collector/node/textfile.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "collector/node/test_host.h"

namespace hinomi {
namespace {

class TextfileTest : public testing::Test {
 protected:
  void SetUp() override { host_.config.textfile_directory = "/textfiles"; }
  // A file that was last changed long ago.
  void Write(const std::string& name, const std::string& text) {
    host_.Write("/textfiles/" + name, text);
    const timespec times[] = {{12, 0}, {12, 0}};
    utimensat(AT_FDCWD, (host_.root() + "/textfiles/" + name).c_str(), times, 0);
  }
  std::string Rows() { return host_.Rows(MakeTextfile); }

  TestHost host_;
};

TEST_F(TextfileTest, MergesFiles) {
  Write("b.prom", "# TYPE x counter\nx{f=\"b\"} 2\n");
  Write("a.prom", "# TYPE x counter\nx{f=\"a\"} 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0\n");
  Write("c.prom.tmp", "half of a");
  EXPECT_EQ(Rows(),
            "h_bucket{le=\"+Inf\"} 0\n"
            "x{f=\"a\"} 1\n"
            "x{f=\"b\"} 2\n"
            "node_textfile_mtime_seconds{file=\"/textfiles/a.prom\"} 12\n"
            "node_textfile_mtime_seconds{file=\"/textfiles/b.prom\"} 12\n"
            "node_textfile_scrape_error 0\n");
}

TEST_F(TextfileTest, AFileThatIsDamagedCostsItsOwnRows) {
  Write("a.prom", "x{f=\"a\"} 1\n");
  Write("b.prom", "y 1\nx{f=\"b\" 2\n");
  Write("c.prom", "# TYPE x gauge\nx{f=\"c\"} 3\n");
  Write("d.prom", "node_textfile_scrape_error 0\n");
  Write("e.prom", std::string(Host::kFileBytesMax + 1, '\n'));
  Write("f.prom/g", "a directory");
  EXPECT_EQ(Rows(),
            "x{f=\"a\"} 1\n"
            "node_textfile_mtime_seconds{file=\"/textfiles/a.prom\"} 12\n"
            "node_textfile_scrape_error 1\n");
}

TEST_F(TextfileTest, WhatOthersServeIsRefused) {
  Write("a.prom", "node_load1 1\n");
  Write("b.prom", "y 1\n");
  const MetricFilter filter = std::move(*MetricFilter::Make({}, {}));
  Exposition out(ExpositionFormat::kText, filter, 100);
  static constexpr MetricInfo kLoad = {"node_load1", MetricType::kGauge, "", "", "", "Load."};
  out.Single(kLoad, 7);
  ASSERT_TRUE(MakeTextfile(host_.parts())->Collect(out));
  const std::string text = out.Finish();
  EXPECT_EQ(text.find("node_load1 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# HELP y Metric read from /textfiles/b.prom\n# TYPE y untyped\ny 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("node_textfile_scrape_error 1\n"), std::string::npos) << text;
}

TEST_F(TextfileTest, NoDirectory) {
  EXPECT_EQ(Rows(), "node_textfile_scrape_error 1\n") << "it should be there";
  host_.config.textfile_directory = "";
  EXPECT_EQ(Rows(), "node_textfile_scrape_error 0\n") << "none is wanted";
}

}  // namespace
}  // namespace hinomi
