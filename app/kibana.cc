#include "app/kibana.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <string_view>
#include <thread>
#include <vector>

#include "base/http_client.h"
#include "base/secret.h"

namespace hinomi {
namespace {

using Steady = std::chrono::steady_clock;

constexpr uint64_t kFileBytesMax = 10
                                   << 20;  // Kibana's savedObjects.maxImportPayloadBytes is 25 MiB
constexpr size_t kWordsMax = 300;          // of the server, in a message
constexpr std::string_view kBoundary = "hinomi-3f1c0a6bd2e94f57";

std::string TextOf(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  return member != object.MemberEnd() && member->value.IsString() ? member->value.GetString() : "";
}

/// `search "hinomi-errors": missing_references; …` of the objects that were refused.
std::string Refusals(const rapidjson::Value& errors) {
  std::string text;
  for (const auto& one : errors.GetArray()) {
    if (!one.IsObject()) continue;
    const auto why = one.FindMember("error");
    const bool told = why != one.MemberEnd() && why->value.IsObject();
    text += fmt::format("{}{} \"{}\": {} {}", text.empty() ? "" : "; ", TextOf(one, "type"),
                        TextOf(one, "id"), told ? TextOf(why->value, "type") : "refused",
                        told ? TextOf(why->value, "message") : "");
    if (text.size() > kWordsMax) break;
  }
  return text;
}

Result<uint64_t> CountOf(const HttpAnswer& answer, const std::string& origin) {
  rapidjson::Document said;
  said.Parse(answer.body.c_str());
  const bool object = !said.HasParseError() && said.IsObject();
  const std::string what = fmt::format("cannot load saved objects into \"{}\": ", origin);
  if (answer.status != 200 || !object) {
    std::string why = object ? TextOf(said, "message") : answer.body.substr(0, kWordsMax);
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
  const auto errors = said.FindMember("errors");
  if (errors != said.MemberEnd() && errors->value.IsArray() && !errors->value.Empty()) {
    return Error{ErrorKind::kPermanent, what + Refusals(errors->value)};
  }
  const auto count = said.FindMember("successCount");
  if (count == said.MemberEnd() || !count->value.IsUint64()) {
    return Error{ErrorKind::kPermanent, what + "it does not say that it did"};
  }
  return count->value.GetUint64();
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
