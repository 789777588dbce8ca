#include "app/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "app/explain_route.h"
#include "app/human_text.h"
#include "app/json_writer.h"
#include "metadata/pod_metadata.h"
#include "metadata/pod_query.h"
#include "metadata/pod_wishes.h"

namespace hinomi {
namespace {

bool ExcludesItself(const PodInfo& pod) {
  return pod.metadata != nullptr && WishesOf(pod.metadata->annotations).exclude;
}

class Explainer {
 public:
  explicit Explainer(const ExplainInput& input) : input_(input), config_(input.config) {}

  Explanation Explain() {
    explanation_.question = input_.question;
    explanation_.agent = input_.agent();
    for (const SurveyedContainer& container : input_.facts.survey.containers) {
      AddContainer(container);
    }
    for (const LogFacts& log : input_.facts.logs) AddLog(log);
    AddNotes();
    std::sort(explanation_.logs.begin(), explanation_.logs.end(),
              [](const ExplainedLog& a, const ExplainedLog& b) {
                const auto key = [](const PodInfo& pod) {
                  return std::tie(pod.namespace_name, pod.pod_name, pod.pod_uid,
                                  pod.container_name);
                };
                if (key(a.pod) != key(b.pod)) return key(a.pod) < key(b.pod);
                return a.pod.restart_count > b.pod.restart_count;
              });
    const size_t shown = std::min(explanation_.logs.size(), Explanation::kLogsMax);
    explanation_.left_out = explanation_.logs.size() - shown;
    explanation_.logs.resize(shown);
    return std::move(explanation_);
  }

 private:
  void AddNotes() {
    std::vector<Sentence>& notes = explanation_.notes;
    if (!input_.agent()) {
      notes.push_back(
          {"no_agent",
           "No agent has answered, so this is what the configuration and the disk say: " +
               input_.no_agent + "."});
    }
    for (const std::string& problem : input_.facts.survey.problems) {
      notes.push_back({"directory_missing", problem + ".",
                       "Mount the node's directory there, or correct sources in the "
                       "configuration."});
    }
    if (!explanation_.logs.empty()) return;
    std::vector<std::string> places;
    if (config_.kubernetes_enabled) places.push_back(config_.kubernetes.pods_dir);
    if (config_.docker_enabled) {
      places.insert(places.end(), config_.docker.roots.begin(), config_.docker.roots.end());
    }
    notes.push_back(
        {"not_found",
         fmt::format("No container on node \"{}\" is known as \"{}\"; looked in {}.", config_.node,
                     input_.question, fmt::join(places, ", ")),
         "kubectl get pod -o wide says on which node a pod runs: ask the agent there."});
  }

  // What no agent knows, or only the directory shows.
  void AddContainer(const SurveyedContainer& container) {
    const std::vector<LogFacts>& logs = input_.facts.logs;
    const bool known = std::any_of(logs.begin(), logs.end(), [&](const LogFacts& log) {
      return log.directory == container.directory;
    });
    if (known && container.refused.empty()) return;
    ExplainedLog& log = explanation_.logs.emplace_back();
    log.pod = container.pod;
    log.path = container.path;
    if (!container.refused.empty()) {
      log.sentences.push_back(
          {"path_refused",
           fmt::format("Not read, since neither a file nor a link to one at an allowed place: {}.",
                       fmt::join(container.refused, ", ")),
           "Links may lead below pods_dir and sources.docker.roots only."});
    }
    if (!known) Say(&log, WhyUnknown(container));
  }

  std::vector<Sentence> WhyUnknown(const SurveyedContainer& container) const {
    if (!container.excluded_by.empty()) {
      return {{"excluded", fmt::format("{} excludes it.", container.excluded_by),
               "Remove or narrow that rule to have it shipped."}};
    }
    if (container.pod.container_name.empty()) {
      return {{"no_container", "Its directory has none of a container yet."}};
    }
    if (container.files == 0) {
      if (!container.refused.empty()) return {};
      return {{"no_file", "Its directory has no log file yet."}};
    }
    if (input_.now - container.modified > container.since) {
      return {{"left_out",
               fmt::format("Its files ({}) had not been written to for {} and were left out.",
                           HumanBytes(container.bytes), HumanDuration(container.since)),
               "The source's `since` says how old a file may be when it is first seen."}};
    }
    if (input_.agent()) {
      return {{"not_read_yet",
               "The agent has not read it yet; it looks at everything once a "
               "minute, and at what changes at once."}};
    }
    return WithoutAgent(container);
  }

  std::vector<Sentence> WithoutAgent(const SurveyedContainer& container) const {
    std::vector<Sentence> sentences = {
        {"files", fmt::format("It has {} file{} of {} in all.", container.files,
                              container.files == 1 ? "" : "s", HumanBytes(container.bytes))}};
    Append(AboutRoutes(container.pod, {}), &sentences);
    Append(AboutRefused(input_, container.pod, 0), &sentences);
    return sentences;
  }

  void AddLog(const LogFacts& facts) {
    ExplainedLog& log = explanation_.logs.emplace_back();
    log.pod = facts.pod;
    log.path = facts.path;
    if (facts.own) {
      log.sentences.push_back({"own",
                               "It is the agent's own log: what goes wrong with it is "
                               "counted, but not written into it again."});
    }
    if (!facts.identified) {
      log.sentences.push_back({"no_line",
                               "It has no complete line yet, so there is nothing to "
                               "send."});
    } else if (facts.waits_for_metadata) {
      log.sentences.push_back(
          {"waiting_for_metadata",
           fmt::format("It has waited {} for the container runtime to say who it is; after {} it "
                       "goes on without.",
                       HumanDuration(*facts.waits_for_metadata),
                       HumanDuration(config_.metadata.wait_max)),
           "See metadata.cri_socket when this stays so."});
    } else {
      Say(&log, AboutRoutes(facts.pod, facts.readers, &facts));
    }
    uint64_t refused = 0;
    for (const ReaderFacts& reader : facts.readers) {
      refused += reader.ledger.settled.dropped[static_cast<size_t>(DropReason::kRejected)];
    }
    if (refused > 0) Say(&log, AboutRefused(input_, facts.pod, refused));
    Say(&log, AboutHeldFiles(facts));
  }

  std::vector<Sentence> AboutRoutes(const PodInfo& pod, const std::vector<ReaderFacts>& readers,
                                    const LogFacts* log = nullptr) const {
    std::vector<Sentence> sentences;
    if (ExcludesItself(pod) && readers.empty()) {
      return {{"excluded_by_annotation",
               "Its pod's annotation hinomi.io/exclude: \"true\" excludes it.",
               "Without the annotation the logs of containers that start later are shipped."}};
    }
    if (log != nullptr && pod.metadata_missing) {
      sentences.push_back({"metadata_missing",
                           "Nobody has told who is behind it, so its labels are not known.",
                           "See metadata.cri_socket, and whether the runtime answers."});
    }
    const std::vector<RouteChoice> choices = ChooseRoutes(config_.routes, pod);
    bool taken = false;
    for (uint32_t route = 0; route < choices.size(); ++route) {
      const auto reader = std::find_if(readers.begin(), readers.end(), [&](const ReaderFacts& way) {
        return way.ledger.route == config_.routes[route].name;
      });
      const bool read = reader != readers.end();
      // A log keeps the routes that it had when it was first seen.
      RouteChoice choice = choices[route];
      if (read) choice.reason = RouteChoice::Reason::kTaken;
      if (log != nullptr && !read && choice.taken()) {
        sentences.push_back(
            {"route_passed", fmt::format("Route \"{}\" ({}) would take it, but did not suit it "
                                         "when it was first seen.",
                                         config_.routes[route].name, Ordinal(route))});
        continue;
      }
      taken = taken || choice.taken();
      sentences.push_back(AboutChoice(input_, route, choice, pod));
      if (read) Append(AboutProgress(input_, *log, *reader), &sentences);
    }
    if (!taken) {
      sentences.push_back({"no_route", "So no route takes it, and it is not shipped.",
                           "Add a route that matches it, or widen one."});
    }
    return sentences;
  }

  std::vector<Sentence> AboutHeldFiles(const LogFacts& facts) const {
    std::vector<Sentence> sentences;
    if (facts.removed_files > 0) {
      sentences.push_back(
          {"held",
           fmt::format("{} file{} of it ({}) that {} removed {} kept until all is settled.",
                       facts.removed_files, facts.removed_files == 1 ? "" : "s",
                       HumanBytes(facts.removed_bytes), facts.removed_files == 1 ? "was" : "were",
                       facts.removed_files == 1 ? "is" : "are")});
    }
    if (facts.unlinked_files > 0 && !facts.readers.empty()) {
      const std::string& why = input_.facts.escrow_degraded;
      sentences.push_back(
          {"held_by_descriptors",
           fmt::format("{} of its files {} held by a descriptor alone: removed while the agent is "
                       "down, what is unread is lost{}{}.",
                       facts.unlinked_files, facts.unlinked_files == 1 ? "is" : "are",
                       why.empty() ? "" : "; ", why),
           "See escrow.directory; hinomi check says what it needs."});
    }
    return sentences;
  }

  static void Append(std::vector<Sentence> more, std::vector<Sentence>* sentences) {
    std::move(more.begin(), more.end(), std::back_inserter(*sentences));
  }
  static void Say(ExplainedLog* log, std::vector<Sentence> sentences) {
    Append(std::move(sentences), &log->sentences);
  }

  const ExplainInput& input_;
  const Config& config_;
  Explanation explanation_;
};

void WriteSentences(JsonWriter& json, std::string_view key,
                    const std::vector<Sentence>& sentences) {
  json.Array(key, [&] {
    for (const Sentence& sentence : sentences) {
      json.Object([&] {
        json.Member("kind", sentence.kind);
        json.Member("text", sentence.text);
        json.Member("remedy", sentence.remedy);
      });
    }
  });
}

void AddSentences(const std::vector<Sentence>& sentences, std::string_view indent,
                  std::string* text) {
  for (const Sentence& sentence : sentences) {
    *text += fmt::format("{}{}\n", indent, sentence.text);
    if (!sentence.remedy.empty()) *text += fmt::format("{}  -> {}\n", indent, sentence.remedy);
  }
}

}  // namespace

Explanation Explain(const ExplainInput& input) { return Explainer(input).Explain(); }

std::string ToJson(const Explanation& explanation) {
  JsonWriter json;
  json.Object([&] {
    json.Member("question", explanation.question);
    json.Member("agent", explanation.agent);
    WriteSentences(json, "notes", explanation.notes);
    json.Array("logs", [&] {
      for (const ExplainedLog& log : explanation.logs) {
        json.Object([&] {
          json.Member("namespace", log.pod.namespace_name);
          json.Member("pod", log.pod.pod_name);
          json.Member("pod_uid", log.pod.pod_uid);
          json.Member("container", log.pod.container_name);
          json.Member("restart", uint64_t{log.pod.restart_count});
          json.Member("container_id", ContainerIdOf(log.pod));
          json.Member("path", log.path);
          WriteSentences(json, "sentences", log.sentences);
        });
      }
    });
    json.Member("left_out", uint64_t{explanation.left_out});
  });
  return json.Text();
}

std::string ToText(const Explanation& explanation) {
  std::string text;
  AddSentences(explanation.notes, "", &text);
  for (const ExplainedLog& log : explanation.logs) {
    const PodInfo& pod = log.pod;
    if (!text.empty()) text += '\n';
    text += fmt::format("{}/{}", pod.namespace_name, pod.pod_name);
    if (!pod.container_name.empty()) text += "/" + pod.container_name;
    if (pod.restart_count > 0) text += fmt::format(", restart {}", pod.restart_count);
    text += fmt::format(": {}\n", log.path);
    AddSentences(log.sentences, "  ", &text);
  }
  if (explanation.left_out > 0) {
    text += fmt::format("\nand {} more; ask for namespace/pod/container.\n", explanation.left_out);
  }
  std::replace_if(
      text.begin(), text.end(),
      [](unsigned char c) { return c != '\n' && (c < 0x20 || c == 0x7F); }, '?');
  return text;
}

}  // namespace hinomi
