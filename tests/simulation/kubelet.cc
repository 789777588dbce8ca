#include "tests/simulation/kubelet.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "shipper/compress/gzip.h"

namespace hinomi::simulation {
namespace {

constexpr size_t kRotatedMax = 3;
// The agent gets stuck after a restart behind a first segment that was empty.
constexpr bool kRotatesEmptyFiles = true;
// The agent reads what ends within a line's head again and again, for ever.
constexpr bool kTearsHeads = true;
// Less than what the agent leaves a writer after it has seen the file's successor.
constexpr Duration kLateAfter = std::chrono::milliseconds(500);

bool ContinuesSequence(const std::string& body, uint64_t at) {
  return at < body.size() && (static_cast<unsigned char>(body[at]) & 0xc0) == 0x80;
}

}  // namespace

std::string Kubelet::Container::path() const {
  return fmt::format("{}/{}/{}.log", kPodsDirectory, directory, restart);
}

Kubelet::Kubelet(KubeletHabits habits, Parts parts)
    : habits_(std::move(habits)), parts_(std::move(parts)) {
  parts_.disk.MakeDirectories(kPodsDirectory);
  AddPod();
}

void Kubelet::AddPod() {
  Container container;
  container.namespace_name = parts_.random.OneIn(2) ? "alpha" : "beta";
  container.pod = fmt::format("web-{}", parts_.random.Below(2));
  container.uid = fmt::format("00000000-0000-4000-8000-{:012}", ++uids_);
  container.name = "main";
  container.directory = fmt::format("{}_{}_{}/{}", container.namespace_name, container.pod,
                                    container.uid, container.name);
  parts_.disk.MakeDirectories(std::string(kPodsDirectory) + "/" + container.directory);
  Start(container);
  containers_.push_back(std::move(container));
}

void Kubelet::Start(Container& container) {
  container.log = parts_.model.BeginLog(container.directory, container.restart);
  container.lines = 0;
  container.is_renamed = false;
  container.file = nullptr;
  for (auto& pending : container.pending) pending.clear();
  Reopen(container);
}

void Kubelet::Act() {
  Random& random = parts_.random;
  if (containers_.empty() || (containers_.size() < habits_.pods_max && random.OneIn(20))) {
    return AddPod();
  }
  const size_t index = random.Below(containers_.size());
  Container& container = containers_[index];
  if (container.is_renamed && random.OneIn(2)) return Reopen(container);
  if (!container.compressing.empty() && random.OneIn(2)) return Compress(container);
  switch (random.Below(16)) {
    case 0:
    case 1:
    case 2:
      if (habits_.rotates) return Rename(container);
      break;
    case 3:
      if (habits_.compresses) return Compress(container);
      break;
    case 4:
      if (habits_.deletes) return DeleteOldest(container);
      break;
    case 5:
      if (habits_.restarts) return Restart(container);
      break;
    case 6:
      if (habits_.removes_pods && random.OneIn(2)) return RemovePod(index);
      break;
    case 7:
      if (habits_.truncates && random.OneIn(2)) return Truncate(container);
      break;
    case 8:
      if (habits_.writes_late) return WriteLate(container);
      break;
    case 9:
      if (habits_.writes_garbage) return WriteGarbage(container);
      break;
    default:
      break;
  }
  Write(container);
}

void Kubelet::Rest() {
  for (Container& container : containers_) {
    if (container.torn) WriteTorn(container);
    if (container.is_renamed) Reopen(container);
  }
}

void Kubelet::MoveOn() {
  for (Container& container : containers_) {
    RemoveDead(container);
    Rename(container);
    Reopen(container);
  }
}

std::string Kubelet::NextTime() {
  last_time_ = std::max<int64_t>(last_time_ + 1, parts_.clock.Wall().count());
  std::string fraction = fmt::format(".{:09}", last_time_ % 1'000'000'000);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (fraction == ".") fraction.clear();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}{}Z", fmt::gmtime(last_time_ / 1'000'000'000), fraction);
}

std::string Kubelet::BodyOf(Container& container, bool is_stderr) {
  Random& random = parts_.random;
  if (random.OneIn(12)) return "";
  std::string body =
      fmt::format("{} {} {} {} {}", container.uid.substr(30), container.restart, container.lines++,
                  is_stderr ? "err" : "out", random.OneIn(6) ? habits_.refused_word : "");
  uint64_t filler = random.Below(40);
  if (habits_.writes_long_lines && random.OneIn(10)) filler = random.Below(3000);
  static const std::vector<std::string> kFiller = {"a", "b", " ", "\"", "\\", "\xc3\xa9", "{"};
  while (filler-- > 0) body += random.Pick(kFiller);
  return body;
}

PhysicalLine Kubelet::NextLine(Container& container) {
  Random& random = parts_.random;
  const bool is_stderr = random.OneIn(4);
  std::deque<PhysicalLine>& pending = container.pending[is_stderr];
  if (pending.empty()) {
    std::string body = BodyOf(container, is_stderr);
    size_t part_bytes = std::max<size_t>(body.size(), 1);
    if (habits_.writes_parts && random.OneIn(3)) part_bytes = random.Between(1, part_bytes);
    part_bytes = std::max(part_bytes, body.size() / 6 + 1);
    for (size_t at = 0, end = 0; at == 0 || at < body.size(); at = end) {
      end = std::min(at + part_bytes, body.size());
      while (ContinuesSequence(body, end)) ++end;
      PhysicalLine& line = pending.emplace_back();
      line.is_stderr = is_stderr;
      line.is_first = at == 0;
      line.body = body.substr(at, end - at);
      line.is_partial = end < body.size();
      if (body.empty()) break;
    }
    // As the runtimes do when a line is as long as their buffer: the end is empty.
    if (habits_.writes_parts && random.OneIn(10)) {
      pending.back().is_partial = true;
      pending.emplace_back().is_stderr = is_stderr;
      pending.back().is_first = false;
    }
  }
  PhysicalLine line = std::move(pending.front());
  pending.pop_front();
  line.log = container.log;
  line.time = NextTime();
  line.header = fmt::format("{} {} {} ", line.time, is_stderr ? "stderr" : "stdout",
                            line.is_partial ? "P" : "F");
  return line;
}

void Kubelet::Append(const InodePointer& file, PhysicalLine line, uint64_t bytes) {
  line.file = file->identity;
  line.begin = file->content.size();
  line.written = bytes;
  const std::string text = line.header + line.body + "\n";
  parts_.disk.Write(file, line.begin, std::string_view(text).substr(0, bytes));
  parts_.model.Write(std::move(line));
}

void Kubelet::WriteWhole(const InodePointer& file, PhysicalLine line) {
  const uint64_t bytes = line.bytes();
  Append(file, std::move(line), bytes);
}

void Kubelet::WriteLine(Container& container, const InodePointer& file, bool late) {
  PhysicalLine line = NextLine(container);
  line.is_late = late;
  WriteWhole(file, std::move(line));
}

void Kubelet::WriteTorn(Container& container) {
  const uint32_t index = *std::exchange(container.torn, std::nullopt);
  const std::string rest = parts_.model.Rest(index);
  parts_.disk.Write(container.file, container.file->content.size(), rest);
  parts_.model.WriteRest(index, rest.size());
}

void Kubelet::Write(Container& container) {
  if (container.torn) return WriteTorn(container);
  const uint64_t count = parts_.random.Between(1, 6);
  for (uint64_t i = 0; i < count; ++i) WriteLine(container, container.file, /*late=*/false);
  if (habits_.tears_lines && parts_.random.OneIn(4)) {
    PhysicalLine line = NextLine(container);
    const uint64_t head = kTearsHeads || line.body.empty() ? 0 : line.header.size();
    uint64_t bytes = parts_.random.Between(head + 1, line.bytes() - 1);
    // A sequence of UTF-8 that waits too long for its end is sent as it is.
    while (bytes < line.bytes() - 1 && ContinuesSequence(line.body, bytes - line.header.size()))
      ++bytes;
    if (!kTearsHeads && line.body.empty()) return WriteWhole(container.file, std::move(line));
    container.torn = static_cast<uint32_t>(parts_.model.lines());
    Append(container.file, std::move(line), bytes);
  }
  Tell(fmt::format("{} lines and {} torn to {} (file #{}, now {} bytes)", count,
                   container.torn.has_value() ? 1 : 0, container.path(), container.file->identity,
                   container.file->content.size()));
}

void Kubelet::WriteGarbage(Container& container) {
  if (container.torn) return WriteTorn(container);
  static const std::vector<std::string> kGarbage = {
      "no header at all\n",
      "\n",
      "2026-11-21T02:26:54Z stdout\n",
      std::string(9, '\0') + (kTearsHeads ? "" : "\n"),
      "2026-11-21T02:26:54Z elsewhere F forged\n",
      std::string(300, 'x') + "\n"};
  const std::string& garbage = parts_.random.Pick(kGarbage);
  parts_.disk.Write(container.file, container.file->content.size(), garbage);
  Tell(fmt::format("{} bytes of garbage to {}", garbage.size(), container.path()));
}

void Kubelet::WriteLate(Container& container) {
  if (container.previous == nullptr || container.previous->links == 0) return;
  const bool late = parts_.clock.Monotonic() - container.superseded_at >= kLateAfter;
  PhysicalLine line = NextLine(container);
  line.is_late = late;
  line.is_out_of_place = true;
  WriteWhole(container.previous, std::move(line));
  parts_.model.Unordered();
  Tell(fmt::format("a line to the file before {} (#{}){}", container.path(),
                   container.previous->identity, late ? ", late" : ""));
}

void Kubelet::Rename(Container& container) {
  if (container.is_renamed || (!kRotatesEmptyFiles && container.file->content.empty())) return;
  // It looks at a log every ten seconds: not twice between two looks of the agent at one directory.
  if (container.renamed_in == parts_.step) return;
  container.renamed_in = parts_.step;
  if (container.torn) WriteTorn(container);
  const uint64_t number = rotations_++;
  const std::string to = fmt::format("{}.20261121-{:02}{:02}{:02}", container.path(), number / 3600,
                                     number / 60 % 60, number % 60);
  parts_.disk.Rename(container.path(), to);
  container.is_renamed = true;
  Tell(fmt::format("renamed {} (#{}) to {}", container.path(), container.file->identity,
                   NameOf(to)));
}

void Kubelet::Reopen(Container& container) {
  if (container.torn) WriteTorn(container);
  container.previous = container.file;
  container.superseded_at = parts_.clock.Monotonic();
  container.is_renamed = false;
  container.file = parts_.disk.Make(container.path(), FileKind::kRegular);
  parts_.model.BeginFile(container.log, container.file->identity);
  Tell(fmt::format("began {} (#{}, inode {})", container.path(), container.file->identity,
                   container.file->number));
}

std::vector<std::string> Kubelet::Rotated(const Container& container, bool compressed) const {
  std::vector<std::string> found;
  const std::string directory = DirectoryOf(container.path());
  const std::string prefix = NameOf(container.path()) + ".";
  for (const DirectoryEntry& entry : parts_.disk.List(directory)) {
    const bool is_compressed = entry.name.ends_with(".gz");
    if (!entry.name.starts_with(prefix) || (is_compressed && !compressed)) continue;
    if (!entry.name.ends_with(".tmp")) found.push_back(directory + "/" + entry.name);
  }
  return found;
}

// One step of it: .tmp, .gz, and away with the file.
void Kubelet::Compress(Container& container) {
  if (container.compressing.empty()) {
    const std::vector<std::string> rotated = Rotated(container, /*compressed=*/false);
    if (rotated.size() < 2) return;
    container.compressing = rotated.front();
    const InodePointer plain = parts_.disk.Find(container.compressing);
    GzipCompressor gzip;
    const std::vector<std::string_view> whole = {plain->content};
    const InodePointer copy = parts_.disk.Make(container.compressing + ".tmp", FileKind::kRegular);
    parts_.disk.Write(copy, 0, gzip.Compress(whole));
    parts_.model.Compressed(plain->identity, copy->identity);
    Tell("compresses " + container.compressing);
    if (parts_.random.OneIn(2)) return;
  }
  const std::string plain = container.compressing;
  if (parts_.disk.Find(plain + ".tmp") != nullptr) {
    parts_.disk.Rename(plain + ".tmp", plain + ".gz");
    if (parts_.random.OneIn(2)) return;
  }
  container.compressing.clear();
  parts_.disk.Remove(plain);
  Tell("compressed " + plain);
}

void Kubelet::DeleteOldest(Container& container) {
  const std::vector<std::string> rotated = Rotated(container, /*compressed=*/true);
  if (rotated.size() < kRotatedMax || rotated.front() == container.compressing ||
      rotated.front() == container.compressing + ".gz") {
    return;
  }
  parts_.disk.Remove(rotated.front());
  Tell("deleted " + rotated.front());
}

void Kubelet::Restart(Container& container) {
  if (container.is_renamed || !container.compressing.empty()) return;
  RemoveDead(container);
  container.torn.reset();  // what it had not said it never will
  ++container.restart;
  Tell("restarted " + container.directory);
  Start(container);
}

// Only the newest dead one is kept.
void Kubelet::RemoveDead(const Container& container) {
  if (container.restart == 0) return;
  Container dead = container;
  dead.restart = container.restart - 1;
  for (const std::string& path : Rotated(dead, /*compressed=*/true)) parts_.disk.Remove(path);
  if (parts_.disk.Find(dead.path()) != nullptr) parts_.disk.Remove(dead.path());
}

void Kubelet::RemovePod(size_t index) {
  const std::string directory =
      std::string(kPodsDirectory) + "/" + DirectoryOf(containers_[index].directory);
  containers_.erase(containers_.begin() + static_cast<ptrdiff_t>(index));
  parts_.disk.RemoveTree(directory);
  Tell("removed " + directory);
}

void Kubelet::Truncate(Container& container) {
  if (container.is_renamed) return;
  container.torn.reset();
  parts_.model.Truncated(container.file->identity, container.file->content.size());
  parts_.disk.Truncate(container.file, 0);
  Tell("truncated " + container.path());
  if (!kRotatesEmptyFiles) Write(container);
}

}  // namespace hinomi::simulation
