#include "base/http_client.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/check.h"

namespace hinomi {

namespace {

constexpr long kConnectTimeoutMaxMilliseconds = 10000;

/// The body as libcurl reads it: in pieces, and from the start again when a kept connection turns
/// out dead.
struct BodyReader {
  std::span<const std::string_view> parts;
  size_t part = 0;
  size_t offset = 0;

  static size_t Read(char* out, size_t size, size_t count, void* self) {
    auto& reader = *static_cast<BodyReader*>(self);
    const size_t room = size * count;
    size_t filled = 0;
    while (filled < room && reader.part < reader.parts.size()) {
      const std::string_view data = reader.parts[reader.part].substr(reader.offset);
      const size_t length = std::min(room - filled, data.size());
      if (length > 0) memcpy(out + filled, data.data(), length);
      filled += length;
      reader.offset += length;
      if (length == data.size()) {
        ++reader.part;
        reader.offset = 0;
      }
    }
    return filled;
  }

  static int Seek(void* self, curl_off_t offset, int origin) {
    if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    auto& reader = *static_cast<BodyReader*>(self);
    reader.part = 0;
    reader.offset = 0;
    return CURL_SEEKFUNC_OK;
  }
};

struct AnswerWriter {
  std::string* body = nullptr;
  size_t bytes_max = 0;
  bool too_large = false;

  static size_t Write(char* data, size_t size, size_t count, void* self) {
    auto& writer = *static_cast<AnswerWriter*>(self);
    const size_t length = size * count;
    if (writer.body->size() + length > writer.bytes_max) {
      writer.too_large = true;
      return 0;
    }
    writer.body->append(data, length);
    return length;
  }
};

/// Why the last socket of a request could not be opened is kept for the answer.
struct SocketOpener {
  SocketSource* source = nullptr;
  std::string error;

  static curl_socket_t Open(void* self, curlsocktype, curl_sockaddr* address) {
    auto& opener = *static_cast<SocketOpener*>(self);
    const Result<int> made =
        opener.source->Open(address->family, address->socktype, address->protocol);
    opener.error = made ? "" : made.error().message;
    return made ? *made : CURL_SOCKET_BAD;
  }
  static int Close(void* self, curl_socket_t socket) {
    static_cast<SocketOpener*>(self)->source->Close(socket);
    return 0;
  }
};

struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, SlistDeleter>;

void AddHeader(HeaderList* headers, const std::string& header) {
  curl_slist* longer = curl_slist_append(headers->get(), header.c_str());
  CHECK(longer != nullptr);
  static_cast<void>(headers->release());
  headers->reset(longer);
}

/// One word per way of failing: what the metric label `code` shows.
const char* CodeOf(CURLcode result) {
  switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "resolve";
    case CURLE_COULDNT_CONNECT:
      return "connect";
    case CURLE_OPERATION_TIMEDOUT:
      return "timeout";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return "tls";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return "reset";
    case CURLE_PARTIAL_FILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // no status line: what libcurl takes for HTTP/0.9
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
      return "response";
    default:
      return "io";
  }
}

/// What to do about a failed handshake, by a fragment of OpenSSL's or libcurl's words.
struct TlsRemedy {
  std::string_view fragment;
  std::string_view remedy;
};
constexpr TlsRemedy kTlsRemedies[] = {
    {"has expired", "renew it, and see that this node's clock is right"},
    {"not yet valid", "see that this node's clock is right"},
    {"subject name", "call the server by a name that its certificate has"},
    {"certificate required", "set `certificate_file` and `key_file`"},
    {"alert", "it does not accept us; check `certificate_file` and `key_file`, if it wants them"},
    {"client certificate", "check `certificate_file` and `key_file`"},
    {"private key", "check that `key_file` belongs to `certificate_file`"},
};

std::string ExplainTls(const std::string& cause, const HttpClientOptions& options) {
  if (!options.public_key_sha256.empty()) {
    return fmt::format("{}; has its key changed, or is somebody else answering?", cause);
  }
  for (const auto& [fragment, remedy] : kTlsRemedies) {
    if (cause.find(fragment) != std::string::npos) return fmt::format("{}; {}", cause, remedy);
  }
  return fmt::format("{}; does it serve HTTPS, and does `ca_file` ({}) belong to it?", cause,
                     options.ca_file.empty() ? "not set: the system's" : options.ca_file);
}

std::string Explain(std::string_view code, const std::string& cause,
                    const HttpClientOptions& options) {
  if (code == "connect") return fmt::format("{}; is {} running there?", cause, options.peer);
  if (code == "resolve") return fmt::format("{}; check the name and this node's DNS", cause);
  if (code == "timeout")
    return fmt::format("{}; is {} overloaded or not reachable?", cause, options.peer);
  if (code == "tls") return ExplainTls(cause, options);
  if (code == "reset")
    return fmt::format("the connection was closed without an answer ({}); does it want https://?",
                       cause);
  if (code == "response")
    return fmt::format("no complete HTTP answer ({}); is that {}?", cause, options.peer);
  return cause;
}

/// libcurl's global state, made once for the process, before the first handle.
void InitializeLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

}  // namespace

struct HttpClient::Handles {
  // A multi handle for a single request: unlike curl_easy_perform it can be woken from another
  // thread.
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();
  char error[CURL_ERROR_SIZE] = "";
  SocketOpener sockets;

  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }

  void Configure(const HttpClientOptions& options);
  void Prepare(const HttpRequest& request, const HeaderList& headers, BodyReader* body);
  CURLcode Perform(const std::stop_token& stop);
  std::string Cause(CURLcode result) const;
};

template <typename T>
static void Set(CURL* easy, CURLoption option, T value) {
  CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

void HttpClient::Handles::Configure(const HttpClientOptions& options) {
  Set(easy, CURLOPT_ERRORBUFFER, error);
  Set(easy, CURLOPT_NOSIGNAL, 1L);
  Set(easy, CURLOPT_QUICK_EXIT, 1L);  // a stop must not wait for a resolver that does not answer
  Set(easy, CURLOPT_PROXY, "");       // the agent talks only to what was named
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  Set(easy, CURLOPT_USERAGENT, "hinomi");
  Set(easy, CURLOPT_WRITEFUNCTION, &AnswerWriter::Write);
  Set(easy, CURLOPT_READFUNCTION, &BodyReader::Read);
  Set(easy, CURLOPT_SEEKFUNCTION, &BodyReader::Seek);
  if (options.sockets != nullptr) {
    sockets.source = options.sockets;
    Set(easy, CURLOPT_OPENSOCKETFUNCTION, &SocketOpener::Open);
    Set(easy, CURLOPT_OPENSOCKETDATA, &sockets);
    Set(easy, CURLOPT_CLOSESOCKETFUNCTION, &SocketOpener::Close);
    Set(easy, CURLOPT_CLOSESOCKETDATA, &sockets);
  }
  if (!options.ca_file.empty()) Set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.certificate_file.empty()) {
    Set(easy, CURLOPT_SSLCERT, options.certificate_file.c_str());
    Set(easy, CURLOPT_SSLKEY, options.key_file.c_str());
  }
  if (options.public_key_sha256.empty()) return;
  Set(easy, CURLOPT_PINNEDPUBLICKEY, ("sha256//" + options.public_key_sha256).c_str());
  if (!options.ca_file.empty()) return;
  Set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  Set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

void HttpClient::Handles::Prepare(const HttpRequest& request, const HeaderList& headers,
                                  BodyReader* body) {
  error[0] = '\0';
  sockets.error.clear();
  Set(easy, CURLOPT_URL, request.url.c_str());
  Set(easy, CURLOPT_HTTPHEADER, headers.get());
  const long timeout = std::max<long>(1, static_cast<long>(request.timeout.count()));
  Set(easy, CURLOPT_TIMEOUT_MS, timeout);
  Set(easy, CURLOPT_CONNECTTIMEOUT_MS, std::min(timeout, kConnectTimeoutMaxMilliseconds));
  Set(easy, CURLOPT_USERNAME, request.username.empty() ? nullptr : request.username.c_str());
  Set(easy, CURLOPT_PASSWORD, request.username.empty() ? nullptr : request.password.c_str());
  if (request.method == "GET") {
    Set(easy, CURLOPT_HTTPGET, 1L);
    Set(easy, CURLOPT_CUSTOMREQUEST, nullptr);
    return;
  }
  curl_off_t size = 0;
  for (std::string_view part : request.body) size += static_cast<curl_off_t>(part.size());
  Set(easy, CURLOPT_POST, 1L);
  Set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  Set(easy, CURLOPT_POSTFIELDS, nullptr);
  Set(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
  Set(easy, CURLOPT_READDATA, body);
  Set(easy, CURLOPT_SEEKDATA, body);
}

CURLcode HttpClient::Handles::Perform(const std::stop_token& stop) {
  CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
  {
    const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi); });
    int running = 1;
    while (!stop.stop_requested()) {
      if (curl_multi_perform(multi, &running) != CURLM_OK) break;
      if (running == 0) break;
      if (curl_multi_poll(multi, nullptr, 0, 1000, nullptr) != CURLM_OK) break;
    }
  }
  CURLcode result = stop.stop_requested() ? CURLE_ABORTED_BY_CALLBACK : CURLE_FAILED_INIT;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  }
  // Of a request that is not finished, this closes the connection.
  curl_multi_remove_handle(multi, easy);
  return result;
}

std::string HttpClient::Handles::Cause(CURLcode result) const {
  long code = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &code);
  if (result == CURLE_COULDNT_CONNECT && code != 0) return strerror(static_cast<int>(code));
  return error[0] != '\0' ? error : curl_easy_strerror(result);
}

HttpClient::HttpClient(HttpClientOptions options) : options_(std::move(options)) {
  InitializeLibrary();
  Forget();
}

HttpClient::~HttpClient() = default;

void HttpClient::Forget() {
  handles_ = std::make_unique<Handles>();
  CHECK(handles_->multi != nullptr && handles_->easy != nullptr);
  handles_->Configure(options_);
}

HttpAnswer HttpClient::Send(const HttpRequest& request, const std::stop_token& stop) {
  HttpAnswer answer;
  HeaderList headers;
  AddHeader(&headers, "Expect:");  // no 100-continue: it costs a round trip for every request
  for (const std::string& header : request.headers) AddHeader(&headers, header);
  BodyReader body{request.body};
  AnswerWriter writer{&answer.body, options_.answer_bytes_max};
  handles_->Prepare(request, headers, &body);
  CURL* easy = handles_->easy;
  Set(easy, CURLOPT_WRITEDATA, &writer);

  const CURLcode result = handles_->Perform(stop);
  const std::string endpoint = OriginOf(request.url);
  if (result == CURLE_ABORTED_BY_CALLBACK) {
    answer.code = "stopped";
    answer.error =
        fmt::format("cannot finish the request to \"{}\": the agent is stopping", endpoint);
  } else if (writer.too_large) {
    answer.code = "response_too_large";
    answer.error = fmt::format("cannot read the answer of \"{}\": more than {} bytes; is that {}?",
                               endpoint, options_.answer_bytes_max, options_.peer);
  } else if (result == CURLE_COULDNT_CONNECT && !handles_->sockets.error.empty()) {
    answer.code = "socket";
    answer.error = fmt::format("cannot connect to \"{}\": {}", endpoint, handles_->sockets.error);
  } else if (result != CURLE_OK) {
    const std::string cause = handles_->Cause(result);
    answer.code = CodeOf(result);
    // With TLS 1.3 a server refuses a client's certificate, or its absence, after the handshake.
    if (answer.code == "reset" && cause.find(" alert ") != std::string::npos) answer.code = "tls";
    answer.error =
        fmt::format("cannot {} \"{}\": {}", answer.code == "connect" ? "connect to" : "send to",
                    endpoint, Explain(answer.code, cause, options_));
  } else {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    char* location = nullptr;
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
    if (location != nullptr) answer.location = location;
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0) answer.retry_after = std::chrono::seconds(seconds);
  }
  return answer;
}

std::string OriginOf(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t authority = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t end = std::min(url.find_first_of("/?#", authority), url.size());
  const size_t at = url.substr(0, end).rfind('@');
  const size_t host = at == std::string_view::npos || at < authority ? authority : at + 1;
  return std::string(url.substr(0, authority)).append(url.substr(host, end - host));
}

std::string UrlEncoded(const std::string& text) {
  if (text.empty()) return {};  // libcurl takes a length of zero for "find out"
  char* encoded = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  CHECK(encoded != nullptr);
  std::string result = encoded;
  curl_free(encoded);
  return result;
}

}  // namespace hinomi
