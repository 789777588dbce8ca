#include "shipper/sink/earlier_copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/json_walk.h"
#include "base/logging.h"
#include "base/rfc3339.h"

namespace hinomi {
namespace {

using std::chrono::milliseconds;

constexpr size_t kIdsMax = 1000;  // of one request
constexpr size_t kHitsMax = 10'000;
// The clock of a node that writes logs and the server's need not agree.
constexpr milliseconds kClockDifferenceMax = std::chrono::minutes(1);

/// The text behind `name` up to the next quote; empty where it is not there.
std::string_view Between(std::string_view text, std::string_view name) {
  const size_t begin = text.find(name);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = text.substr(begin + name.size());
  return rest.substr(0, rest.find('"'));
}

/// One record as it is sent: what its action line and its document say.
class Encoded {
 public:
  Encoded(const Batch& batch, const BatchRecord& record)
      : bytes_(std::string_view(batch.bytes).substr(record.begin, record.end - record.begin)),
        action_(bytes_.substr(0, bytes_.find('\n'))) {}

  std::string_view id() const { return Between(action_, "\"_id\":\""); }
  std::string_view TargetOr(std::string_view otherwise) const {
    const std::string_view named = Between(action_, "\"_index\":\"");
    return named.empty() ? otherwise : named;
  }
  int64_t WrittenMilliseconds() const {
    const std::string_view time = Between(bytes_.substr(action_.size()), "\"@timestamp\":\"");
    return IsRfc3339(time) ? MillisecondsOf(time) : std::numeric_limits<int64_t>::max();
  }

 private:
  std::string_view bytes_, action_;
};

/// Collects the texts of all members of one name, and those in the list of a data stream's.
class Members final : public JsonVisitor {
 public:
  explicit Members(std::string_view name) : name_(name) {}
  void Text(const JsonPath& path, std::string_view text) override {
    if (path.last() == name_ || path.IsIn({"data_streams", "", name_})) texts.emplace_back(text);
  }
  std::vector<std::string> texts;

 private:
  std::string_view name_;
};

std::vector<std::string> MembersOf(std::string_view json, std::string_view name) {
  Members members(name);
  const bool read = WalkJson(json, members).ok();
  return read ? std::move(members.texts) : std::vector<std::string>();
}

bool IsUnanswered(const ElasticsearchReply& reply) {
  return reply.status == 0 || reply.status == 429 || reply.status >= 500;
}

}  // namespace

Attempt EarlierCopies::Acknowledge(ElasticsearchClient& client, Duration doubt_until, Batch* batch,
                                   std::vector<uint32_t>* pending) {
  if (denied_) return {};
  for (const std::string& target : TargetsInDoubt(*batch, *pending, doubt_until)) {
    const Stream* stream = nullptr;
    Attempt failure = LookAtStream(client, target, &stream);
    if (failure.error.empty() && stream != nullptr) {
      failure = Find(client, target, WrittenBefore(*stream, target, *batch, *pending), batch);
    }
    if (!failure.error.empty()) return failure;
  }
  std::erase_if(*pending, [&](uint32_t record) {
    return batch->records[record].outcome == Outcome::kAcknowledged;
  });
  return {};
}

// The records of a slice are those of one log, in order: its first one is the oldest.
std::set<std::string> EarlierCopies::TargetsInDoubt(const Batch& batch,
                                                    const std::vector<uint32_t>& pending,
                                                    Duration doubt_until) const {
  std::set<std::string> targets;
  std::optional<uint32_t> slice;
  for (uint32_t index : pending) {
    const BatchRecord& record = batch.records[index];
    if (slice == record.slice) continue;
    slice = record.slice;
    const Encoded encoded(batch, record);
    if (encoded.id().empty() || encoded.WrittenMilliseconds() >= doubt_until / milliseconds(1)) {
      continue;
    }
    targets.emplace(encoded.TargetOr(index_));
  }
  return targets;
}

std::vector<EarlierCopies::Doubtful> EarlierCopies::WrittenBefore(
    const Stream& stream, std::string_view target, const Batch& batch,
    const std::vector<uint32_t>& pending) const {
  const int64_t until = stream.created_milliseconds + kClockDifferenceMax.count();
  std::vector<Doubtful> doubtful;
  for (uint32_t index : pending) {
    const Encoded encoded(batch, batch.records[index]);
    if (encoded.WrittenMilliseconds() > until || encoded.TargetOr(index_) != target) continue;
    doubtful.push_back({index, encoded.id()});
  }
  return doubtful;
}

Attempt EarlierCopies::Find(ElasticsearchClient& client, const std::string& target,
                            const std::vector<Doubtful>& doubtful, Batch* batch) {
  const std::string path = fmt::format("/{}/_search?filter_path=hits.hits._id", UrlEncoded(target));
  size_t found = 0;
  for (size_t begin = 0; begin < doubtful.size(); begin += kIdsMax) {
    const size_t end = std::min(begin + kIdsMax, doubtful.size());
    std::string ids;
    for (size_t i = begin; i < end; ++i) {
      ids.append(i == begin ? "\"" : ",\"").append(doubtful[i].id).append("\"");
    }
    const std::string body = fmt::format(
        R"({{"size":{},"_source":false,"query":{{"ids":{{"values":[{}]}}}}}})", kHitsMax, ids);
    const std::string_view parts[] = {body};
    ElasticsearchReply reply = client.Ask({.method = "POST", .path = path, .body = parts});
    if (!reply.failure.error.empty()) return SayOnce(std::move(reply), target);
    const std::vector<std::string> hits = MembersOf(reply.body, "_id");
    const std::set<std::string_view> stored(hits.begin(), hits.end());
    for (size_t i = begin; i < end; ++i) {
      if (stored.count(doubtful[i].id) == 0) continue;
      batch->records[doubtful[i].record].outcome = Outcome::kAcknowledged;
      ++found;
    }
  }
  if (found > 0) {
    log::Info("sink \"{}\": {} of {} documents in doubt are stored in \"{}\" already", sink_, found,
              doubtful.size(), target);
  }
  return {};
}

Attempt EarlierCopies::LookAtStream(ElasticsearchClient& client, const std::string& target,
                                    const Stream** stream) {
  ElasticsearchReply reply =
      client.Ask({.path = fmt::format("/_resolve/index/{}?filter_path=data_streams.backing_indices",
                                      UrlEncoded(target))});
  if (reply.status == 404) return {};  // it is not there yet
  if (!reply.failure.error.empty()) return SayOnce(std::move(reply), target);
  const std::vector<std::string> indices = MembersOf(reply.body, "backing_indices");
  if (indices.size() < 2) return {};
  const auto known = streams_.find(target);
  if (known != streams_.end() && known->second.write_index == indices.back()) {
    *stream = &known->second;
    return {};
  }
  reply = client.Ask({.path = fmt::format("/{}/_settings/index.creation_date?filter_path="
                                          "*.settings.index.creation_date",
                                          UrlEncoded(indices.back()))});
  if (!reply.failure.error.empty()) return SayOnce(std::move(reply), target);
  const std::vector<std::string> created = MembersOf(reply.body, "creation_date");
  Stream found{indices.back()};
  if (created.size() != 1) return {};
  std::from_chars(created[0].data(), created[0].data() + created[0].size(),
                  found.created_milliseconds);
  // What was stored last before the rollover may not be seen by a search yet. Without the right to
  // do this it is seen a second later, by default.
  reply = client.Ask({.method = "POST", .path = fmt::format("/{}/_refresh", UrlEncoded(target))});
  if (IsUnanswered(reply)) return reply.failure;
  *stream = &(streams_[target] = std::move(found));
  return {};
}

Attempt EarlierCopies::SayOnce(ElasticsearchReply reply, const std::string& target) {
  if (IsUnanswered(reply)) return reply.failure;
  denied_ = true;
  log::Warn(
      "sink \"{}\" cannot look up what is stored in \"{}\" already: {}; after a rollover, what was "
      "sent before a restart or a lost answer may be stored twice; grant `read` and "
      "`view_index_metadata`, and `maintenance` to see what was stored last",
      sink_, target, reply.failure.error);
  return {};
}

}  // namespace hinomi
