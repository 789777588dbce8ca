#include "app/agent_client.h"

#include <fmt/format.h>

#include "base/http_client.h"
#include "base/secret.h"

namespace hinomi {

std::string LocalUrl(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  const std::string port = listen.substr(colon);
  if (host.empty() || host == "0.0.0.0") return "http://127.0.0.1" + port;
  return (host == "[::]" ? "http://[::1]" : "http://" + host) + port;
}

AgentAnswer AskAgent(const AgentQuestion& question, const HttpConfig& config, FileSystem& files) {
  HttpRequest request;
  request.timeout = std::chrono::seconds(10);
  request.url = question.url + question.path;
  char separator = '?';
  for (const auto& [name, value] : question.parameters) {
    request.url += fmt::format("{}{}={}", separator, name, UrlEncoded(value));
    separator = '&';
  }
  std::vector<std::string> headers;
  if (!config.token_file.empty()) {
    const Result<std::string> token = ReadSecret(files, config.token_file);
    if (!token) return {.error = token.error().message};
    headers.push_back("Authorization: Bearer " + *token);
  }
  request.headers = headers;
  HttpClientOptions options;
  options.peer = "the agent";
  HttpAnswer answer = HttpClient(options).Send(request, {});
  if (!answer.code.empty()) {
    return {.error =
                answer.error +
                " Start it with hinomi run, or say with --address or --config where it listens"};
  }
  AgentAnswer result{answer.status, std::move(answer.body), ""};
  if (result.status == 200) return result;
  const std::string why = result.text.substr(0, result.text.find('\n'));
  result.error = fmt::format("cannot get \"{}\": the agent answered {}: {}", question.path,
                             result.status, why);
  if (result.status == 401) result.error += "; http.token_file of --config says which token it is";
  return result;
}

}  // namespace hinomi
