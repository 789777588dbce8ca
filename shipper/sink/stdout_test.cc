#include "shipper/sink/stdout.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace hinomi {
namespace {

using testing::Each;

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    CloseReader();
    close(ends[1]);
  }
  void CloseReader() {
    if (ends[0] >= 0) close(ends[0]);
    ends[0] = -1;
  }
  int ends[2] = {-1, -1};
};

Batch BatchOf(const std::vector<std::string>& lines) {
  Batch batch;
  for (const std::string& line : lines) {
    BatchRecord record;
    record.begin = static_cast<uint32_t>(batch.bytes.size());
    batch.bytes += line;
    record.end = static_cast<uint32_t>(batch.bytes.size());
    batch.records.push_back(record);
  }
  return batch;
}

std::vector<Outcome> Outcomes(const Batch& batch) {
  std::vector<Outcome> outcomes;
  for (const BatchRecord& record : batch.records) outcomes.push_back(record.outcome);
  return outcomes;
}

std::string ReadSome(int descriptor, size_t bytes_max) {
  std::string text(bytes_max, '\0');
  size_t size = 0;
  while (size < bytes_max) {
    const ssize_t count = read(descriptor, text.data() + size, bytes_max - size);
    if (count <= 0) break;
    size += static_cast<size_t>(count);
  }
  text.resize(size);
  return text;
}

TEST(StdoutSinkTest, WritesWhatIsPending) {
  Pipe pipe;
  StdoutSink sink(pipe.ends[1]);
  Batch batch = BatchOf({"{\"a\":1}\n", "{\"b\":2}\n", "{\"c\":3}\n"});
  batch.records[1].outcome = Outcome::kAcknowledged;
  EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  EXPECT_EQ(ReadSome(pipe.ends[0], 16), "{\"a\":1}\n{\"c\":3}\n");
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kAcknowledged));
}

TEST(StdoutSinkTest, WritesMoreThanAPipeHolds) {
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe;
    ASSERT_EQ(fcntl(pipe.ends[1], F_SETFL, flags), 0);
    StdoutSink sink(pipe.ends[1]);
    Batch batch = BatchOf({std::string(300000, 'a') + "\n", std::string(300000, 'b') + "\n"});
    std::string seen;
    {
      const std::jthread reader([&] { seen = ReadSome(pipe.ends[0], batch.bytes.size()); });
      EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
    }
    EXPECT_TRUE(seen == batch.bytes);
  }
}

TEST(StdoutSinkTest, AClosedPipeWaits) {
  signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.CloseReader();
  StdoutSink sink(pipe.ends[1]);
  Batch batch = BatchOf({"line\n"});
  const Attempt attempt = sink.Deliver(batch, 0, {});
  EXPECT_EQ(attempt.code, "epipe");
  EXPECT_EQ(attempt.error, "cannot write to the standard output: its reader is gone");
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kPending));
}

TEST(StdoutSinkTest, StopsWhileNobodyReads) {
  Pipe pipe;
  StdoutSink sink(pipe.ends[1]);
  Batch batch = BatchOf({std::string(1 << 20, 'x') + "\n", "second\n"});
  std::stop_source source;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    source.request_stop();
  });
  EXPECT_EQ(sink.Deliver(batch, 0, source.get_token()).code, "stopped");
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kPending));

  // What was torn ends its line, and the record is written again as a whole.
  std::string seen;
  {
    const std::jthread reader([&] {
      seen = ReadSome(pipe.ends[0], 65536);
      seen += ReadSome(pipe.ends[0], 1 + batch.bytes.size());
    });
    EXPECT_EQ(sink.Deliver(batch, 0, {}).error, "");
  }
  EXPECT_TRUE(seen == std::string(65536, 'x') + "\n" + batch.bytes) << seen.size();
}

TEST(StdoutSinkTest, WhatIsWrittenIsNotWrittenAgain) {
  Pipe pipe;
  StdoutSink sink(pipe.ends[1]);
  Batch batch = BatchOf({"first\n", std::string(1 << 20, 'x') + "\n"});
  std::stop_source source;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    source.request_stop();
  });
  EXPECT_EQ(sink.Deliver(batch, 0, source.get_token()).code, "stopped");
  EXPECT_THAT(Outcomes(batch), testing::ElementsAre(Outcome::kAcknowledged, Outcome::kPending));
}

TEST(StdoutSinkTest, ADescriptorThatCannotBeWritten) {
  const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
  StdoutSink sink(descriptor);
  Batch batch = BatchOf({"line\n"});
  EXPECT_EQ(sink.Deliver(batch, 0, {}).code, "io");
  EXPECT_THAT(Outcomes(batch), Each(Outcome::kPending));
  close(descriptor);
}

}  // namespace
}  // namespace hinomi
