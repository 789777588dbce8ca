#include "collector/node/textfile_format.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hinomi {
namespace {

TEST(TextfileFormat, Parses) {
  const Result<Textfile> file = ParseTextfile(
      "# HELP backup_seconds How long\\nit \\\\ took.\n"
      "# TYPE backup_seconds gauge\n"
      "\n"
      "# just a comment\n"
      "backup_seconds{b=\"2\", a = \"x\\\"\\\\\\ny}\",} 1.5e3\n"
      "  backup_seconds\t+Inf  \n"
      "plain:name -2\n"
      "# TYPE nobody counter\n");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->families.size(), 2u);
  const TextFamily& backup = file->families.at("backup_seconds");
  EXPECT_EQ(backup.type, MetricType::kGauge);
  EXPECT_EQ(backup.help, "How long\nit \\ took.");
  ASSERT_EQ(backup.samples.size(), 2u);
  EXPECT_EQ(backup.samples[0].labels, "a=\"x\\\"\\\\\\ny}\",b=\"2\"");
  EXPECT_EQ(backup.samples[0].value, 1500);
  EXPECT_TRUE(std::isinf(backup.samples[1].value));
  EXPECT_EQ(file->families.at("plain:name").type, MetricType::kUntyped);
}

TEST(TextfileFormat, KnowsHistogramsAndSummaries) {
  const Result<Textfile> file = ParseTextfile(
      "# TYPE h histogram\n"
      "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
      "# TYPE s summary\n"
      "s{quantile=\"0.9\"} 1\ns_sum 2\ns_count 3\ns_bucket 4\n");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->families.size(), 3u);
  const auto& samples = file->families.at("h").samples;
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples[0].suffix, "_bucket");
  EXPECT_EQ(samples[3].suffix, "_count");
  EXPECT_EQ(file->families.at("s").samples.size(), 3u);
  EXPECT_EQ(file->families.at("s_bucket").type, MetricType::kUntyped);
}

TEST(TextfileFormat, ParsesNumbers) {
  const auto value = [](const std::string& word) {
    const Result<Textfile> file = ParseTextfile("x " + word + "\n");
    return file ? file->families.at("x").samples[0].value : -12345;
  };
  EXPECT_EQ(value("0"), 0);
  EXPECT_EQ(value("+1.5"), 1.5);
  EXPECT_EQ(value("-1e-3"), -0.001);
  EXPECT_EQ(value("-Inf"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(value("NaN")));
  for (const char* word : {"", "+", "+-1", "1,5", "0x10", "1e999", "nan(1)", "one", "1_000"}) {
    EXPECT_EQ(value(word), -12345) << word;
  }
}

TEST(TextfileFormat, RefusesWhatPrometheusRefuses) {
  for (const char* text : {
           "x 1",                  // may be half of a line
           "x 1 1795293361000\n",  // a timestamp
           "x\n",
           "1x 2\n",
           "x-y 1\n",
           "{a=\"b\"} 1\n",
           "x{a=\"b\" 1\n",
           "x{a=b} 1\n",
           "x{a=\"b} 1\n",
           "x{a=\"\\t\"} 1\n",
           "x{1a=\"b\"} 1\n",
           "x{a:b=\"c\"} 1\n",
           "x{,} 1\n",
           "x{a=\"b\"c=\"d\"} 1\n",
           "x{__name__=\"y\"} 1\n",
           "x{a=\"1\",a=\"2\"} 1\n",
           "x 1\nx 2\n",  // a series that comes twice
           "x{a=\"1\",b=\"2\"} 1\nx{b=\"2\",a=\"1\"} 1\n",
           "# TYPE x gauge\n# TYPE x gauge\nx 1\n",
           "x 1\n# TYPE x gauge\n",
           "# HELP x a\n# HELP x b\nx 1\n",
           "# HELP x \\t\n",
           "# TYPE x-y gauge\n",
           "# TYPE x lines\n",
           "# TYPE x\tgauge \n",
           "# TYPE h histogram\nh 1\n",
           "# TYPE h histogram\nh_bucket 1\n",
           "# TYPE h histogram\nh_bucket{le=\"x\"} 1\n",
           "# TYPE s summary\ns 1\n",
       }) {
    EXPECT_FALSE(ParseTextfile(text)) << text;
  }
  for (const char* text : {"", "\n", "#\n", "# HELP\n", "# TYPE x gauge\n",
                           "#TYPE x COUNTER\nx 1\n", "x{} 1\n", "# EOF\n"}) {
    EXPECT_TRUE(ParseTextfile(text)) << text;
  }
  EXPECT_EQ(ParseTextfile("x 1\ny z\n").error().message,
            "cannot read \"line 2\": a value that is no number");
}

TEST(TextfileFormat, MergesFamilies) {
  const auto parse = [](const char* text) { return std::move(*ParseTextfile(text)); };
  Textfile all = parse("# HELP x First.\n# TYPE x gauge\nx{a=\"1\"} 1\n");
  EXPECT_TRUE(MergeTextfile(parse("# HELP x Second.\n# TYPE x gauge\nx{a=\"2\"} 1\ny 1\n"), &all));
  EXPECT_EQ(all.families.size(), 2u);
  EXPECT_EQ(all.families.at("x").help, "First.");
  EXPECT_EQ(all.families.at("x").samples.size(), 2u);
  EXPECT_FALSE(MergeTextfile(parse("# TYPE z gauge\nz 1\nx{a=\"3\"} 1\n"), &all)) << "untyped";
  EXPECT_FALSE(MergeTextfile(parse("z 1\n# TYPE x gauge\nx{a=\"2\"} 1\n"), &all)) << "it is there";
  EXPECT_EQ(all.families.size(), 2u);
  EXPECT_EQ(all.series.size(), 3u);
}

}  // namespace
}  // namespace hinomi
