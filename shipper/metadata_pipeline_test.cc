// The pipeline beside what is known of pods: who waits, who is let go, and that a log which waits
// loses nothing of what the checkpoint knew.
#include "metadata/store.h"
#include "shipper/pipeline.h"
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kUid = "0b1c2d3e-0000-4000-8000-000000000001";

class OnePod final : public PodSource {
 public:
  explicit OnePod(const PodMetadata& pod) : pod_(pod) {}
  Result<std::vector<PodMetadata>> List(const std::stop_token&) override {
    return std::vector<PodMetadata>{pod_};
  }

 private:
  const PodMetadata& pod_;
};

class MetadataPipelineTest : public PipelineTest {
 protected:
  MetadataPipelineTest() {
    config_.state_dir = root_ / "state";
    config_.metadata.labels = {"*"};
    std::filesystem::create_directories(config_.state_dir);
    pod_.uid = kUid;
    pod_.labels = {{"app", "shop"}};
    pod_.containers.resize(1);
    pod_.containers[0].name = "main";
    pod_.containers[0].id = "c0";
    Start();
  }

  /// The agent anew; what it knows of pods is gone.
  void Start() {
    pipeline_.reset();
    metadata_ = std::make_unique<MetadataStore>(
        MetadataStore::Options{root_ / "metadata", seconds(2), 10},
        MetadataStore::Parts{std::make_unique<OnePod>(pod_), nullptr, files_, clock_, metrics_,
                             [this](const std::vector<std::string>& uids) {
                               pipeline_->store().MetadataChanged(uids);
                             }});
    pipeline_ = std::make_unique<Pipeline>(
        config_, "",
        Pipeline::Parts{files_, clock_, metrics_,
                        [this](const SinkConfig&, const SinkSurroundings&) {
                          return std::make_unique<Forward>(sink_);
                        },
                        [] { return nullptr; }, metadata_.get()});
  }

  void Pass(Duration time = seconds(1)) {
    const Duration until = clock_.Monotonic() + time;
    while (clock_.Monotonic() < until) {
      clock_.Advance(milliseconds(100));
      pipeline_->sources()[0]->Sweep();
      for (int i = 0; i < 100 && pipeline_->worker().Step(0); ++i) Deliver();
      Deliver();
      pipeline_->Housekeep();
    }
  }
  void Deliver() {
    Delivery& delivery = *pipeline_->outlets()[0]->delivery;
    Duration wait{0};
    while (std::unique_ptr<Batch> batch = delivery.Take(&wait)) {
      batch->pending_before = static_cast<uint32_t>(batch->records.size());
      const Attempt attempt = sink_.Deliver(*batch, 0, {});
      delivery.Complete(std::move(batch), attempt);
    }
  }

  PodMetadata pod_;
  std::unique_ptr<MetadataStore> metadata_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(MetadataPipelineTest, TheFirstRecordWaitsAndKnowsItsPod) {
  Write(Lines(0, 3));
  Pass();
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_FALSE(pipeline_->Drained());
  metadata_->Step({});
  Pass(milliseconds(500));
  ExpectLines(0, 3);
  EXPECT_THAT(sink_.documents[0].text,
              HasSubstr(R"("labels":{"app":"shop"}},"container":{"id":"c0")"));
  EXPECT_TRUE(pipeline_->Drained());
}

TEST_F(MetadataPipelineTest, AWaitHasAnEndThatIsSaid) {
  Write(Lines(0, 3));
  Pass(seconds(3));
  ExpectLines(0, 3);
  EXPECT_THAT(sink_.documents[0].text, HasSubstr(R"("hinomi":{"metadata":"missing"})"));
  // And what is learnt later is for later records.
  metadata_->Step({});
  Write(Lines(3, 1));
  Pass();
  ExpectLines(0, 4);
  EXPECT_THAT(sink_.documents[3].text, HasSubstr(R"("labels":{"app":"shop"})"));
  EXPECT_THAT(sink_.documents[3].text, Not(HasSubstr("missing")));
}

TEST_F(MetadataPipelineTest, ALogThatWaitsKeepsItsCursorOverRestarts) {
  Write(Lines(0, 3));
  Pass(seconds(3));
  Start();
  Write(Lines(3, 2));
  Pass();  // in vain
  pipeline_->store().SetDirty();
  pipeline_->SaveCheckpoint();
  ExpectLines(0, 3);
  Start();
  Pass(milliseconds(500));
  metadata_->Step({});
  Pass(seconds(3));
  ExpectLines(0, 5);
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(MetadataPipelineTest, ALogThatWaitsIsStillOneOfTheFirstLook) {
  config_.routes[0].start = StartAt::kNow;
  Start();
  Write(Lines(0, 3));
  Pass();
  metadata_->Step({});
  Pass();
  Write(Lines(3, 1));
  Pass();
  ExpectLines(3, 1);
}

TEST_F(MetadataPipelineTest, ARotatedLogThatWaitsIsNotLetGo) {
  Write(Lines(0, 3));
  Pass(milliseconds(300));
  Rotate("20261121-022645");
  Write(Lines(3, 2));
  Pass();
  std::filesystem::remove(PathOf("0.log.20261121-022645"));
  Pass(seconds(4));
  ExpectLines(0, 5);
}

TEST_F(MetadataPipelineTest, RoutesSeeLabelsAndPodsMayExcludeThemselves) {
  const struct {
    std::string pattern;
    std::map<std::string, std::string> annotations;
    size_t want;
  } kCases[] = {{"sh*", {}, 1},
                {"web", {}, 0},
                {"*", {{"hinomi.io/exclude", "true"}}, 0},
                {"*", {{"hinomi.io/exclude", "yes"}}, 1}};
  for (const auto& test : kCases) {
    std::filesystem::remove_all(root_ / "var/log/pods");
    std::filesystem::create_directories(root_ / "var/log/pods");
    std::filesystem::remove_all(root_ / "metadata");
    sink_.documents.clear();
    config_.routes[0].match.label_patterns = {{"app", test.pattern}};
    pod_.annotations = test.annotations;
    Start();
    Write(Lines(written_, 1));
    Pass(milliseconds(200));
    metadata_->Step({});
    Pass();
    EXPECT_EQ(Messages().size(), test.want) << test.pattern;
  }
}

TEST_F(MetadataPipelineTest, WhatIsKnownIsKeptAsLongAsALogIsThere) {
  metadata_->Load();
  Write(Lines(0, 3));
  Pass();
  metadata_->Step({});
  pod_.uid = "another";
  clock_.Advance(seconds(6));
  metadata_->Step({});
  Pass(std::chrono::minutes(2));
  EXPECT_NE(metadata_->Find(std::string(kUid)), nullptr);
  std::filesystem::remove_all(
      root_ / "var/log/pods/prod_web-7d9f8c6b5d-x2v4q_0b1c2d3e-0000-4000-8000-000000000001");
  Pass(std::chrono::minutes(2));
  EXPECT_EQ(metadata_->Find(std::string(kUid)), nullptr);
}

}  // namespace
}  // namespace hinomi
