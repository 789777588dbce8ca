#include "app/scrape.h"

#include "shipper/compress/gzip.h"

namespace hinomi {
namespace {

// The weight of an encoding is not looked at, but for its refusal.
bool TakesGzip(std::string_view accept_encoding) {
  const size_t at = accept_encoding.find("gzip");
  if (at == std::string_view::npos) return false;
  const std::string_view rest = accept_encoding.substr(at, accept_encoding.find(',', at) - at);
  return rest.find("q=0") == std::string_view::npos || rest.find("q=0.") != std::string_view::npos;
}

}  // namespace

HttpResponse AnswerScrape(const IncomingRequest& request, Scraper& scraper) {
  const ExpositionFormat format = ChooseFormat(request.accept);
  HttpResponse response{.content_type = std::string(ContentTypeOf(format))};
  if (!TakesGzip(request.accept_encoding)) {
    response.body = scraper.Scrape(format);
    return response;
  }
  GzipCompressor compressor;
  compressor.Begin();
  compressor.Add(scraper.Scrape(format, [&](std::string_view text) { compressor.Add(text); }));
  response.body = std::string(compressor.End());
  response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

}  // namespace hinomi
