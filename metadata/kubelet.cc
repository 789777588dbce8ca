#include "metadata/kubelet.h"

#include <fmt/core.h>

#include "base/secret.h"
#include "metadata/kubelet_pods.h"

namespace hinomi {
namespace {

std::string_view RemedyOf(int status) {
  if (status == 401) return "; is kubelet.token_file a token that this cluster takes?";
  if (status == 403) return "; its owner needs the right to get nodes/pods";
  return "";
}

}  // namespace

Kubelet::Kubelet(KubeletOptions options, FileSystem& files)
    : options_(std::move(options)),
      files_(files),
      client_({.peer = "the kubelet",
               .ca_file = options_.ca_file,
               .public_key_sha256 = options_.public_key_sha256}) {}

Result<std::vector<PodMetadata>> Kubelet::List(const std::stop_token& stop) {
  HttpRequest request;
  request.url = options_.url + "/pods";
  request.timeout = options_.timeout;
  std::vector<std::string> headers;
  if (!options_.token_file.empty()) {
    const Result<std::string> token = ReadSecret(files_, options_.token_file);
    if (!token) return Error{ErrorKind::kTransient, token.error().message};
    headers.push_back("Authorization: Bearer " + *token);
  }
  request.headers = headers;
  const HttpAnswer answer = client_.Send(request, stop);
  if (!answer.code.empty()) return Error{ErrorKind::kTransient, answer.error};
  if (answer.status != 200) {
    return Error{ErrorKind::kTransient,
                 fmt::format("cannot list the pods of \"{}\": HTTP {}{}", OriginOf(request.url),
                             answer.status, RemedyOf(answer.status))};
  }
  auto pods = ParseKubeletPods(answer.body, options_.annotations);
  if (pods) return pods;
  return Error{ErrorKind::kCorrupt, fmt::format("cannot read the pods of \"{}\": {}",
                                                OriginOf(request.url), pods.error().message)};
}

}  // namespace hinomi
