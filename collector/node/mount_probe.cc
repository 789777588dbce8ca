#include "collector/node/mount_probe.h"

#include <pthread.h>
#include <sys/statfs.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

namespace hinomi {

using std::chrono::steady_clock;

std::optional<FileSystemUsage> UsageOf(const std::string& path) {
  struct statfs stat;
  if (statfs(path.c_str(), &stat) < 0) return std::nullopt;
  const auto bytes = [&](uint64_t blocks) {
    return static_cast<double>(blocks) * static_cast<double>(stat.f_bsize);
  };
  return FileSystemUsage{bytes(stat.f_blocks), bytes(stat.f_bfree), bytes(stat.f_bavail),
                         static_cast<double>(stat.f_files), static_cast<double>(stat.f_ffree)};
}

// Owned by the probe and by each helper.
struct MountProbe::State {
  explicit State(Ask ask) : ask(std::move(ask)) {}

  // What a helper does: one question after another until none is left.
  void Help() {
    std::unique_lock lock(mutex);
    while (!waiting.empty()) {
      const Question question = std::move(waiting.front());
      waiting.pop_front();
      asked.insert(question.mount);
      lock.unlock();
      const std::optional<FileSystemUsage> usage = ask(question.path);
      lock.lock();
      asked.erase(question.mount);
      if (usage) answers[question.mount] = *usage;
      ++answered;
      changed.notify_all();
    }
    --helpers;
    changed.notify_all();
  }

  const Ask ask;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Question> waiting;
  std::set<uint64_t> asked;  // by helpers that have not come back
  std::map<uint64_t, FileSystemUsage> answers;
  uint64_t answered = 0;
  size_t helpers = 0;
};

// With the state's lock held.
void MountProbe::StartHelper(const std::shared_ptr<State>& state) {
  if (state->helpers == kHelpersMax) return;
  try {
    std::thread([state] {
      pthread_setname_np(pthread_self(), "hinomi-mounts");
      state->Help();
    }).detach();
    ++state->helpers;
  } catch (const std::system_error&) {
    // No thread to be had: the mounts count as broken if that lasts.
  }
}

MountProbe::MountProbe(Ask ask) : state_(std::make_shared<State>(std::move(ask))) {}

std::map<uint64_t, FileSystemUsage> MountProbe::Probe(const std::vector<Question>& questions,
                                                      std::chrono::nanoseconds timeout) {
  // A helper that takes longer gets another one beside it, for the mounts behind.
  constexpr auto kPatience = std::chrono::milliseconds(10);
  const auto deadline = steady_clock::now() + timeout;
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  state.answers.clear();
  const std::set<uint64_t> left_alone = state.asked;
  for (const Question& question : questions) {
    if (!left_alone.contains(question.mount)) state.waiting.push_back(question);
  }
  const auto done = [&] {
    return state.waiting.empty() && std::includes(left_alone.begin(), left_alone.end(),
                                                  state.asked.begin(), state.asked.end());
  };
  bool stuck = true;
  for (auto now = steady_clock::now(); !done() && now < deadline; now = steady_clock::now()) {
    if (stuck && !state.waiting.empty()) StartHelper(state_);
    const uint64_t before = state.answered;
    state.changed.wait_until(lock, std::min(deadline, now + kPatience), done);
    stuck = state.answered == before;
  }
  state.waiting.clear();
  return std::move(state.answers);
}

size_t MountProbe::helpers() const {
  const std::lock_guard lock(state_->mutex);
  return state_->helpers;
}

}  // namespace hinomi
