#include "shipper/encode/index_name.h"

#include <gtest/gtest.h>

#include "config/text.h"

namespace hinomi {
namespace {

PodInfo Pod(const std::string& namespace_name = "shop") {
  PodInfo pod;
  pod.namespace_name = namespace_name;
  pod.pod_name = "cart-0";
  pod.container_name = "app";
  return pod;
}

std::string IndexAt(const std::string& index, std::string_view time, const std::string& zone) {
  const IndexNames names(index, "Prod", zone);
  const PodInfo pod = Pod();
  LeaseIndex lease;
  lease.Begin(names, pod);
  return std::string(lease.At(time));
}

TEST(IndexNames, AreFilledIn) {
  const struct {
    const char *index, *time, *zone, *want;
  } kCases[] = {
      {"", "2026-11-22T00:00:00Z", "UTC", ""},
      {"logs-app-default", "2026-11-22T00:00:00Z", "UTC", ""},
      {"logs-{namespace}-default", "2026-11-22T00:00:00Z", "UTC", "logs-shop-default"},
      {"a.{cluster}.{pod}.{container}", "2026-11-22T00:00:00Z", "UTC", "a.prod.cart-0.app"},
      {"a-{year}.{month}.{day}", "2026-01-02T03:04:05.6Z", "UTC", "a-2026.01.02"},
      {"a-{year}{month}-b", "2026-01-02T03:04:05Z", "UTC", "a-202601-b"},
      // The day is that of the zone, whatever offset the time is written with.
      {"a-{day}", "2026-11-22T14:59:59.999999999Z", "Asia/Tokyo", "a-22"},
      {"a-{day}", "2026-11-22T15:00:00Z", "Asia/Tokyo", "a-23"},
      {"a-{day}", "2026-11-22T23:59:59+09:00", "Asia/Tokyo", "a-22"},
      {"a-{day}", "2026-11-23T00:00:00+09:00", "Asia/Tokyo", "a-23"},
      {"a-{day}", "2026-11-23T00:00:00+09:00", "UTC", "a-22"},
      {"a-{year}.{month}.{day}", "2026-12-31T15:00:00Z", "Asia/Tokyo", "a-2027.01.01"},
      // Summer time begins on the 8th of March and ends on the 1st of November.
      {"a-{day}", "2026-03-08T04:59:59Z", "America/New_York", "a-07"},
      {"a-{day}", "2026-03-09T03:59:59Z", "America/New_York", "a-08"},
      {"a-{day}", "2026-11-01T04:00:00Z", "America/New_York", "a-01"},
      {"a-{day}", "2026-11-02T04:59:59Z", "America/New_York", "a-01"},
      {"a-{day}", "2026-11-02T05:00:00Z", "America/New_York", "a-02"},
      {"a-{year}", "1969-12-31T23:59:59.5Z", "UTC", "a-1969"},
  };
  for (const auto& [index, time, zone, want] : kCases) {
    EXPECT_EQ(IndexAt(index, time, zone), want) << index << " " << time;
  }
}

TEST(IndexNames, AreAlwaysOnesThatElasticsearchTakes) {
  const IndexNames names("logs-{namespace}", "", "UTC");
  EXPECT_EQ(names.Of(Pod(""), {}), "logs-_");
  EXPECT_EQ(names.Of(Pod("Größe/1 \"x\",*?#:<|>\\"), {}), "logs-gr____e_1__x__________");
  EXPECT_EQ(names.Of(Pod(std::string(300, 'n')), {}), "logs-" + std::string(63, 'n'));
  const std::string longest = std::string(251, 'a') + "{year}";
  ASSERT_EQ(CheckIndex(longest), "");
  EXPECT_EQ(IndexAt(longest, "2026-01-02T03:04:05Z", "UTC").size(), 255u);
  for (const char* odd : {"..", "A b", "\x7f", "\xff"}) {
    EXPECT_EQ(CheckIndex(names.Of(Pod(odd), {})), "") << odd;
  }
}

TEST(LeaseIndex, FollowsTheRecordsOverDaysInAnyOrder) {
  const IndexNames names("{}-{namespace}-{day}", "", "Asia/Tokyo");
  const PodInfo shop = Pod(), bank = Pod("bank");
  LeaseIndex lease;
  lease.Begin(names, shop);
  EXPECT_EQ(lease.At("2026-11-22T14:59:59.999Z"), "_-shop-22");
  EXPECT_EQ(lease.At("2026-11-22T15:00:00.000Z"), "_-shop-23");
  EXPECT_EQ(lease.At("2026-11-22T14:59:59Z"), "_-shop-22");
  EXPECT_EQ(lease.At("2026-11-21T15:00:00Z"), "_-shop-22");
  lease.Begin(names, bank);
  EXPECT_EQ(lease.At("2026-11-21T15:00:00Z"), "_-bank-22");
}

}  // namespace
}  // namespace hinomi
