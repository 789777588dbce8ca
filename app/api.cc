#include "app/api.h"

#include <fmt/format.h>

#include "app/explain.h"
#include "app/ledger_view.h"
#include "base/clock.h"
#include "config/text.h"

namespace hinomi {
namespace {

constexpr char kJson[] = "application/json";

HttpResponse BadRequest(const Error& error) {
  return {.status = 400, .body = error.message + "\n"};
}

}  // namespace

HttpResponse AnswerLedger(const IncomingRequest& request, Shipper& shipper) {
  const Result<LedgerQuery> query = ParseLedgerQuery(request.parameters);
  if (!query) return BadRequest(query.error());
  const Ledger ledger = shipper.TakeLedger();
  const LedgerView view = ViewOf(ledger, *query);
  if (query->table) return {.body = ToText(view)};
  return {.content_type = kJson, .body = ToJson(view) + "\n"};
}

HttpResponse AnswerExplain(const IncomingRequest& request, Shipper& shipper) {
  std::string question, format = "json";
  for (const auto& [name, value] : request.parameters) {
    if (name != "pod" && name != "format") {
      return BadRequest(
          {ErrorKind::kConfig,
           fmt::format("no parameter is named {}; there are pod and format", Quoted(name))});
    }
    (name == "pod" ? question : format) = value;
  }
  const Result<PodQuery> query = ParsePodQuery(question);
  if (!query) return BadRequest({ErrorKind::kConfig, "pod: " + query.error().message});
  const PodFacts facts = shipper.Explain(*query);
  const Explanation explanation =
      Explain({shipper.config(), facts, question, SystemClock().Wall()});
  if (format == "text") return {.body = ToText(explanation)};
  return {.content_type = kJson, .body = ToJson(explanation) + "\n"};
}

}  // namespace hinomi
