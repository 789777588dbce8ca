// What the API answers besides the status: questions about the ledger and about one pod. Who may
// ask is decided in app/http/access.h.
#pragma once

#include "app/http/server.h"
#include "shipper/shipper.h"

namespace hinomi {

/// /api/v1/ledger. Any thread.
HttpResponse AnswerLedger(const IncomingRequest& request, Shipper& shipper);
/// /api/v1/explain. Any thread.
HttpResponse AnswerExplain(const IncomingRequest& request, Shipper& shipper);

}  // namespace hinomi
