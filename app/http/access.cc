#include "app/http/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <strings.h>

#include <algorithm>
#include <cstring>

#include "base/base64.h"
#include "base/logging.h"
#include "base/loopback.h"

namespace hinomi {
namespace {

constexpr uint64_t kTokenBytesMax = 4 << 10;
constexpr std::string_view kSpace = " \t\r\n";

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// Takes the same time wherever the two differ, so that the token cannot be found byte by byte.
bool SameSecret(std::string_view given, std::string_view secret) {
  size_t difference = given.size() ^ secret.size();
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i] ^ secret[i % secret.size()]);
  }
  return difference == 0;
}

HttpResponse Forbidden(std::string why) { return {.status = 403, .body = std::move(why)}; }

}  // namespace

bool IsOwnName(std::string_view host) {
  in6_addr six = {};
  if (host.starts_with('[')) {
    const std::string inside(host.substr(1, host.find(']') - 1));
    return host.find(']') != std::string_view::npos &&
           inet_pton(AF_INET6, inside.c_str(), &six) == 1;
  }
  const std::string name(host.substr(0, host.rfind(':')));
  in_addr four = {};
  return EqualsIgnoringCase(name, "localhost") || inet_pton(AF_INET, name.c_str(), &four) == 1;
}

std::string TokenIn(std::string_view authorization) {
  const size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return "";
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view rest = Trimmed(authorization.substr(space));
  if (EqualsIgnoringCase(scheme, "Bearer")) return std::string(rest);
  if (!EqualsIgnoringCase(scheme, "Basic")) return "";
  const std::string both = FromBase64(rest);
  const size_t colon = both.find(':');
  return colon == std::string::npos ? "" : both.substr(colon + 1);
}

std::optional<HttpResponse> Access::Refuse(const IncomingRequest& request) const {
  if (token_file_.empty()) {
    if (!IsLoopback(request.peer)) {
      return Forbidden(
          "this page answers the machine that the agent runs on only; to open it to others, name a "
          "file with a token in http.token_file\n");
    }
    if (!IsOwnName(request.host)) {
      return Forbidden(
          "without a token this page answers to localhost and to numeric addresses only; use one "
          "of them, or name a file with a token in http.token_file\n");
    }
    return std::nullopt;
  }
  const Result<std::string> content = files_.ReadWhole(token_file_, kTokenBytesMax);
  const std::string_view token = content ? Trimmed(*content) : "";
  if (token.empty()) {
    const std::string cause = content ? "the file is empty" : content.error().message;
    log::Warn("cannot use the token in \"{}\": {}; nobody can see the page and the API",
              token_file_, cause);
    return Forbidden(
        "nobody can be let in: the file that http.token_file names is empty or cannot be read\n");
  }
  if (SameSecret(TokenIn(request.authorization), token)) return std::nullopt;
  return HttpResponse{
      .status = 401,
      .body =
          "the token is missing or wrong; send it as Authorization: Bearer, or "
          "as the password of any user\n",
      .headers = {{"WWW-Authenticate", "Basic realm=\"hinomi\", charset=\"UTF-8\""}}};
}

}  // namespace hinomi
