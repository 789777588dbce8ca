// The ledger for people: what an operator asked for of it, with sums that can be added up, as JSON
// and as a table. docs/operations.md describes both. Knows nothing of HTTP.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "shipper/status.h"

namespace hinomi {

struct LedgerQuery {
  static constexpr size_t kLogsMax = 10000;

  // Patterns with * and ?; empty matches everything.
  std::string namespace_pattern = "";
  std::string pod_pattern = "";
  std::string route_pattern = "";
  size_t logs_max = 1000;
  bool table = false;  // else JSON
};

/// From the parameters of a URL. Errors: config, such as one that does not exist.
Result<LedgerQuery> ParseLedgerQuery(const std::map<std::string, std::string>& parameters);

/// Of several entries of the ledger: produced = settled + in_flight + unread, unless imbalance says
/// how much is missing.
struct LedgerSums {
  size_t entries = 0;
  uint64_t produced = 0;
  SettledBytes settled;
  uint64_t in_flight = 0;
  uint64_t unread = 0;
  uint64_t imbalance = 0;  // too many and too few do not make up for each other

  LedgerSums& operator+=(const LedgerEntry& entry);
  uint64_t pending() const { return in_flight + unread; }
};

/// Refers to the ledger.
struct LedgerView {
  int64_t epoch_seconds = 0;
  std::map<std::string, LedgerSums> routes;
  LedgerSums total;
  /// What needs a look comes first: an imbalance, losses, then what is pending.
  std::vector<const LedgerEntry*> logs;
  LedgerSums left_out;  // logs that there was no room for
  std::vector<const LedgerEntry*>
      gone;  // namespaces' logs that are gone; none where a pod is named
};

LedgerView ViewOf(const Ledger& ledger, const LedgerQuery& query);

/// One object in one line, without a line end.
std::string ToJson(const LedgerView& view);
/// A table whose last line says whether it balances.
std::string ToText(const LedgerView& view);

}  // namespace hinomi
