#include "app/ledger_view.h"

#include <gmock/gmock.h>

namespace hinomi {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LedgerEntry Entry(const std::string& route, const std::string& space, const std::string& pod,
                  uint64_t produced) {
  auto origin = std::make_shared<Origin>();
  origin->pod.namespace_name = space;
  origin->pod.pod_name = pod;
  origin->pod.container_name = "main";
  LedgerEntry entry;
  entry.route = route;
  entry.origin = pod.empty() ? nullptr : origin;
  entry.namespace_name = space;
  entry.produced = produced;
  entry.settled.acknowledged = produced;
  return entry;
}

// Three logs on two routes, and what is left of one that is gone.
Ledger Example() {
  Ledger ledger;
  ledger.epoch_seconds = 1767225600;
  ledger.entries = {Entry("all", "shop", "web-1", 1000), Entry("all", "shop", "web-2", 500),
                    Entry("money", "billing", "pay-0", 300), Entry("all", "shop", "", 70)};
  ledger.entries[1].settled.acknowledged = 100;
  ledger.entries[1].settled.dropped[static_cast<size_t>(DropReason::kRejected)] = 40;
  ledger.entries[1].settled.lost[static_cast<size_t>(LossReason::kTruncated)] = 10;
  ledger.entries[1].in_flight = 150;
  ledger.entries[1].unread = 200;
  return ledger;
}

TEST(LedgerViewTest, TakesParameters) {
  const struct {
    std::map<std::string, std::string> parameters;
    const char* error;  // none: taken
  } kCases[] = {
      {{}, nullptr},
      {{{"namespace", "a*"}, {"pod", "b"}, {"route", "c"}, {"limit", "5"}}, nullptr},
      {{{"limit", "0"}, {"format", "text"}}, nullptr},
      {{{"limit", "10001"}}, "limit: expected a number up to 10000, got \"10001\""},
      {{{"limit", "-1"}}, "limit: expected"},
      {{{"limit", ""}}, "limit: expected"},
      {{{"format", "xml"}}, "format: expected json or text, got \"xml\""},
      {{{"name", "x"}}, "no parameter is named \"name\"; there are namespace, pod"},
  };
  for (const auto& [parameters, error] : kCases) {
    const Result<LedgerQuery> query = ParseLedgerQuery(parameters);
    EXPECT_EQ(query.ok(), error == nullptr);
    if (!query) {
      EXPECT_THAT(query.error().message, HasSubstr(error));
    }
  }
}

TEST(LedgerViewTest, FiltersAndAddsUp) {
  const Ledger ledger = Example();
  const struct {
    LedgerQuery query;
    uint64_t produced;
    size_t logs, gone;
  } kCases[] = {
      {{}, 1870, 3, 1},
      {{"shop"}, 1570, 2, 1},
      {{"", "web-*"}, 1500, 2, 0},  // whose the rest was is not known
      {{"", "", "money"}, 300, 1, 0},
      {{"none"}, 0, 0, 0},
  };
  for (const auto& [query, produced, logs, gone] : kCases) {
    const LedgerView view = ViewOf(ledger, query);
    EXPECT_EQ(view.total.produced, produced);
    EXPECT_EQ(view.logs.size(), logs);
    EXPECT_EQ(view.gone.size(), gone);
    EXPECT_EQ(view.total.produced, view.total.settled.Total() + view.total.pending());
  }
  EXPECT_EQ(ViewOf(ledger, {}).routes.at("all").settled.LostTotal(), 10u);
}

TEST(LedgerViewTest, ShowsFirstWhatNeedsALookAndCountsWhatItLeavesOut) {
  Ledger ledger = Example();
  ledger.entries[2].imbalance = -3;
  const LedgerView view = ViewOf(ledger, {"", "", "", 2});
  ASSERT_EQ(view.logs.size(), 2u);
  EXPECT_EQ(view.logs[0]->origin->pod.pod_name, "pay-0");  // a bug
  EXPECT_EQ(view.logs[1]->origin->pod.pod_name, "web-2");  // a loss
  EXPECT_EQ(view.left_out.entries, 1u);
  EXPECT_EQ(view.left_out.produced, 1000u);
  EXPECT_EQ(view.total.produced, 1870u);
}

TEST(LedgerViewTest, TooMuchDoesNotMakeUpForTooLittle) {
  Ledger ledger = Example();
  ledger.entries[0].imbalance = 5;
  ledger.entries[1].imbalance = -5;
  const LedgerView view = ViewOf(ledger, {});
  EXPECT_EQ(view.total.imbalance, 10u);
  EXPECT_THAT(ToText(view), HasSubstr("does NOT balance: 10 bytes"));
  EXPECT_THAT(ToJson(view), HasSubstr("\"balanced\":false"));
}

TEST(LedgerViewTest, PrintsATable) {
  EXPECT_EQ(ToText(ViewOf(Example(), {"", "", "", 2})),
            R"(Bytes of log files since 2026-01-01T00:00:00Z, by what became of them.

ROUTE  NAMESPACE  POD       CONTAINER  RESTART  PRODUCED  ACKNOWLEDGED  DROPPED  LOST  PENDING
all    shop       web-2     main       0             500           100       40    10      350
all    shop       web-1     main       0            1000          1000        0     0        0
                  (1 more)                           300           300        0     0        0
all    shop       (gone)                              70            70        0     0        0
all    (all)                                        1570          1170       40    10      350
money  (all)                                         300           300        0     0        0

route all: bytes dropped: 40 rejected
route all: bytes lost: 10 truncated
It balances: 1870 produced = 1470 acknowledged + 40 dropped + 10 lost + 350 pending.
)");
}

TEST(LedgerViewTest, WritesJson) {
  Ledger ledger = Example();
  ledger.entries.erase(ledger.entries.begin());
  ledger.entries.erase(ledger.entries.begin() + 1);
  const std::string json = ToJson(ViewOf(ledger, {}));
  EXPECT_THAT(json, HasSubstr(R"("epoch":{"id":1767225600,"since":"2026-01-01T00:00:00Z"})"));
  EXPECT_THAT(json, HasSubstr(R"("container":"main","restart":0,"produced_bytes":500,)"
                              R"("acknowledged_bytes":100,"dropped_bytes":{"rejected":40},)"
                              R"("lost_bytes":{"truncated":10},"in_flight_bytes":150,)"
                              R"("unread_bytes":200,"imbalance_bytes":0})"));
  EXPECT_THAT(json, HasSubstr(R"("gone":[{"route":"all","namespace":"shop","produced_bytes":70)"));
}

TEST(LedgerViewTest, MovesNoCursorOfATerminal) {
  Ledger ledger;
  ledger.entries = {Entry("all", "a\033[2Jb", "web", 1)};
  EXPECT_THAT(ToText(ViewOf(ledger, {})), HasSubstr("a?[2Jb"));
  EXPECT_THAT(ToText(ViewOf(ledger, {})), Not(HasSubstr("\033")));
}

}  // namespace
}  // namespace hinomi
