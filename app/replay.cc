#include "app/replay.h"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "app/human_text.h"
#include "base/protobuf_wire.h"
#include "config/glob.h"

namespace hinomi {
namespace {

constexpr int kFruitlessAttemptsMax = 3;
constexpr Duration kWaitFirst = std::chrono::seconds(1);
constexpr Duration kWaitMax = std::chrono::seconds(10);  // however long a server asks for
constexpr Duration kProgressEvery = std::chrono::seconds(5);

size_t PendingOf(const Batch& batch) {
  return static_cast<size_t>(
      std::count_if(batch.records.begin(), batch.records.end(),
                    [](const BatchRecord& record) { return record.outcome == Outcome::kPending; }));
}

void Wait(Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
}

// For a terminal: what a server says may hold what a container wrote.
std::string Plain(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

std::string Letters(uint64_t count) {
  return fmt::format("{} dead letter{}", count, count == 1 ? "" : "s");
}

const SinkConfig* SinkNamed(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.sinks.begin(), config.sinks.end(),
                                  [&](const SinkConfig& sink) { return sink.name == name; });
  return found == config.sinks.end() ? nullptr : &*found;
}

// What a sink is given.
const std::string& GivenOf(const DeadLetter& letter) {
  return letter.encoded.empty() ? letter.record : letter.encoded;
}

}  // namespace

Replay::Replay(const Config& config, ReplayOptions options, Parts parts)
    : config_(config),
      options_(std::move(options)),
      parts_(std::move(parts)),
      files_(parts_.files, config.state_dir + "/dead_letters") {}

void Replay::Say(const std::string& what) const {
  std::fprintf(parts_.errors, "%s\n", what.c_str());
}

bool Replay::Matches(const DeadLetter& letter) const {
  const PodInfo& pod = letter.origin.pod;
  return GlobMatches(options_.sink_pattern, letter.sink) &&
         GlobMatches(options_.route_pattern, letter.route) &&
         GlobMatches(options_.type_pattern, letter.type) &&
         GlobMatches(options_.namespace_pattern, pod.namespace_name) &&
         GlobMatches(options_.pod_pattern, pod.pod_name) &&
         (!options_.since || letter.time >= DeadLetterTime(*options_.since)) &&
         (!options_.until || letter.time < DeadLetterTime(*options_.until));
}

bool Replay::Survey() {
  const auto stored = files_.List();
  if (!stored) {
    Say(stored.error().message);
    return false;
  }
  stored_ = *stored;
  uint64_t unreadable = 0;
  std::string why;
  const auto take = [&](std::string_view line, uint64_t) {
    Result<DeadLetter> letter = ParseDeadLetter(line);
    if (!letter) {
      ++unreadable;
      why = letter.error().message;
    } else if (Matches(*letter)) {
      Group& group = groups_[{letter->sink, letter->route, letter->type}];
      if (group.letters++ == 0) group.first_time = letter->time;
      group.bytes += letter->record.size();
      group.last = std::move(*letter);
      group.last.record.clear();
      group.last.encoded.clear();
      ++total_;
    }
    return true;
  };
  for (const DeadLetterFiles::Stored& file : stored_) {
    if (const auto read = files_.Read(file.number, {0, file.bytes}, take); !read) {
      Say(read.error().message);
      return false;
    }
  }
  if (unreadable > 0) {
    Say(fmt::format("{} cannot be read, the last: {}; left where they are", Letters(unreadable),
                    why));
  }
  return unreadable == 0;
}

bool Replay::List() {
  const bool readable = Survey();
  for (const auto& [key, group] : groups_) {
    const auto& [sink, route, type] = key;
    const PodInfo& pod = group.last.origin.pod;
    fmt::print(parts_.out, "{} of sink \"{}\"{}, route \"{}\": {}, {}, from {} to {}\n",
               group.letters, sink,
               SinkNamed(config_, sink) == nullptr ? " (not in the configuration)" : "", route,
               type, HumanBytes(group.bytes), group.first_time, group.last.time);
    fmt::print(parts_.out, "  the last, of {}/{}/{}: {}\n", pod.namespace_name, pod.pod_name,
               pod.container_name, Plain(group.last.reason));
  }
  if (readable && groups_.empty()) fmt::print(parts_.out, "There are none.\n");
  return readable;
}

// One replay at a time. The agent's own lock is a file in there, and not meant.
Result<std::unique_ptr<FileLock>> Replay::KeepOthersOut() {
  if (!parts_.files.Exists(files_.directory())) return std::unique_ptr<FileLock>();
  Result<std::unique_ptr<FileLock>> lock = parts_.files.Lock(config_.state_dir);
  if (lock) files_.Tidy().ok();
  if (lock || lock.error().kind != ErrorKind::kTransient) return lock;
  return Error{lock.error().kind,
               lock.error().message + "; another `hinomi replay` runs: wait until it has ended"};
}

bool Replay::Send(const std::stop_token& stop) {
  const Result<std::unique_ptr<FileLock>> lock = KeepOthersOut();
  if (!lock) {
    Say(lock.error().message);
    return false;
  }
  const bool readable = Survey();
  std::map<std::string, uint64_t> by_sink;
  for (const auto& [key, group] : groups_) by_sink[std::get<0>(key)] += group.letters;
  progress_at_ = parts_.clock.Monotonic() + kProgressEvery;
  for (const auto& [name, letters] : by_sink) {
    const SinkConfig* const sink = SinkNamed(config_, name);
    if (sink != nullptr) {
      SendTo(*sink, stop);
    } else {
      Say(fmt::format(
          "sink \"{}\" is not in the configuration, and has {}; name a sink so, if need be in a "
          "file of its own (--config)",
          name, Letters(letters)));
    }
  }
  if (stop.stop_requested()) Say("stopped; what was not acknowledged stays where it is");
  tally_.left = total_ - std::min(total_, tally_.sent + tally_.refused);
  fmt::print(parts_.out, "{} sent, {} refused again, {} left\n", tally_.sent, tally_.refused,
             tally_.left);
  return readable && tally_.refused + tally_.left == 0;
}

void Replay::SendTo(const SinkConfig& config, const std::stop_token& stop) {
  // A letter moves no cursor, and letters are at least once anyway.
  egress_.Apply(config_);
  SinkConfig plain = config;
  plain.kafka.delivery = KafkaDelivery::kAtLeastOnce;
  const std::unique_ptr<Sink> sink =
      parts_.make_sink(plain, {config_.cluster, config_.node, config_.routes, parts_.files,
                               parts_.clock, metrics_, egress_});
  for (DeadLetterFiles::Stored& file : stored_) {
    if (!SendFile(config, *sink, &file, stop)) return;
  }
}

bool Replay::SendFile(const SinkConfig& config, Sink& sink, DeadLetterFiles::Stored* file,
                      const std::stop_token& stop) {
  for (uint64_t offset = 0; !stop.stop_requested();) {
    Result<Portion> portion = Gather(config, sink, *file, offset);
    if (!portion) {
      Say(portion.error().message);
      return false;
    }
    if (portion->batch.records.empty()) return true;
    const std::string failure = Deliver(sink, &portion->batch, stop);
    ReplayTally tally;
    const std::string remaining = Remaining(*portion, &tally);
    if (const Result<void> replaced = Replace(*file, *portion, remaining); !replaced) {
      Say(replaced.error().message + "; what was sent of it will be sent once more");
      return false;
    }
    tally_.sent += tally.sent;
    tally_.refused += tally.refused;
    offset = portion->range.begin + remaining.size();
    file->bytes -= portion->range.end - portion->range.begin - remaining.size();
    Progress();
    if (!failure.empty()) {
      if (!stop.stop_requested()) Say(fmt::format("sink \"{}\": {}", config.name, failure));
      return false;
    }
  }
  return false;
}

// The next letters of a sink, as many as make a batch, with all that lies between them.
Result<Replay::Portion> Replay::Gather(const SinkConfig& config, const Sink& sink,
                                       const DeadLetterFiles::Stored& file, uint64_t offset) {
  Portion portion{.range = {offset, offset}, .text = {}, .lines = {}, .batch = {}};
  portion.batch.number = ++batches_;
  std::string text;
  const auto take = [&](std::string_view line, uint64_t begin) {
    Result<DeadLetter> letter = ParseDeadLetter(line);
    const bool wanted = letter && letter->sink == config.name && Matches(*letter);
    const std::string unfit = wanted ? Unfit(config, sink, *letter) : "";
    if (!unfit.empty() && said_.insert(unfit).second) Say(unfit);
    const bool sent = wanted && unfit.empty();
    const uint64_t bytes = portion.batch.bytes.size();
    if (sent && bytes > 0 && bytes + GivenOf(*letter).size() > config.batch_bytes) return false;
    portion.lines.push_back({text.size(), {}});
    text.append(line).append("\n");
    if (sent) {
      Add(std::move(*letter), &portion);
      portion.range.end = begin + line.size() + 1;
    }
    return true;
  };
  if (auto read = files_.Read(file.number, {offset, file.bytes}, take); !read) return read.error();
  // What lies behind the last of them stays out of it.
  portion.text = text.substr(0, portion.range.end - offset);
  while (!portion.lines.empty() && portion.lines.back().begin >= portion.text.size()) {
    portion.lines.pop_back();
  }
  return portion;
}

std::string Replay::Unfit(const SinkConfig& config, const Sink& sink,
                          const DeadLetter& letter) const {
  const std::string_view format = ToString(sink.format());
  if (letter.format != format) {
    return fmt::format(
        "sink \"{}\" takes records of the format \"{}\", and has dead letters of the format "
        "\"{}\"; they are left for a sink such as had its name before",
        config.name, format, letter.format);
  }
  if (sink.format() == RecordFormat::kOtlp && letter.encoded.empty()) {
    return fmt::format(
        "sink \"{}\" has dead letters of an earlier hinomi, which show a record and do not hold "
        "it; they are left, and `record` of each can be posted to /v1/logs of a collector",
        config.name);
  }
  const bool known = letter.origin.log_hash != 0 &&
                     std::all_of(letter.ranges.begin(), letter.ranges.end(),
                                 [](const SegmentRange& range) { return range.segment_key != 0; });
  if (config.type == SinkType::kArchive && !known) {
    return fmt::format(
        "sink \"{}\" is an archive, which could not tell whether it holds the records of dead "
        "letters that do not say which log they are of; they are left",
        config.name);
  }
  return "";
}

void Replay::Add(DeadLetter letter, Portion* portion) {
  Batch& batch = portion->batch;
  Slice slice;
  slice.origin = std::make_shared<const Origin>(letter.origin);
  slice.ranges = letter.ranges;
  slice.records = 1;
  if (!slice.ranges.empty()) {
    slice.begin = {slice.ranges.front().segment, slice.ranges.front().begin};
    slice.end = {slice.ranges.back().segment, slice.ranges.back().end};
  }
  BatchRecord record;
  record.begin = static_cast<uint32_t>(batch.bytes.size());
  batch.bytes += GivenOf(letter);
  if (!letter.encoded.empty()) {
    slice.head_begin = record.begin;
    slice.head_end = record.begin + static_cast<uint32_t>(FirstFieldBytes(letter.encoded));
    record.begin = slice.head_end;
  }
  record.end = static_cast<uint32_t>(batch.bytes.size());
  record.slice = static_cast<uint32_t>(batch.slices.size());
  record.source = slice.begin;
  record.source_end = slice.end;
  batch.records.push_back(record);
  batch.slices.push_back(std::move(slice));
  portion->lines.back().letter = std::move(letter);
}

// Tries until every record has its outcome, or nothing helps. Says then what the sink said last.
std::string Replay::Deliver(Sink& sink, Batch* batch, const std::stop_token& stop) const {
  for (int fruitless = 0;;) {
    const size_t before = PendingOf(*batch);
    const Attempt attempt = sink.Deliver(*batch, /*lane=*/0, stop);
    const size_t pending = PendingOf(*batch);
    if (pending == 0) return "";
    fruitless = pending < before ? 0 : fruitless + 1;
    if (fruitless == kFruitlessAttemptsMax || stop.stop_requested()) return attempt.error;
    const Duration wait =
        std::max(kWaitFirst * std::max(fruitless, 1), attempt.retry_after.value_or(Duration{0}));
    Wait(std::min(wait, kWaitMax), stop);
  }
}

std::string Replay::Remaining(const Portion& portion, ReplayTally* tally) const {
  const std::string time = DeadLetterTime(parts_.clock.Wall());
  const Batch& batch = portion.batch;
  std::map<uint32_t, const Rejection*> whys;
  for (const Rejection& rejection : batch.rejections) whys[rejection.record] = &rejection;
  std::string remaining;
  uint32_t record = 0;
  for (size_t i = 0; i < portion.lines.size(); ++i) {
    const Portion::Line& line = portion.lines[i];
    const size_t end =
        i + 1 < portion.lines.size() ? portion.lines[i + 1].begin : portion.text.size();
    const Outcome outcome = line.letter ? batch.records.at(record++).outcome : Outcome::kPending;
    if (outcome == Outcome::kAcknowledged) ++tally->sent;
    if (outcome == Outcome::kPending) remaining.append(portion.text, line.begin, end - line.begin);
    if (outcome != Outcome::kRejected) continue;
    ++tally->refused;
    const Rejection& why = *whys.at(record - 1);
    DeadLetter letter = *line.letter;
    letter.time = time;
    letter.type = why.type;
    letter.reason = why.reason;
    remaining += EncodeDeadLetter(letter);
  }
  return remaining;
}

Result<void> Replay::Replace(const DeadLetterFiles::Stored& file, const Portion& portion,
                             const std::string& remaining) const {
  if (remaining == portion.text) return {};
  const Result<std::unique_ptr<FileLock>> lock = files_.Lock();
  if (!lock) return lock.error();
  return files_.Replace(file.number, portion.range, remaining);
}

void Replay::Progress() {
  const Duration now = parts_.clock.Monotonic();
  if (now < progress_at_) return;
  progress_at_ = now + kProgressEvery;
  Say(fmt::format("{} of {} sent, {} refused again", tally_.sent, Letters(total_), tally_.refused));
}

}  // namespace hinomi
