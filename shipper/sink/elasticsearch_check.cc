#include "shipper/sink/elasticsearch_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_walk.h"
#include "shipper/sink/json_text.h"

namespace hinomi {
namespace {

/// `index` with a * for each word that is filled in.
std::string PatternOf(std::string_view index) {
  std::string pattern;
  bool in_word = false;
  for (char c : index) {
    if (c == '{') pattern += '*';
    in_word = c == '{' || (in_word && c != '}');
    if (!in_word && c != '}') pattern += c;
  }
  return pattern;
}

/// The privileges that an answer of _has_privileges says are missing.
class Missing final : public JsonVisitor {
 public:
  void Flag(const JsonPath& path, bool value) override {
    if (!value && path.last() != "has_all_requested") names.push_back(path.last());
  }
  std::vector<std::string> names;
};

// The complaint about a body without documents comes once the server knows who asks.
Attempt Reach(ElasticsearchClient* client, const std::string& pattern) {
  constexpr std::string_view kNothing[] = {"\n"};
  ElasticsearchReply reply = client->Ask({.method = "POST",
                                          .path = fmt::format("/{}/_bulk", UrlEncoded(pattern)),
                                          .body = kNothing,
                                          .content_type = "application/x-ndjson"});
  return reply.status == 400 ? Attempt{} : std::move(reply.failure);
}

// What is older than data streams has not this either, and takes it for the name of an index.
Attempt CheckVersion(ElasticsearchClient* client, const std::string& pattern) {
  const ElasticsearchReply reply = client->Ask({.path = "/_resolve/index/" + UrlEncoded(pattern)});
  if (reply.status != 400 && reply.status != 405) return {};
  return {.error = fmt::format("cannot use \"{}\": it has no data streams ({}); Elasticsearch has "
                               "them from 7.9 on, OpenSearch always",
                               client->endpoint(), reply.status),
          .code = "version",
          .retry_after = {}};
}

Attempt CheckPrivileges(ElasticsearchClient* client, const ElasticsearchConfig& config,
                        const std::string& pattern) {
  const std::string body =
      fmt::format(R"({{"cluster":[{}],"index":[{{"names":[{}],"privileges":["create_doc"]}}]}})",
                  config.setup ? R"("manage_index_templates")" : "", JsonString(pattern));
  const std::string_view parts[] = {body};
  const ElasticsearchReply reply =
      client->Ask({.method = "POST", .path = "/_security/user/_has_privileges", .body = parts});
  Missing missing;
  if (reply.status != 200 || !WalkJson(reply.body, missing) || missing.names.empty()) return {};
  return {.error = fmt::format(
              "cannot write to \"{}\" at \"{}\": the privileges {} are missing; "
              "grant them{}",
              config.index, client->endpoint(), fmt::join(missing.names, " and "),
              config.setup ? ", or set `setup: false` if somebody else prepares it" : ""),
          .code = "403",
          .retry_after = {}};
}

}  // namespace

Attempt CheckServer(ElasticsearchClient* client, const ElasticsearchConfig& config) {
  const std::string pattern = PatternOf(config.index);
  if (Attempt failure = Reach(client, pattern); !failure.error.empty()) return failure;
  if (Attempt failure = CheckVersion(client, pattern); !failure.error.empty()) return failure;
  return CheckPrivileges(client, config, pattern);
}

}  // namespace hinomi
