// Answers Prometheus.
#pragma once

#include "app/http/server.h"
#include "collector/scraper.h"

namespace hinomi {

/// In the format and encoding that the client asks for.
HttpResponse AnswerScrape(const IncomingRequest& request, Scraper& scraper);

}  // namespace hinomi
