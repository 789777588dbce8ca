#include "collector/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hinomi {
namespace {

constexpr MetricInfo kReads = {"disk_reads_total", MetricType::kCounter, "", "device", "",
                               "Reads of a\ndisk."};
constexpr MetricInfo kFaults = {"vm_*", MetricType::kUntyped, "", "", "", "A counter of pages."};
constexpr MetricInfo kHidden = {
    "hidden_bytes", MetricType::kGauge, "bytes", "", "", "Not of the default set.", false};
constexpr uint64_t kMany = 1'000'000;

MetricFilter Filter(const std::vector<std::string>& include = {},
                    const std::vector<std::string>& exclude = {}) {
  return std::move(*MetricFilter::Make(include, exclude));
}

std::string Labelled(std::string_view value) {
  std::string labels;
  AppendLabel(&labels, "name", value);
  return labels;
}

std::string Number(double value) {
  std::string text;
  AppendNumber(&text, value);
  return text;
}

TEST(Exposition, WritesFamiliesAsText) {
  const MetricFilter filter = Filter();
  Exposition out(ExpositionFormat::kText, filter, kMany);
  ASSERT_TRUE(out.Begin(kReads));
  out.Row({{"device", "sda"}}, 12);
  out.Row(Labelled("b"), 0.5);
  ASSERT_TRUE(out.Begin(kFaults, "vm_pgfault"));
  out.Row(7);
  EXPECT_EQ(out.Finish(),
            "# HELP disk_reads_total Reads of a\\ndisk.\n"
            "# TYPE disk_reads_total counter\n"
            "disk_reads_total{device=\"sda\"} 12\n"
            "disk_reads_total{name=\"b\"} 0.5\n"
            "# HELP vm_pgfault A counter of pages.\n"
            "# TYPE vm_pgfault untyped\n"
            "vm_pgfault 7\n");
}

TEST(Exposition, WritesFamiliesAsOpenMetrics) {
  const MetricFilter filter = Filter();
  Exposition out(ExpositionFormat::kOpenMetrics, filter, kMany);
  ASSERT_TRUE(out.Begin(kReads));
  out.Row(1);
  ASSERT_TRUE(out.Begin(kFaults, "vm_pgfault"));
  out.Row(7);
  EXPECT_EQ(out.Finish(),
            "# HELP disk_reads Reads of a\\ndisk.\n"
            "# TYPE disk_reads counter\n"
            "disk_reads_total 1\n"
            "# HELP vm_pgfault A counter of pages.\n"
            "# TYPE vm_pgfault unknown\n"
            "vm_pgfault 7\n"
            "# EOF\n");
}

TEST(Exposition, WritesRowsOfHistograms) {
  constexpr MetricInfo kWaits = {"waits", MetricType::kHistogram, "", "", "", "Waits."};
  const MetricFilter filter = Filter();
  Exposition out(ExpositionFormat::kText, filter, kMany);
  ASSERT_TRUE(out.Begin(kWaits));
  out.RowOf("_bucket", "le=\"+Inf\"", 2);
  out.RowOf("_count", {}, 2);
  EXPECT_EQ(out.Finish(),
            "# HELP waits Waits.\n"
            "# TYPE waits histogram\n"
            "waits_bucket{le=\"+Inf\"} 2\n"
            "waits_count 2\n");
}

TEST(Exposition, AFamilyWithoutRowsIsNotThere) {
  const MetricFilter filter = Filter();
  Exposition out(ExpositionFormat::kText, filter, kMany);
  ASSERT_TRUE(out.Begin(kReads));
  EXPECT_EQ(out.Finish(), "");
}

TEST(Exposition, EscapesValuesOfLabels) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"plain", "name=\"plain\""},
      {"", "name=\"\""},
      {"a\"b\\c\nd", "name=\"a\\\"b\\\\c\\nd\""},
      {"火の見", "name=\"火の見\""},
      {"a\xFF"
       "b",
       "name=\"a\xEF\xBF\xBD"
       "b\""},
      {"\xE7\x81", "name=\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                  // cut short
      {"\xC0\x80", "name=\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                  // overlong
      {"\xED\xA0\x80", "name=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},  // a surrogate
      {"\xF0\x9F\x94\xA5", "name=\"\xF0\x9F\x94\xA5\""},
      {"\xF4\x90\x80\x80", "name=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  for (const auto& [value, want] : cases) EXPECT_EQ(Labelled(value), want);
}

TEST(Exposition, WritesNumbers) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(-3), "-3");
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(9007199254740991), "9007199254740991");
  EXPECT_EQ(std::stod(Number(1.8446744073709552e19)), 1.8446744073709552e19);
  EXPECT_EQ(Number(std::nan("")), "NaN");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(Number(-std::numeric_limits<double>::infinity()), "-Inf");
}

TEST(Exposition, ServesWhatIsIncludedAndNotExcluded) {
  const auto serves = [](const MetricFilter& filter, const MetricInfo& metric,
                         std::string_view name) { return filter.Serves("disk", metric, name); };
  EXPECT_TRUE(serves(Filter(), kReads, kReads.name));
  EXPECT_FALSE(serves(Filter(), kHidden, kHidden.name));
  EXPECT_TRUE(serves(Filter({"hidden_.*"}), kHidden, kHidden.name));
  EXPECT_TRUE(serves(Filter({"disk"}), kHidden, kHidden.name));
  EXPECT_FALSE(serves(Filter({"hidden"}), kHidden, kHidden.name)) << "not the whole name";
  EXPECT_FALSE(serves(Filter({".*"}, {"hidden_bytes"}), kHidden, kHidden.name));
  EXPECT_FALSE(serves(Filter({}, {"disk"}), kReads, kReads.name));
  EXPECT_FALSE(serves(Filter({}, {"vm_pgf.*"}), kFaults, "vm_pgfault"));
  EXPECT_TRUE(serves(Filter({}, {"vm_pgf.*"}), kFaults, "vm_oom_kill"));
  EXPECT_TRUE(Filter({}, {"vm_pgf.*"}).MayServe("vm", kFaults));
  EXPECT_FALSE(Filter({}, {"vm"}).MayServe("vm", kFaults));
}

TEST(Exposition, CountsWhatIsBeyondTheLimit) {
  const MetricFilter filter = Filter();
  Exposition out(ExpositionFormat::kText, filter, 2);
  ASSERT_TRUE(out.Begin(kReads));
  for (const char* device : {"a", "b", "c", "d"}) out.Row({{"device", device}}, 1);
  EXPECT_EQ(out.series(), 2U);
  EXPECT_EQ(out.truncated(), 2U);
}

TEST(Exposition, GoesBackToAMark) {
  const MetricFilter filter = Filter();
  Exposition out(ExpositionFormat::kText, filter, kMany);
  out.Single(kReads, 1);
  const Exposition::Mark mark = out.Here();
  ASSERT_TRUE(out.Begin(kFaults, "vm_pgfault"));
  out.Row(7);
  EXPECT_TRUE(out.Has("vm_pgfault"));
  out.GoBack(mark);
  EXPECT_FALSE(out.Has("vm_pgfault"));
  EXPECT_TRUE(out.Has("disk_reads_total"));
  EXPECT_EQ(out.series(), 1U);
  EXPECT_EQ(out.Finish(),
            "# HELP disk_reads_total Reads of a\\ndisk.\n# TYPE disk_reads_total counter\n"
            "disk_reads_total 1\n");
}

TEST(Exposition, ChoosesTheFormatThatIsAskedFor) {
  EXPECT_EQ(ChooseFormat(""), ExpositionFormat::kText);
  EXPECT_EQ(ChooseFormat("text/html,*/*"), ExpositionFormat::kText);
  EXPECT_EQ(ChooseFormat("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            ExpositionFormat::kOpenMetrics);
}

}  // namespace
}  // namespace hinomi
