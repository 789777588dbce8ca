#include "app/explain.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include "metadata/pod_metadata.h"

namespace hinomi {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() {
    config_.node = "node-1";
    config_.sinks.resize(2);
    config_.sinks[0].name = "search";
    config_.sinks[1].name = "spare";
    for (const SinkConfig& sink : config_.sinks) {
      facts_.sinks.push_back({sink.name, "stdout", "the standard output", {}});
    }
    config_.routes.resize(2);
    config_.routes[0] = {"all", {}, "search", true, StartAt::kBeginning};
    config_.routes[1] = {"money", {"billing", "", ""}, "spare", false, StartAt::kBeginning};
  }

  // The log of shop/web-1/nginx, of which route "all" has delivered 1000 bytes.
  LogFacts& AddLog() {
    LogFacts& log = facts_.logs.emplace_back();
    log.directory = "shop_web-1_uid/nginx";
    log.path = "/var/log/pods/shop_web-1_uid/nginx/0.log";
    log.pod.namespace_name = "shop";
    log.pod.pod_name = "web-1";
    log.pod.pod_uid = "uid";
    log.pod.container_name = "nginx";
    log.identified = true;
    ReaderFacts& reader = log.readers.emplace_back();
    reader.ledger.route = "all";
    reader.ledger.produced = reader.ledger.settled.acknowledged = 1000;
    return log;
  }
  SurveyedContainer& AddContainer() {
    SurveyedContainer& container = facts_.survey.containers.emplace_back();
    container.pod.namespace_name = "shop";
    container.pod.pod_name = "web-1";
    container.pod.pod_uid = "uid";
    container.pod.container_name = "nginx";
    container.directory = "shop_web-1_uid/nginx";
    container.since = hours(24);
    container.files = 1;
    container.bytes = 2048;
    container.modified = now_;
    return container;
  }
  // 300 bytes of the log's are still to come.
  static ReaderFacts& HoldUp(LogFacts& log) {
    ReaderFacts& reader = log.readers[0];
    reader.ledger.settled.acknowledged = 700;
    reader.ledger.unread = 300;
    reader.oldest = seconds(35);
    return reader;
  }
  static PodInfo& Know(LogFacts& log, PodMetadata metadata) {
    log.pod.metadata = std::make_shared<const PodMetadata>(std::move(metadata));
    return log.pod;
  }

  Explanation Ask(const std::string& no_agent = "") const {
    return Explain({config_, facts_, "web-1", now_, no_agent});
  }
  std::vector<Sentence> Sentences() const {
    const Explanation explanation = Ask();
    EXPECT_THAT(explanation.logs, SizeIs(1));
    return explanation.logs.empty() ? std::vector<Sentence>{} : explanation.logs[0].sentences;
  }
  static std::vector<std::string> Kinds(const std::vector<Sentence>& sentences) {
    std::vector<std::string> kinds;
    for (const Sentence& sentence : sentences) kinds.push_back(sentence.kind);
    return kinds;
  }
  std::vector<std::string> Kinds() const { return Kinds(Sentences()); }
  // The sentence of that kind with its remedy; empty when it is not said.
  std::string Said(const std::string& kind) const {
    for (const Sentence& sentence : Sentences()) {
      if (sentence.kind == kind) return sentence.text + " -> " + sentence.remedy;
    }
    return "";
  }

  Config config_;
  PodFacts facts_;
  const Duration now_ = seconds(1'795'000'000);
};

TEST_F(ExplainTest, SaysWhyBytesWereLeftOut) {
  AddContainer();
  auto& dropped = AddLog().readers[0].ledger.settled.dropped;
  for (const auto reason :
       {DropReason::kCorrupt, DropReason::kRateLimited, DropReason::kBeforeSince,
        DropReason::kRouteRemoved, DropReason::kLevel}) {
    dropped.fill(0);
    dropped[static_cast<size_t>(reason)] = 7;
    EXPECT_THAT(Said("dropped"),
                testing::StartsWith(fmt::format("7 bytes were left out ({}): ", ToString(reason))));
  }
}

TEST_F(ExplainTest, SaysWhichLevelsTakeARoute) {
  AddContainer();
  LogFacts& log = AddLog();
  log.readers[0].ledger.settled.acknowledged = 400;
  log.readers[0].ledger.settled.dropped[static_cast<size_t>(DropReason::kLevel)] = 600;
  for (const char* route : {"money", "rest"}) {
    log.readers.emplace_back().ledger.route = route;
  }
  config_.routes[0].level = RecordLevel::kError;
  config_.routes[1].match = {};
  config_.routes[1].level = RecordLevel::kInfo;
  config_.routes.push_back({"rest", {}, "search", false, StartAt::kBeginning});
  config_.routes[1].stop = true;
  EXPECT_THAT(Said("dropped"), HasSubstr("600 bytes were left out (level): the route takes records "
                                         "of other levels."));
  std::string said;
  for (const Sentence& sentence : Sentences()) said += sentence.text + "\n";
  EXPECT_THAT(said, HasSubstr("takes its records of level error and above to sink \"search\""));
  EXPECT_THAT(said, HasSubstr("takes its records from level info to below error to sink"));
  EXPECT_THAT(said, HasSubstr("takes its records below level info to sink"));
}

TEST_F(ExplainTest, AllIsWell) {
  AddContainer();
  AddLog();
  EXPECT_THAT(Kinds(), ElementsAre("route_taken", "delivered", "route_passed"));
  EXPECT_EQ(Said("route_taken"),
            "Route \"all\" (1st) takes it to sink \"search\" (stdout: the standard output). -> ");
  EXPECT_EQ(Said("delivered"), "All that it wrote is delivered: 1000 bytes. -> ");
  EXPECT_EQ(Said("route_passed"),
            "Route \"money\" (2nd) does not take it: route \"all\" (1st) comes first and has stop: "
            "true. -> ");
  EXPECT_THAT(Ask().notes, IsEmpty());
}

TEST_F(ExplainTest, ASinkThatFails) {
  HoldUp(AddLog());
  DeliveryStatus& delivery = facts_.sinks[0].delivery;
  delivery.state = SinkState::kFailing;
  delivery.error = "connection refused";
  delivery.since = seconds(40);
  delivery.retry = seconds(4);
  EXPECT_EQ(Said("behind"),
            "300 bytes of 1000 bytes are still to come; the oldest have waited for 35 s. -> ");
  EXPECT_THAT(Said("sink_failing"),
              HasSubstr("It waits for sink \"search\", which has been failing for 40 s: connection "
                        "refused; the next attempt is in 4.0 s. -> Mend"));
  // Another sink's trouble is none of this log's.
  std::swap(facts_.sinks[0].delivery, facts_.sinks[1].delivery);
  EXPECT_THAT(Kinds(), Not(Contains("sink_failing")));
}

TEST_F(ExplainTest, ASinkThatRefuses) {
  HoldUp(AddLog());
  facts_.sinks[0].delivery.state = SinkState::kRejecting;
  facts_.sinks[0].delivery.refused = {{"all", "mapper: no", seconds(12), seconds(48)}};
  EXPECT_THAT(Said("sink_rejecting"), HasSubstr("mapper: no; in 48 s they are sent once more"));
  facts_.sinks[0].delivery.refused[0].route = "money";
  EXPECT_EQ(Said("sink_rejecting"), "");
}

TEST_F(ExplainTest, LimitsAndWhereTheyAreSet) {
  ReaderFacts& reader = HoldUp(AddLog());
  config_.fairness.resize(3);
  config_.fairness[0].per = Per::kNamespace;
  config_.fairness[1] = {{"other", "", ""}, Per::kPod, 1, 100, 0, Exceeded::kDelay};
  config_.fairness[2] = {{"shop", "", ""}, Per::kPod, 1, 1024, 0, Exceeded::kDelay};
  reader.held_up = HeldUp{Per::kPod, 1024, seconds(2)};
  EXPECT_EQ(Said("limited"),
            "Its pod has used up its limit of 1.0 KiB per second; it goes on in 2.0 s. -> Raise "
            "fairness[2].bytes_per_second, or write less.");
  PodMetadata metadata;
  metadata.annotations = {{"hinomi.io/limit", "1KiB"}};
  Know(facts_.logs[0], metadata);
  EXPECT_THAT(Said("limited"), HasSubstr("Raise the pod's annotation hinomi.io/limit"));
  facts_.sinks[0].delivery.full = true;
  EXPECT_THAT(Said("sink_full"), HasSubstr("limits.in_flight_bytes_max"));
}

TEST_F(ExplainTest, AnOpenRecord) {
  HoldUp(AddLog()).open_record = true;
  EXPECT_THAT(Kinds(), Contains("open_record"));
  facts_.sinks[0].delivery.state = SinkState::kFailing;  // which explains it better
  EXPECT_THAT(Kinds(), Not(Contains("open_record")));
}

TEST_F(ExplainTest, WhyNoRouteTakesIt) {
  AddLog().readers.clear();
  const struct {
    LogMatch match;
    const char* want;
  } kCases[] = {
      {{"billing", "", ""}, "its namespace \"shop\" does not match \"billing\""},
      {{"", "db-*", ""}, "its pod \"web-1\" does not match \"db-*\""},
      {{"", "", "side"}, "its container \"nginx\" does not match \"side\""},
      {{"", "", "", {{"app", "db"}}}, "its label app \"web\" does not match \"db\""},
      {{"", "", "", {{"tier", "x"}}}, "the pod has no label tier"},
  };
  PodMetadata metadata;
  metadata.labels = {{"app", "web"}};
  Know(facts_.logs[0], metadata);
  for (const auto& [match, want] : kCases) {
    config_.routes[0].match = match;
    EXPECT_THAT(Kinds(), ElementsAre("route_passed", "route_passed", "no_route"));
    EXPECT_THAT(Said("route_passed"), HasSubstr(want));
  }
  facts_.logs[0].pod.metadata = nullptr;
  EXPECT_THAT(Said("route_passed"), HasSubstr("nothing is known of the pod's labels"));
  // Its labels came when its routes had been chosen.
  config_.routes[0].match = {};
  EXPECT_THAT(Said("route_passed"), HasSubstr("did not suit it when it was first seen"));
}

TEST_F(ExplainTest, ALogKeepsTheRoutesThatItHas) {
  AddLog();
  config_.routes[0].match = {"", "", "", {{"app", "db"}}};  // a label that it has lost since
  EXPECT_THAT(Kinds(), ElementsAre("route_taken", "delivered", "route_passed"));
}

TEST_F(ExplainTest, Exclusions) {
  PodMetadata metadata;
  metadata.annotations = {{"hinomi.io/exclude", "true"}};
  AddLog().readers.clear();
  Know(facts_.logs[0], metadata);
  EXPECT_THAT(Kinds(), ElementsAre("excluded_by_annotation"));
  facts_.logs.clear();
  AddContainer().excluded_by = "sources.kubernetes.exclude[1]";
  EXPECT_EQ(Said("excluded"),
            "sources.kubernetes.exclude[1] excludes it. -> Remove or narrow that rule to have it "
            "shipped.");
}

TEST_F(ExplainTest, WhatADirectoryTells) {
  SurveyedContainer& container = AddContainer();
  EXPECT_THAT(Kinds(), ElementsAre("not_read_yet"));
  container.modified = now_ - hours(25);
  EXPECT_THAT(Said("left_out"), HasSubstr("(2.0 KiB) had not been written to for 24 h"));
  container.files = 0;
  EXPECT_THAT(Kinds(), ElementsAre("no_file"));
  container.refused = {"0.log", "1.log"};
  EXPECT_THAT(Kinds(), ElementsAre("path_refused"));
  EXPECT_THAT(Said("path_refused"), HasSubstr("allowed place: 0.log, 1.log."));
  container.refused.clear();
  container.pod.container_name.clear();
  EXPECT_THAT(Kinds(), ElementsAre("no_container"));
}

TEST_F(ExplainTest, WaitsBeforeAnythingIsRead) {
  LogFacts& log = AddLog();
  log.readers.clear();
  log.waits_for_metadata = std::chrono::milliseconds(400);
  EXPECT_THAT(Said("waiting_for_metadata"), HasSubstr("It has waited 0.4 s"));
  log.waits_for_metadata.reset();
  log.identified = false;
  EXPECT_THAT(Kinds(), ElementsAre("no_line"));
}

TEST_F(ExplainTest, SaysWhatIsKnownTooLate) {
  AddLog().pod.metadata_missing = true;
  facts_.logs[0].own = true;
  EXPECT_THAT(Kinds(), Contains("metadata_missing"));
  EXPECT_THAT(Kinds(), Contains("own"));
}

TEST_F(ExplainTest, LossesAndDropsByReason) {
  ReaderFacts& reader = AddLog().readers[0];
  SettledBytes& settled = reader.ledger.settled;
  settled.acknowledged = 400;
  settled.lost[static_cast<size_t>(LossReason::kTruncated)] = 300;
  settled.lost[static_cast<size_t>(LossReason::kEscrowFull)] = 100;
  settled.dropped[static_cast<size_t>(DropReason::kCorrupt)] = 150;
  settled.dropped[static_cast<size_t>(DropReason::kRejected)] = 50;
  EXPECT_THAT(Kinds(), ElementsAre("route_taken", "settled", "dropped", "lost", "lost",
                                   "route_passed", "refused"));
  EXPECT_THAT(Said("settled"), HasSubstr("600 bytes of them were not delivered"));
  EXPECT_EQ(
      Said("lost"),
      "300 bytes are lost (truncated): their writer truncated the file before they were read. "
      "-> Rotate by renaming instead of truncating.");
  EXPECT_THAT(Said("dropped"), HasSubstr("150 bytes were left out (corrupt)"));
  EXPECT_THAT(Said("refused"), HasSubstr("50 bytes were refused for good; their dead letters are"));
  facts_.dead_letters[{"uid", "nginx"}] = {3, "2026-11-21T00:00:00Z", "type: reason"};
  EXPECT_EQ(
      Said("refused"),
      "3 of its container's records were refused for good, the last at 2026-11-21T00:00:00Z: "
      "type: reason. -> They lie in /var/lib/hinomi/dead_letters; once that is mended, hinomi "
      "replay sends them again.");
  reader.ledger.imbalance = 7;
  EXPECT_THAT(Said("imbalance"), HasSubstr("7 bytes"));
}

TEST_F(ExplainTest, HowItsFilesAreHeld) {
  LogFacts& log = AddLog();
  log.removed_files = 2;
  log.removed_bytes = 4096;
  log.unlinked_files = 1;
  facts_.escrow_degraded = "the escrow is switched off";
  EXPECT_THAT(Said("held"), HasSubstr("2 files of it (4.0 KiB) that were removed are kept"));
  EXPECT_THAT(Said("held_by_descriptors"),
              HasSubstr("1 of its files is held by a descriptor alone"));
  EXPECT_THAT(Said("held_by_descriptors"), HasSubstr("lost; the escrow is switched off."));
}

TEST_F(ExplainTest, NobodyByThatName) {
  facts_.survey.problems = {"cannot open \"/var/log/pods\": No such file or directory"};
  const Explanation explanation = Ask();
  EXPECT_THAT(Kinds(explanation.notes), ElementsAre("directory_missing", "not_found"));
  EXPECT_THAT(ToText(explanation), HasSubstr("No container on node \"node-1\" is known as "
                                             "\"web-1\"; looked in /var/log/pods."));
}

TEST_F(ExplainTest, WithoutAnAgent) {
  AddContainer();
  facts_.sinks.clear();
  const Explanation explanation = Ask("connection refused");
  EXPECT_FALSE(explanation.agent);
  EXPECT_THAT(Kinds(explanation.notes), ElementsAre("no_agent"));
  EXPECT_THAT(explanation.notes[0].text, HasSubstr("connection refused"));
  EXPECT_THAT(Kinds(explanation.logs.at(0).sentences),
              ElementsAre("files", "route_taken", "route_passed"));
  EXPECT_THAT(ToText(explanation), HasSubstr("Route \"all\" (1st) would take it to sink"));
}

TEST_F(ExplainTest, OrdersAndBoundsTheAnswer) {
  for (uint32_t i = 0; i < Explanation::kLogsMax + 5; ++i) AddLog().pod.restart_count = i;
  const Explanation explanation = Ask();
  EXPECT_THAT(explanation.logs, SizeIs(Explanation::kLogsMax));
  EXPECT_EQ(explanation.logs[0].pod.restart_count, Explanation::kLogsMax + 4);
  EXPECT_EQ(explanation.left_out, 5u);
  EXPECT_THAT(ToText(explanation), HasSubstr("and 5 more"));
  EXPECT_THAT(ToJson(explanation), HasSubstr("\"left_out\":5"));
}

TEST_F(ExplainTest, MovesNoCursorOfATerminal) {
  AddLog().pod.namespace_name = "a\033[2J";
  EXPECT_THAT(ToText(Ask()), Not(HasSubstr("\033")));
  EXPECT_THAT(ToJson(Ask()), Not(HasSubstr("\033")));
}

}  // namespace
}  // namespace hinomi
