#include "app/kibana.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/http_client.h"
#include "base/json_walk.h"
#include "base/secret.h"

namespace hinomi {
namespace {

using Steady = std::chrono::steady_clock;

// Kibana's savedObjects.maxImportPayloadBytes is 25 MiB.
constexpr uint64_t kFileBytesMax = 10 << 20;
constexpr size_t kWordsMax = 300;  // of the server, in a message
constexpr std::string_view kBoundary = "hinomi-3f1c0a6bd2e94f57";

/// What Kibana says: {"successCount":1,"errors":[{"type","id","error":{"type"}}]}, or {"message"}.
class Visitor final : public JsonVisitor {
 public:
  void Text(const JsonPath& path, std::string_view value) override {
    if (path.Is({"message"})) message = value;
    if (path.Is({"errors", "", "type"})) type_ = value;
    if (path.Is({"errors", "", "id"})) id_ = value;
    if (path.Is({"errors", "", "error", "type"})) why_ = value;
  }
  void Number(const JsonPath& path, double value) override {
    if (path.Is({"successCount"}) && value >= 0 && value <= kFileBytesMax) {
      count = static_cast<uint64_t>(value);
    }
  }
  void EndObject(const JsonPath& path) override {
    if (!path.Is({"errors", ""})) return;
    if (refusals.size() < kWordsMax) {
      refusals += fmt::format("{}{} \"{}\": {}", refusals.empty() ? "" : "; ", type_, id_,
                              why_.empty() ? "refused" : why_);
    }
    type_.clear();
    id_.clear();
    why_.clear();
  }

  std::string message;
  std::string refusals;  // `search "hinomi-errors": missing_references; …`
  std::optional<uint64_t> count;

 private:
  std::string type_, id_, why_;  // of the error that is open
};

Result<uint64_t> CountOf(const HttpAnswer& answer, const std::string& origin) {
  const std::string what = fmt::format("cannot load saved objects into \"{}\": ", origin);
  Visitor said;
  const bool understood = WalkJson(answer.body, said).ok();
  if (answer.status != 200 || !understood) {
    std::string why = understood ? said.message : answer.body.substr(0, kWordsMax);
    if (answer.status == 401 || answer.status == 403) {
      why +=
          "; it needs a user who may manage saved objects: --username, --password-file or "
          "--api-key-file";
    }
    if (answer.status == 404 || !answer.location.empty()) {
      why += "; is this the address of Kibana, with its base path?";
    }
    return Error{ErrorKind::kPermanent,
                 fmt::format("{}it answered {}: {}", what, answer.status, why)};
  }
  if (!said.refusals.empty()) return Error{ErrorKind::kPermanent, what + said.refusals};
  if (!said.count) return Error{ErrorKind::kPermanent, what + "it does not say that it did"};
  return *said.count;
}

/// It starts, restarts, or is behind a proxy that has not found it yet.
bool IsNotReady(const HttpAnswer& answer) {
  return !answer.code.empty() || answer.status == 429 || answer.status == 502 ||
         answer.status == 503 || answer.status == 504;
}

}  // namespace

Result<uint64_t> LoadSavedObjects(const KibanaOptions& options, FileSystem& files) {
  const Result<std::string> objects = files.ReadWhole(options.file, kFileBytesMax);
  if (!objects) return objects.error();
  const Steady::time_point deadline = Steady::now() + options.wait;
  HttpClientOptions client_options;
  client_options.peer = "Kibana";
  client_options.ca_file = options.ca_file;
  HttpClient client(client_options);
  const std::string head = fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"objects.ndjson\"\r\n"
      "Content-Type: application/x-ndjson\r\n\r\n",
      kBoundary);
  const std::string tail = fmt::format("\r\n--{}--\r\n", kBoundary);
  const std::string_view body[] = {head, *objects, tail};
  const std::string url = options.url.substr(0, options.url.find_last_not_of('/') + 1);
  while (true) {
    HttpRequest request{.method = "POST",
                        .url = url + "/api/saved_objects/_import?overwrite=true",
                        .body = body,
                        .headers = {},
                        .username = options.username,
                        .password = {}};
    // Each of the two servers wants its own header and takes no notice of the other.
    std::vector<std::string> headers = {
        fmt::format("Content-Type: multipart/form-data; boundary={}", kBoundary),
        "kbn-xsrf: hinomi", "osd-xsrf: hinomi"};
    const bool with_key = !options.api_key_file.empty();
    if (with_key || !options.password_file.empty()) {
      Result<std::string> secret =
          ReadSecret(files, with_key ? options.api_key_file : options.password_file);
      if (!secret) return secret.error();
      if (with_key) headers.push_back("Authorization: ApiKey " + *secret);
      if (!with_key) request.password = *secret;
    }
    request.headers = headers;
    const HttpAnswer answer = client.Send(request, {});
    if (!IsNotReady(answer)) return CountOf(answer, OriginOf(url));
    if (Steady::now() + options.pause > deadline) {
      if (answer.code.empty()) return CountOf(answer, OriginOf(url));
      return Error{ErrorKind::kTransient, answer.error};
    }
    std::this_thread::sleep_for(options.pause);
  }
}

}  // namespace hinomi
