#include "metadata/kubelet_client.h"

#include <fmt/core.h>

#include "base/secret.h"

namespace hinomi {
namespace {

std::string RemedyOf(int status, std::string_view right) {
  if (status == 401) return "; is kubelet.token_file a token that this cluster takes?";
  if (status == 403) return fmt::format("; its owner needs the right to get {}", right);
  return "";
}

}  // namespace

KubeletClient::KubeletClient(KubeletConfig config, FileSystem& files,
                             std::chrono::milliseconds timeout)
    : config_(std::move(config)),
      timeout_(timeout),
      files_(files),
      client_({.peer = "the kubelet",
               .ca_file = config_.ca_file,
               .public_key_sha256 = config_.public_key_sha256}) {}

Result<std::string> KubeletClient::Get(std::string_view path, std::string_view right,
                                       const std::stop_token& stop) {
  HttpRequest request;
  request.url = config_.url + std::string(path);
  request.timeout = timeout_;
  std::vector<std::string> headers;
  if (!config_.token_file.empty()) {
    const Result<std::string> token = ReadSecret(files_, config_.token_file);
    if (!token) return Error{ErrorKind::kTransient, token.error().message};
    headers.push_back("Authorization: Bearer " + *token);
  }
  request.headers = headers;
  HttpAnswer answer = client_.Send(request, stop);
  if (!answer.code.empty()) return Error{ErrorKind::kTransient, answer.error};
  if (answer.status == 200) return std::move(answer.body);
  return Error{ErrorKind::kTransient,
               fmt::format("cannot get {} of \"{}\": HTTP {}{}", path, origin(), answer.status,
                           RemedyOf(answer.status, right))};
}

}  // namespace hinomi
