// script/simulate's program: runs seeds, one to look at or many to find one that fails.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>
#include <vector>

#include "base/logging.h"
#include "base/planted_bug.h"
#include "tests/simulation/simulation.h"

namespace hinomi::simulation {
namespace {

constexpr unsigned kSeedSecondsMax = 60;  // one that hangs has failed

bool HasPlantedBug() {
#ifdef HINOMI_PLANTED_BUGS
  return awake_bug != Bug::kNone;
#else
  return false;
#endif
}

/// What the processes of a search share.
struct Shared {
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> passed{0};
  std::atomic<uint64_t> lines{0};
  std::atomic<uint64_t> documents{0};
};

int RunOne(uint64_t seed, bool verbose) {
  if (verbose) log::Configure(log::Level::kDebug, log::Format::kText);
  const RunResult result = Run(seed, verbose);
  fmt::print("seed {}: {} steps, {} lines, {} documents: {}\n", seed, result.steps, result.lines,
             result.documents, result.passed ? "passed" : result.violation);
  return result.passed ? 0 : 1;
}

void Silence() {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

/// A process of its own, so that a crash is one seed's and not the end of the search. Exits with 1
/// after each seed that failed; `at` says which.
pid_t Spawn(Shared* shared, std::atomic<uint64_t>* at, uint64_t end) {
  const bool loud = !HasPlantedBug();
  const pid_t child = fork();
  if (child != 0) return child;
  Silence();
  for (uint64_t seed = shared->next++; seed < end; seed = shared->next++) {
    at->store(seed);
    alarm(kSeedSecondsMax);
    const RunResult result = Run(seed, false);
    if (!result.passed) {
      if (loud) fmt::print("seed {}: {}\n", seed, result.violation);
      std::fflush(stdout);
      _exit(1);
    }
    ++shared->passed;
    shared->lines += result.lines;
    shared->documents += result.documents;
  }
  _exit(0);
}

/// A search for a seed that fails.
struct Search {
  uint64_t passed = 0;
  uint64_t failed = 0;
  uint64_t lines = 0;
  uint64_t documents = 0;
  uint64_t seed = 0;  // the first that failed
};

/// Up to the `failures_max`th seed that fails.
Search RunSeeds(uint64_t from, uint64_t count, unsigned jobs, uint64_t failures_max = 1) {
  void* memory = mmap(nullptr, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* shared = new (memory) Shared;
  auto* at = new (static_cast<char*>(memory) + 4096) std::atomic<uint64_t>[jobs];
  shared->next = from;
  std::fflush(stdout);
  std::map<pid_t, unsigned> children;
  for (unsigned i = 0; i < jobs; ++i) children[Spawn(shared, &at[i], from + count)] = i;
  Search search;
  while (!children.empty()) {
    int status = 0;
    const auto ended = children.extract(waitpid(-1, &status, 0));
    if (ended.empty() || status == 0) continue;
    const unsigned job = ended.mapped();
    if (WIFSIGNALED(status) && !HasPlantedBug()) {
      fmt::print("seed {}: died of signal {}\n", at[job].load(), WTERMSIG(status));
    }
    if (search.failed++ == 0 || at[job] < search.seed) search.seed = at[job];
    if (search.failed >= failures_max) shared->next = from + count;  // the others end theirs
    std::fflush(stdout);
    children[Spawn(shared, &at[job], from + count)] = job;
  }
  search.passed = shared->passed;
  search.lines = shared->lines;
  search.documents = shared->documents;
  munmap(memory, 1 << 16);
  return search;
}

int RunMany(uint64_t from, uint64_t count, unsigned jobs, uint64_t failures_max) {
  const Search search = RunSeeds(from, count, jobs, failures_max);
  if (search.failed > 0) fmt::print("again: script/simulate --seed {} -v\n", search.seed);
  fmt::print("{} passed, {} failed: seeds, with {} lines and {} documents\n", search.passed,
             search.failed, search.lines, search.documents);
  return search.failed == 0 ? 0 : 1;
}

#ifdef HINOMI_PLANTED_BUGS
/// Wakes one bug after another. All must be found, by seeds that pass without them.
int FindPlanted(uint64_t count, unsigned jobs) {
  size_t missed = 0;
  for (const auto& [bug, mistake] : kPlantedBugs) {
    awake_bug = bug;
    const Search search = RunSeeds(1, count, jobs);
    awake_bug = Bug::kNone;
    const bool fails_anyway = search.failed > 0 && RunSeeds(search.seed, 1, 1).failed > 0;
    const bool found = search.failed > 0 && !fails_anyway;
    if (!found) ++missed;
    fmt::print("{:>12}  {}\n", found ? fmt::format("{} seeds", search.seed) : "NOT FOUND", mistake);
  }
  fmt::print("{} passed, {} failed: planted bugs\n", kPlantedBugs.size() - missed, missed);
  return missed == 0 ? 0 : 1;
}
#endif

int Main(int argc, char** argv) {
  CLI::App app{"Runs the agent over a simulated node. The same seed is the same run."};
  uint64_t seed = 0;
  uint64_t seeds = 0;
  uint64_t from = 1;
  unsigned jobs = std::thread::hardware_concurrency();
  bool verbose = false;
  auto* one = app.add_option("--seed", seed, "run this one");
  auto* many = app.add_option("--seeds", seeds, "run so many, up to the first that fails");
  app.add_option("--from", from, "the first of them");
  uint64_t failures = 1;
  app.add_option("--failures", failures, "how many may fail before it ends");
  app.add_option("--jobs", jobs, "processes")->check(CLI::Range(1, 256));
  app.add_flag("-v,--verbose", verbose, "print every action");
#ifdef HINOMI_PLANTED_BUGS
  bool planted = false;
  app.add_flag("--planted", planted, "wake the planted bugs, one after another, and find them");
  int bug = 0;
  app.add_option("--bug", bug, "wake the planted bug of this number");
#endif
  one->excludes(many);
  CLI11_PARSE(app, argc, argv);
#ifdef HINOMI_PLANTED_BUGS
  if (planted) return FindPlanted(seeds > 0 ? seeds : 5000, jobs);
  awake_bug = static_cast<Bug>(bug);
#endif
  return many->count() > 0 ? RunMany(from, seeds, jobs, failures) : RunOne(seed, verbose);
}

}  // namespace
}  // namespace hinomi::simulation

int main(int argc, char** argv) { return hinomi::simulation::Main(argc, argv); }
