#include "app/api.h"

#include "app/ledger_view.h"

namespace hinomi {
namespace {

constexpr char kJson[] = "application/json";

HttpResponse BadRequest(const Error& error) {
  return {.status = 400, .body = error.message + "\n"};
}

}  // namespace

HttpResponse AnswerLedger(const IncomingRequest& request, const Shipper& shipper) {
  const Result<LedgerQuery> query = ParseLedgerQuery(request.parameters);
  if (!query) return BadRequest(query.error());
  const Ledger ledger = shipper.TakeLedger();
  const LedgerView view = ViewOf(ledger, *query);
  if (query->table) return {.body = ToText(view)};
  return {.content_type = kJson, .body = ToJson(view) + "\n"};
}

}  // namespace hinomi
