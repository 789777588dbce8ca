#include "shipper/sink/kafka_topic.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(KafkaTopic, FillsInWhoWroteTheRecord) {
  PodInfo pod;
  pod.namespace_name = "shop";
  pod.pod_name = "cart-0";
  pod.container_name = "app";
  const struct {
    std::string text, want;
  } kCases[] = {
      {"logs", "logs"},
      {"logs-{namespace}", "logs-shop"},
      {"{cluster}.{namespace}.{pod}.{container}", "a_b.shop.cart-0.app"},
      {"{pod}{pod}", "cart-0cart-0"},
  };
  for (const auto& [text, want] : kCases) EXPECT_EQ(KafkaTopic(text, "a b").Of(pod), want);
}

TEST(KafkaTopic, IsAlwaysANameThatKafkaTakes) {
  PodInfo pod;
  EXPECT_EQ(KafkaTopic("{namespace}", "").Of(pod), "_");
  pod.namespace_name = "..";
  EXPECT_EQ(KafkaTopic("{namespace}", "").Of(pod), ".._");
  pod.container_name = "größe/1";
  EXPECT_EQ(KafkaTopic("{container}", "").Of(pod), "gr____e_1");
  pod.pod_name = std::string(253, 'p');
  EXPECT_EQ(KafkaTopic("logs-{pod}", "").Of(pod).size(), 249u);
}

TEST(KafkaTopic, KnowsWhetherItIsOne) {
  for (const char* text : {"logs", "logs-{cluster}", "a{b"}) {
    EXPECT_TRUE(KafkaTopic(text, "c").IsOne()) << text;
  }
  for (const char* text : {"{namespace}", "a-{pod}", "{cluster}{container}"}) {
    EXPECT_FALSE(KafkaTopic(text, "c").IsOne()) << text;
  }
}

TEST(KafkaKey, IsWhatWasChosen) {
  Origin origin;
  origin.path = "/var/log/a.log";
  origin.pod.namespace_name = "shop";
  origin.pod.container_name = "app";
  EXPECT_EQ(KafkaKeyOf(origin, KafkaKey::kPod), "/var/log/a.log");
  EXPECT_EQ(KafkaKeyOf(origin, KafkaKey::kContainer), "/var/log/a.log");
  origin.pod.pod_uid = "uid";
  EXPECT_EQ(KafkaKeyOf(origin, KafkaKey::kPod), "uid");
  EXPECT_EQ(KafkaKeyOf(origin, KafkaKey::kContainer), "uid/app");
  EXPECT_EQ(KafkaKeyOf(origin, KafkaKey::kNamespace), "shop");
  EXPECT_EQ(KafkaKeyOf(origin, KafkaKey::kNone), "");
}

TEST(KafkaHeaders, FillInWhoWroteTheRecord) {
  PodInfo pod;
  pod.namespace_name = "shop";
  pod.pod_name = "cart-0";
  pod.container_name = "größe/1";
  const KafkaHeaders want = {{"at", "c d/n"}, {"by", "shop/cart-0/größe/1"}, {"team", "a}b{"}};
  EXPECT_EQ(
      KafkaHeadersOf(
          {{"team", "a}b{"}, {"at", "{cluster}/{node}"}, {"by", "{namespace}/{pod}/{container}"}},
          {"c d", "n"}, pod),
      want);
}

}  // namespace
}  // namespace hinomi
