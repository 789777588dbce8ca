#include "shipper/sink/kafka_statistics.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include "base/metric_of.h"

namespace hinomi {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Broker(int number, const std::string& more) {
  return fmt::format(
      R"("k{0}:9092/{0}":{{"name":"k{0}:9092/{0}","nodeid":{0},"nodename":"k{0}:9092","source":"learned","state":"UP","stateage":5,{1}"rxidle":1}})",
      number, more);
}
std::string Text(const std::string& brokers) {
  return R"({"name":"hinomi","msg_cnt":3,"msg_size":1200,"tx_bytes":7000,"brokers":{)" + brokers +
         R"(},"topics":{"logs":{"batchsize":{"avg":9},"partitions":{"0":{"tx":8,"msgq_cnt":7}}}},)"
         R"("eos":{"idemp_state":"Assigned","producer_id":7}})";
}

class KafkaStatisticsTest : public ::testing::Test {
 protected:
  KafkaStatisticsTest() {
    hook_ = metrics_.OnExpose([this] { return statistics_.Rows({{"sink", "stream"}}); });
  }
  double Of(const std::string& name, const std::string& broker) {
    return MetricOf(metrics_, fmt::format("hinomi_kafka_broker_{}{{broker=\"{}\",sink=\"stream\"}}",
                                          name, broker));
  }

  KafkaStatistics statistics_;
  Metrics metrics_;
  Metrics::Hook hook_;
};

TEST_F(KafkaStatisticsTest, SaysWhatTheLibrarySays) {
  EXPECT_THAT(metrics_.Expose(), Not(HasSubstr("hinomi_kafka")));
  EXPECT_FALSE(statistics_.admitted());
  statistics_.Take(Text(
      Broker(1, R"("outbuf_cnt":2,"outbuf_msg_cnt":99,"waitresp_cnt":4,"tx":10,"txbytes":5000,)"
                R"("txerrs":98,"txretries":6,"req_timeouts":7,"rx":97,"rxbytes":800,"connects":9,)"
                R"("disconnects":8,"rtt":{"min":1,"avg":1500,"p99":40000,"cnt":4},)"
                R"("throttle":{"avg":250},"int_latency":{"avg":96},)")));
  const std::pair<const char*, double> kWant[] = {{"sent_bytes_total", 5000},
                                                  {"received_bytes_total", 800},
                                                  {"requests_total", 10},
                                                  {"retries_total", 6},
                                                  {"timeouts_total", 7},
                                                  {"connects_total", 9},
                                                  {"disconnects_total", 8},
                                                  {"queued_requests", 2},
                                                  {"unanswered_requests", 4},
                                                  {"round_trip_seconds", 0.0015},
                                                  {"round_trip_p99_seconds", 0.04},
                                                  {"throttle_seconds", 0.25}};
  for (const auto& [name, value] : kWant) EXPECT_DOUBLE_EQ(Of(name, "k1:9092"), value) << name;
  EXPECT_EQ(MetricOf(metrics_, "hinomi_kafka_queue_records{sink=\"stream\"}"), 3);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_kafka_queue_bytes{sink=\"stream\"}"), 1200);
  EXPECT_TRUE(statistics_.admitted());
}

TEST_F(KafkaStatisticsTest, ForgetsBrokersThatAreGone) {
  statistics_.Take(Text(Broker(1, "\"tx\":1,") + "," + Broker(2, "\"tx\":2,")));
  EXPECT_EQ(Of("requests_total", "k2:9092"), 2);
  // The library's list only grows: what it no longer tries is gone.
  const auto with_second = [&](const std::string& more) {
    statistics_.Take(Text(Broker(1, "\"tx\":1,") + "," + Broker(2, "\"tx\":2," + more)));
    return Of("requests_total", "k2:9092");
  };
  EXPECT_EQ(with_second(R"("state":"DOWN","stateage":9000000,)"), 2);
  EXPECT_EQ(with_second(R"("state":"DOWN","stateage":700000000,)"), -1);
  EXPECT_EQ(with_second(R"("state":"UP","stateage":700000000,)"), 2);
  statistics_.Take(Text(Broker(1, "\"tx\":1,")));
  EXPECT_EQ(Of("requests_total", "k1:9092"), 1);
  EXPECT_EQ(Of("requests_total", "k2:9092"), -1);
}

TEST_F(KafkaStatisticsTest, LeavesOutWhatIsNoBroker) {
  statistics_.Take(Text(
      R"("b":{"nodeid":-1,"nodename":"boot:9092","source":"configured","state":"UP","tx":4},)"
      R"(":0/internal":{"nodeid":-1,"nodename":":0","source":"internal","state":"INIT","tx":5},)"
      R"("TxnCoordinator":{"nodeid":-1,"nodename":"k1:9092","source":"logical","state":"UP","tx":6},)" +
      Broker(1, "\"tx\":1,")));
  EXPECT_EQ(Of("requests_total", "boot:9092"), 4);
  EXPECT_EQ(Of("requests_total", ":0"), -1);
  EXPECT_EQ(Of("requests_total", "k1:9092"), 1);
}

TEST_F(KafkaStatisticsTest, HasALimitOfBrokers) {
  std::string brokers = R"("b":{"nodeid":-1,"nodename":"boot:9092","source":"configured","tx":4})";
  for (int number = 100; number > 0; --number) brokers += "," + Broker(number, "");
  statistics_.Take(Text(brokers));
  EXPECT_EQ(Of("requests_total", "k1:9092"), 0);
  EXPECT_EQ(Of("requests_total", "k32:9092"), 0);
  EXPECT_EQ(Of("requests_total", "k33:9092"), -1);
  EXPECT_EQ(Of("requests_total", "boot:9092"), -1);
}

TEST_F(KafkaStatisticsTest, KeepsWhatItHadWhenTheTextIsDamaged) {
  statistics_.Take(Text(Broker(1, "\"tx\":1,")));
  for (const char* damaged : {"", "{", "[1", R"({"brokers":{"a":{"tx":7)"}) {
    statistics_.Take(damaged);
    EXPECT_EQ(Of("requests_total", "k1:9092"), 1) << damaged;
  }
}

TEST_F(KafkaStatisticsTest, SharesNamesWithOtherSinks) {
  metrics_.CounterOf("hinomi_sink_sent_bytes_total", "Bytes sent, after compression.",
                     {{"sink", "search"}});
  KafkaStatistics other;
  const Metrics::Hook hook = metrics_.OnExpose([&] { return other.Rows({{"sink", "second"}}); });
  other.Take(R"({"tx_bytes":7})");
  other.Take(R"({"tx_bytes":10})");
  other.Begin();
  other.Take(R"({"tx_bytes":2})");
  EXPECT_EQ(MetricOf(metrics_, "hinomi_sink_sent_bytes_total{sink=\"stream\"}"), 0);
  EXPECT_EQ(MetricOf(metrics_, "hinomi_sink_sent_bytes_total{sink=\"second\"}"), 12);
  const std::string text = metrics_.Expose();
  const size_t first = text.find("# TYPE hinomi_sink_sent_bytes_total counter");
  EXPECT_NE(first, text.npos);
  EXPECT_EQ(text.find("# TYPE hinomi_sink_sent_bytes_total", first + 1), text.npos);
}

}  // namespace
}  // namespace hinomi
