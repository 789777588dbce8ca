#include "app/page/page.h"

#include "base/check.h"
#include "base/embedded_file.h"

namespace hinomi {

extern const std::span<const EmbeddedFile> kPageFiles;

namespace {

std::string ContentType(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  CHECK(name.ends_with(".svg"));
  return "image/svg+xml";
}

}  // namespace

std::map<std::string, HttpResponse> PageFiles() {
  std::map<std::string, HttpResponse> files;
  for (const EmbeddedFile& file : kPageFiles) {
    HttpResponse response{.content_type = ContentType(file.name), .body = std::string(file.bytes)};
    response.headers = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
         "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"}};
    files["/" + (file.name == "index.html" ? "" : std::string(file.name))] = std::move(response);
  }
  return files;
}

}  // namespace hinomi
