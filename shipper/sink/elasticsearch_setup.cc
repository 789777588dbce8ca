#include "shipper/sink/elasticsearch_setup.h"

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/logging.h"
#include "config/name_parts.h"
#include "shipper/sink/bulk_response.h"
#include "shipper/sink/elasticsearch_templates.h"
#include "shipper/sink/setup_answer.h"

namespace hinomi {

namespace {

Attempt NotPrepared(const ElasticsearchClient& client, const std::string& index) {
  return {.error = fmt::format(
              "cannot send to \"{}\" at \"{}\": it does not exist and no index template would make "
              "it a data stream; set `setup: true`, or write a template with `data_stream` for it",
              index, client.endpoint()),
          .code = "no_data_stream",
          .retry_after = {}};
}

Attempt Explained(ElasticsearchReply reply, const std::string& index) {
  if (reply.status == 403) {
    reply.failure.error += fmt::format(
        "; without `setup` it must be allowed to see whether \"{}\" exists (view_index_metadata) "
        "and, as "
        "long as it does not, what would make it (manage_index_templates)",
        index);
  }
  return reply.failure;
}

Attempt FindTarget(ElasticsearchClient* client, const ElasticsearchConfig& config) {
  const std::string name = ExampleName(config.index);
  const std::string index = UrlEncoded(name);
  ElasticsearchReply reply = client->Ask({.path = "/_resolve/index/" + index});
  if (reply.failure.error.empty() && NamesTarget(reply.body)) return {};
  // Elasticsearch answers 404 for a target that is not there, OpenSearch an empty list.
  if (!reply.failure.error.empty() && reply.status != 404)
    return Explained(std::move(reply), config.index);

  reply = client->Ask({.method = "POST", .path = "/_index_template/_simulate_index/" + index});
  if (!reply.failure.error.empty()) return Explained(std::move(reply), config.index);
  const Simulation simulation = ParseSimulation(reply.body);
  if (simulation == Simulation::kDataStream) return {};
  if (simulation == Simulation::kNoTemplate) return NotPrepared(*client, config.index);

  reply = client->Ask(
      {.path = "/_index_template?filter_path=index_templates.index_template.index_patterns,"
               "index_templates.index_template.priority,"
               "index_templates.index_template.data_stream"});
  if (!reply.failure.error.empty()) return Explained(std::move(reply), config.index);
  if (TemplatesMakeDataStream(reply.body, name)) return {};
  return NotPrepared(*client, config.index);
}

/// One conversation with the server; what it had to leave out is told once it is over.
class Setup {
 public:
  Setup(ElasticsearchClient* client, const ElasticsearchConfig& config)
      : client_(*client), config_(config) {}

  Attempt Run();

 private:
  Attempt WritePolicy();
  Attempt WriteMappings();
  Attempt Write(const SetupRequest& request);
  Attempt Refused(const SetupRequest& request, ElasticsearchReply reply) const;

  ElasticsearchClient& client_;
  const ElasticsearchConfig& config_;
  Manager manager_ = Manager::kNobody;
  bool foreign_ = false;  // what the last Write was about
  std::vector<std::string> notes_;
};

Attempt Setup::Run() {
  if (Attempt failure = WritePolicy(); !failure.error.empty()) return failure;
  if (Attempt failure = WriteMappings(); !failure.error.empty()) return failure;
  for (const SetupRequest& request :
       {SettingsTemplate(config_.index, manager_), IndexTemplate(config_.index)}) {
    if (Attempt failure = Write(request); !failure.error.empty()) return failure;
  }
  if (foreign_ && !IsDated(config_.index)) {
    if (Attempt failure = FindTarget(&client_, config_); !failure.error.empty()) return failure;
  }
  for (const std::string& note : notes_) log::Warn("{}", note);
  return {};
}

/// Whether this is how an API answers that is there, about a policy that is or is not.
bool KnowsPolicies(Manager manager, const ElasticsearchReply& reply) {
  if (reply.status == 200) return true;
  if (reply.status != 404) return false;
  const std::string reason = ErrorReason(reply.body);
  if (manager == Manager::kIlm) return reason.starts_with("resource_not_found_exception");
  return reason.starts_with("status_exception") || reason.starts_with("index_not_found_exception");
}

/// Not for lack of an API, which is answered with 400, 404 or 405, and by some who stand in front
/// of a server with 401 or 403.
bool IsTrouble(const ElasticsearchReply& reply) {
  if (reply.status == 0 || reply.status == 429 || reply.status >= 500) return true;
  return (reply.status == 401 || reply.status == 403) &&
         ErrorReason(reply.body).starts_with("security_exception");
}

// Which of the two a server has is found by asking: not every server says who it is.
Attempt Setup::WritePolicy() {
  if (config_.lifecycle.delete_after == Nanoseconds(0)) return {};
  for (Manager manager : {Manager::kIlm, Manager::kIsm}) {
    const SetupRequest request = LifecyclePolicy(config_, manager);
    ElasticsearchReply reply = client_.Ask({.path = request.path});
    if (IsTrouble(reply)) return Refused(request, std::move(reply));
    if (!KnowsPolicies(manager, reply)) continue;
    manager_ = manager;
    Attempt failure = Write(request);
    if (failure.code != "400") return failure;
    // An older ILM: it has no `_meta`, without which the policy could not be told from another's.
    manager_ = Manager::kNobody;
    notes_.push_back(std::move(failure.error));
    return {};
  }
  notes_.push_back(fmt::format(
      "\"{}\" has neither ILM nor ISM: `lifecycle` has no effect, nothing of \"{}\" is deleted",
      client_.endpoint(), config_.index));
  return {};
}

Attempt Setup::WriteMappings() {
  Attempt failure = Write(MappingsTemplate(config_.index, true));
  if (failure.code != "400" || failure.error.find("[cjk]") == std::string::npos) return failure;
  notes_.push_back(
      fmt::format("\"{}\" has no analyzer called cjk (analysis-common): \"{}\" is without "
                  "message.cjk",
                  client_.endpoint(), config_.index));
  return Write(MappingsTemplate(config_.index, false));
}

Attempt Setup::Write(const SetupRequest& request) {
  ElasticsearchReply reply = client_.Ask({.path = request.path});
  SetupAnswer there;
  if (reply.failure.error.empty()) {
    there = ParseSetupAnswer(reply.body);
  } else if (reply.status != 404) {
    return Refused(request, std::move(reply));
  }
  foreign_ = there.owner == Owner::kOther;
  if (foreign_) {
    notes_.push_back(
        fmt::format("\"{}\" at \"{}\" is not Hinomi's (no `_meta.managed_by`) and stays as it is",
                    request.path, client_.endpoint()));
    return {};
  }
  SetupRequest update = request;
  if (there.sequence_number && there.primary_term) {
    update.path += fmt::format("?if_seq_no={}&if_primary_term={}", *there.sequence_number,
                               *there.primary_term);
  }
  const std::string_view parts[] = {update.body};
  reply = client_.Ask({.method = "PUT", .path = update.path, .body = parts});
  // Of all agents that start at once, one has been faster.
  if (reply.failure.error.empty() || reply.status == 409) return {};
  return Refused(request, std::move(reply));
}

Attempt Setup::Refused(const SetupRequest& request, ElasticsearchReply reply) const {
  if (reply.status < 400 || reply.status == 401) return reply.failure;
  reply.failure.error =
      fmt::format("cannot write \"{}\": {}; or set `setup: false` if somebody else prepares \"{}\"",
                  request.path, reply.failure.error, config_.index);
  return reply.failure;
}

}  // namespace

Attempt PrepareTarget(ElasticsearchClient* client, const ElasticsearchConfig& config) {
  if (config.setup) return Setup(client, config).Run();
  // Any server makes an index of any name.
  return IsDated(config.index) ? Attempt{} : FindTarget(client, config);
}

}  // namespace hinomi
