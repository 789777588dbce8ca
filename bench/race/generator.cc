// The containers of the race: writes marked lines in the kubelet's layout, as a backlog at once or
// live at a rate, and says in a summary what it wrote.
//
//   hinomi_race_generator --pods-dir DIR --summary FILE --lines N [--pods N] [--kind KIND]
//                         [--rate N [--rotate-bytes N]]
//
// The summary has a line `POD LINES BYTES` for each pod. SIGTERM and SIGINT end it early, with a
// summary. Lines are dealt out to the pods in turn, so that a pod has at most one more than
// another.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "bench/race/kubelet_log.h"
#include "bench/race/lines.h"
#include "bench/race/mark.h"
#include "shipper/compress/gzip.h"

namespace hinomi::race {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kWriteBytes = 1 << 20;  // of a backlog
constexpr milliseconds kTick{1};         // of live traffic

volatile std::sig_atomic_t stopped = 0;

struct Options {
  std::string pods_dir;
  std::string summary;
  uint64_t lines = 0;
  uint64_t pods = 10;
  Kind kind = Kind::kJson;
  uint64_t seed = 1;
  uint64_t rate = 0;
  int delay_seconds = 0;
  uint64_t rotate_bytes = 0;
  int files_max = 5;
  int check_seconds = 10;
};

uint64_t Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
}

class Generator {
 public:
  explicit Generator(const Options& options)
      : options_(options), writer_(options.kind, options.seed), written_(options.pods) {
    logs_.reserve(options.pods);
    for (uint64_t pod = 0; pod < options.pods; ++pod) {
      logs_.emplace_back(fmt::format(
          "{}/team-{}_race-7d9f8c6b5d-{:05}_{:08x}-0000-4000-8000-000000000000/app/0.log",
          options.pods_dir, pod % 7, pod, pod));
    }
  }

  void WriteBacklog() {
    for (uint64_t pod = 0; pod < options_.pods; ++pod) {
      const uint64_t lines =
          options_.lines / options_.pods + (pod < options_.lines % options_.pods ? 1 : 0);
      while (written_[pod] < lines && stopped == 0) {
        buffer_.clear();
        while (written_[pod] < lines && buffer_.size() < kWriteBytes) AddLine(pod);
        logs_[pod].Append(buffer_);
      }
    }
  }

  void WriteLive() {
    std::this_thread::sleep_for(std::chrono::seconds(options_.delay_seconds));
    const auto began = steady_clock::now();
    auto check_at = began + std::chrono::seconds(options_.check_seconds);
    for (uint64_t line = 0; line < options_.lines && stopped == 0;) {
      const std::chrono::duration<double> passed = steady_clock::now() - began;
      const auto due = static_cast<uint64_t>(passed.count() * static_cast<double>(options_.rate));
      for (; line < std::min(due, options_.lines); ++line) {
        buffer_.clear();
        AddLine(line % options_.pods);
        logs_[line % options_.pods].Append(buffer_);
      }
      if (options_.rotate_bytes > 0) {
        for (KubeletLog& log : logs_) log.Reopen();
        if (steady_clock::now() >= check_at) {
          check_at += std::chrono::seconds(options_.check_seconds);
          const KubeletLog::Limits limits{options_.rotate_bytes, options_.files_max};
          for (KubeletLog& log : logs_) log.Rotate(limits, std::time(nullptr), gzip_);
        }
      }
      std::this_thread::sleep_for(kTick);
    }
    for (KubeletLog& log : logs_) log.Reopen();
  }

  void WriteSummary() const {
    std::ofstream out(options_.summary);
    for (uint64_t pod = 0; pod < options_.pods; ++pod) {
      out << pod << ' ' << written_[pod] << ' ' << logs_[pod].bytes() << '\n';
    }
    out.close();
    if (!out) {
      throw std::system_error(errno, std::system_category(),
                              fmt::format("cannot write \"{}\"", options_.summary));
    }
  }

 private:
  void AddLine(uint64_t pod) { writer_.Append(pod, written_[pod]++, Now(), &buffer_); }

  const Options options_;
  LineWriter writer_;
  GzipCompressor gzip_;
  std::vector<KubeletLog> logs_;
  std::vector<uint64_t> written_;  // lines, by pod
  std::string buffer_;
};

void RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Writes the container logs of the race, and a summary of them.");
  const std::map<std::string, Kind> kinds = {
      {"json", Kind::kJson}, {"plain", Kind::kPlain}, {"mixed", Kind::kMixed}};
  app.add_option("--pods-dir", options.pods_dir, "where the kubelet would keep them")->required();
  app.add_option("--summary", options.summary, "file for `POD LINES BYTES`")->required();
  app.add_option("--lines", options.lines, "of all pods together")
      ->required()
      ->check(CLI::Range(uint64_t{1}, kSequencesMax));
  app.add_option("--pods", options.pods)->check(CLI::Range(1, 20000));
  app.add_option("--kind", options.kind, "json, plain or mixed")
      ->transform(CLI::CheckedTransformer(kinds));
  app.add_option("--seed", options.seed, "of lengths and fields");
  auto* rate = app.add_option("--rate", options.rate,
                              "lines per second; without it as fast as the disk takes them");
  app.add_option("--delay-seconds", options.delay_seconds,
                 "from the making of the logs to the first line")
      ->needs(rate);
  app.add_option("--rotate-bytes", options.rotate_bytes, "rotate a log that is as long")
      ->needs(rate);
  app.add_option("--files-max", options.files_max, "that a log has, with the current one")
      ->check(CLI::Range(2, 100));
  app.add_option("--check-seconds", options.check_seconds, "between two looks at the lengths")
      ->check(CLI::Range(1, 3600));
  CLI11_PARSE(app, argc, argv);

  const auto stop = [](int) { stopped = 1; };
  std::signal(SIGTERM, stop);
  std::signal(SIGINT, stop);
  RaiseDescriptorLimit();
  try {
    Generator generator(options);
    options.rate > 0 ? generator.WriteLive() : generator.WriteBacklog();
    generator.WriteSummary();
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace hinomi::race

int main(int argc, char** argv) { return hinomi::race::Main(argc, argv); }
