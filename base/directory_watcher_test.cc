#include "base/directory_watcher.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

using Kind = WatchEvent::Kind;
constexpr Duration kPatience = std::chrono::seconds(5);

// All events until one of `kind` comes; fails when none does in time.
WatchEvent Await(DirectoryWatcher& watcher, Kind kind) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    std::vector<WatchEvent> events;
    watcher.Wait(std::chrono::milliseconds(100), &events);
    for (const WatchEvent& event : events) {
      if (event.kind == kind) return event;
    }
  }
  ADD_FAILURE() << "no such event";
  return {};
}

TEST(InotifyWatcher, TellsNamesWritesAndTheEnd) {
  const TemporaryDirectory root;
  const std::unique_ptr<DirectoryWatcher> watcher = std::move(*MakeInotifyWatcher());
  std::filesystem::create_directories(root / "pod");
  const int watch = *watcher->Add(root / "pod");
  root.Append("pod/0.log", "");
  EXPECT_EQ(Await(*watcher, Kind::kNames).name, "0.log");
  root.Append("pod/0.log", "line\n");
  const WatchEvent written = Await(*watcher, Kind::kModified);
  EXPECT_EQ(written.watch, watch);
  EXPECT_EQ(written.name, "0.log");
  root.Rename("pod/0.log", "pod/0.log.1");
  EXPECT_EQ(Await(*watcher, Kind::kNames).watch, watch);
  std::filesystem::remove_all(root / "pod");
  EXPECT_EQ(Await(*watcher, Kind::kGone).watch, watch);
  EXPECT_FALSE(watcher->Add(root / "pod").ok());
}

TEST(InotifyWatcher, IsInterrupted) {
  const std::unique_ptr<DirectoryWatcher> watcher = std::move(*MakeInotifyWatcher());
  const std::jthread other([&] { watcher->Interrupt(); });
  const auto start = std::chrono::steady_clock::now();
  std::vector<WatchEvent> events;
  watcher->Wait(std::chrono::seconds(30), &events);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
}

}  // namespace
}  // namespace hinomi
