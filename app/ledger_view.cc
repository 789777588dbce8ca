#include "app/ledger_view.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <tuple>

#include "app/json_writer.h"
#include "config/glob.h"
#include "config/text.h"

namespace hinomi {
namespace {

std::string Time(int64_t unix_seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<time_t>(unix_seconds)));
}

uint64_t Absolute(int64_t value) { return static_cast<uint64_t>(std::abs(value)); }

LedgerSums SumsOf(const LedgerEntry& entry) { return LedgerSums{} += entry; }

template <typename Reason, size_t kCount>
void WriteReasons(JsonWriter& json, std::string_view key,
                  const std::array<uint64_t, kCount>& bytes) {
  json.Object(key, [&] {
    for (size_t i = 0; i < kCount; ++i) {
      if (bytes[i] > 0) json.Member(ToString(static_cast<Reason>(i)), bytes[i]);
    }
  });
}

void WriteSums(JsonWriter& json, const LedgerSums& sums) {
  json.Member("produced_bytes", sums.produced);
  json.Member("acknowledged_bytes", sums.settled.acknowledged);
  WriteReasons<DropReason>(json, "dropped_bytes", sums.settled.dropped);
  WriteReasons<LossReason>(json, "lost_bytes", sums.settled.lost);
  json.Member("in_flight_bytes", sums.in_flight);
  json.Member("unread_bytes", sums.unread);
  json.Member("imbalance_bytes", sums.imbalance);
}

void WriteEntry(JsonWriter& json, const LedgerEntry& entry) {
  json.Member("route", entry.route);
  json.Member("namespace", entry.namespace_name);
  if (entry.origin != nullptr) {
    const PodInfo& pod = entry.origin->pod;
    json.Member("pod", pod.pod_name);
    json.Member("pod_uid", pod.pod_uid);
    json.Member("container", pod.container_name);
    json.Member("restart", uint64_t{pod.restart_count});
  }
  WriteSums(json, SumsOf(entry));
}

// Rows of cells: names to the left, numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { Add(std::move(head)); }

  void Add(std::vector<std::string> row) {
    widths_.resize(row.size());
    // The labels of a container of docker may hold what moves a terminal's cursor.
    for (std::string& cell : row) std::replace_if(cell.begin(), cell.end(), iscntrl, '?');
    for (size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], row[i].size());
    rows_.push_back(std::move(row));
  }
  void Add(std::vector<std::string> names, const LedgerSums& sums) {
    for (const uint64_t bytes :
         {sums.produced, sums.settled.acknowledged, sums.settled.DroppedTotal(),
          sums.settled.LostTotal(), sums.pending()}) {
      names.push_back(std::to_string(bytes));
    }
    Add(std::move(names));
  }

  std::string Text(size_t names) const {
    std::string text;
    for (const std::vector<std::string>& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) {
        const std::string gap = i == 0 ? "" : "  ";
        text += i < names ? fmt::format("{}{:<{}}", gap, row[i], widths_[i])
                          : fmt::format("{}{:>{}}", gap, row[i], widths_[i]);
      }
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> widths_;
};

template <typename Reason, size_t kCount>
std::string ReasonLine(std::string_view what, const std::string& route,
                       const std::array<uint64_t, kCount>& bytes) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < kCount; ++i) {
    if (bytes[i] == 0) continue;
    parts.push_back(fmt::format("{} {}", bytes[i], ToString(static_cast<Reason>(i))));
  }
  if (parts.empty()) return "";
  return fmt::format("route {}: bytes {}: {}\n", route, what, fmt::join(parts, ", "));
}

std::string Verdict(const LedgerSums& total) {
  if (total.imbalance > 0) {
    return fmt::format(
        "It does NOT balance: {} bytes are not accounted for, which is a bug of the agent.\n",
        total.imbalance);
  }
  return fmt::format(
      "It balances: {} produced = {} acknowledged + {} dropped + {} lost + {} pending.\n",
      total.produced, total.settled.acknowledged, total.settled.DroppedTotal(),
      total.settled.LostTotal(), total.pending());
}

}  // namespace

Result<LedgerQuery> ParseLedgerQuery(const std::map<std::string, std::string>& parameters) {
  LedgerQuery query;
  for (const auto& [name, value] : parameters) {
    const auto unclear = [&, &name = name, &value = value](std::string_view expected) {
      return Error{ErrorKind::kConfig,
                   fmt::format("{}: expected {}, got {}", name, expected, Quoted(value))};
    };
    if (name == "namespace") {
      query.namespace_pattern = value;
    } else if (name == "pod") {
      query.pod_pattern = value;
    } else if (name == "route") {
      query.route_pattern = value;
    } else if (name == "limit") {
      const std::optional<uint64_t> limit = ParseNumber(value);
      if (!limit || *limit > LedgerQuery::kLogsMax) {
        return unclear(fmt::format("a number up to {}", LedgerQuery::kLogsMax));
      }
      query.logs_max = *limit;
    } else if (name == "format") {
      if (value != "json" && value != "text") return unclear("json or text");
      query.table = value == "text";
    } else {
      return Error{ErrorKind::kConfig,
                   fmt::format("no parameter is named {}; there are namespace, pod, route, limit "
                               "and format",
                               Quoted(name))};
    }
  }
  return query;
}

LedgerSums& LedgerSums::operator+=(const LedgerEntry& entry) {
  ++entries;
  produced += entry.produced;
  settled += entry.settled;
  in_flight += entry.in_flight;
  unread += entry.unread;
  imbalance += Absolute(entry.imbalance);
  return *this;
}

LedgerView ViewOf(const Ledger& ledger, const LedgerQuery& query) {
  LedgerView view;
  view.epoch_seconds = ledger.epoch_seconds;
  for (const LedgerEntry& entry : ledger.entries) {
    const bool gone = entry.origin == nullptr;
    if (!GlobMatches(query.route_pattern, entry.route)) continue;
    if (!GlobMatches(query.namespace_pattern, entry.namespace_name)) continue;
    if (gone && !query.pod_pattern.empty()) continue;  // nobody knows whose of them it was
    if (!gone && !GlobMatches(query.pod_pattern, entry.origin->pod.pod_name)) continue;
    view.routes[entry.route] += entry;
    view.total += entry;
    (gone ? view.gone : view.logs).push_back(&entry);
  }
  const auto rank = [](const LedgerEntry* entry) {
    return std::tuple(Absolute(entry->imbalance), entry->settled.LostTotal(),
                      entry->in_flight + entry->unread, entry->produced);
  };
  const size_t shown = std::min(view.logs.size(), query.logs_max);
  const auto end = view.logs.begin() + static_cast<ptrdiff_t>(shown);
  std::partial_sort(view.logs.begin(), end, view.logs.end(),
                    [&](const auto* a, const auto* b) { return rank(a) > rank(b); });
  for (auto it = end; it != view.logs.end(); ++it) view.left_out += **it;
  view.logs.resize(shown);
  return view;
}

std::string ToJson(const LedgerView& view) {
  JsonWriter json;
  json.Object([&] {
    json.Object("epoch", [&] {
      json.Member("id", view.epoch_seconds);
      json.Member("since", Time(view.epoch_seconds));
    });
    json.Member("balanced", view.total.imbalance == 0);
    json.Array("routes", [&] {
      for (const auto& [route, sums] : view.routes) {
        json.Object([&, &route = route, &sums = sums] {
          json.Member("route", route);
          WriteSums(json, sums);
        });
      }
    });
    json.Array("logs", [&] {
      for (const LedgerEntry* entry : view.logs) json.Object([&] { WriteEntry(json, *entry); });
    });
    json.Object("left_out", [&] {
      json.Member("logs", uint64_t{view.left_out.entries});
      WriteSums(json, view.left_out);
    });
    json.Array("gone", [&] {
      for (const LedgerEntry* entry : view.gone) json.Object([&] { WriteEntry(json, *entry); });
    });
  });
  return json.Text();
}

std::string ToText(const LedgerView& view) {
  constexpr size_t kNames = 5;
  Table table({"ROUTE", "NAMESPACE", "POD", "CONTAINER", "RESTART", "PRODUCED", "ACKNOWLEDGED",
               "DROPPED", "LOST", "PENDING"});
  for (const LedgerEntry* entry : view.logs) {
    const PodInfo& pod = entry->origin->pod;
    table.Add({entry->route, pod.namespace_name, pod.pod_name, pod.container_name,
               std::to_string(pod.restart_count)},
              SumsOf(*entry));
  }
  if (view.left_out.entries > 0) {
    table.Add({"", "", fmt::format("({} more)", view.left_out.entries), "", ""}, view.left_out);
  }
  for (const LedgerEntry* entry : view.gone) {
    table.Add({entry->route, entry->namespace_name, "(gone)", "", ""}, SumsOf(*entry));
  }
  for (const auto& [route, sums] : view.routes) table.Add({route, "(all)", "", "", ""}, sums);
  std::string text = fmt::format("Bytes of log files since {}, by what became of them.\n\n",
                                 Time(view.epoch_seconds));
  text += table.Text(kNames) + "\n";
  for (const auto& [route, sums] : view.routes) {
    text += ReasonLine<DropReason>("dropped", route, sums.settled.dropped);
    text += ReasonLine<LossReason>("lost", route, sums.settled.lost);
  }
  return text + Verdict(view.total);
}

}  // namespace hinomi
