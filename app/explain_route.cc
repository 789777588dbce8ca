#include "app/explain_route.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/human_text.h"
#include "base/check.h"
#include "config/glob.h"
#include "metadata/pod_metadata.h"
#include "metadata/pod_wishes.h"

namespace hinomi {
namespace {

std::string NameOf(const Config& config, size_t route) {
  return fmt::format("Route \"{}\" ({})", config.routes[route].name, Ordinal(route));
}

std::string Differs(std::string_view what, const std::string& value, const std::string& pattern) {
  return fmt::format("its {} \"{}\" does not match \"{}\"", what, value, pattern);
}

std::string LabelDiffers(const std::string& label, const LogMatch& match, const PodInfo& pod) {
  const std::string& pattern = match.label_patterns.at(label);
  if (pod.metadata == nullptr) {
    return fmt::format("it asks for the label {}={}, and nothing is known of the pod's labels",
                       label, pattern);
  }
  const auto found = pod.metadata->labels.find(label);
  if (found == pod.metadata->labels.end()) {
    return fmt::format("the pod has no label {}", label);
  }
  return Differs("label " + label, found->second, pattern);
}

// Of the log.
std::string PartOf(const Levels& levels) {
  const auto name = [](uint8_t number) {
    constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "fatal"};
    return kNames[(number - 1) / 4];
  };
  if (levels.all()) return "it";
  if (levels.below == Levels::kEnd) {
    return fmt::format("its records of level {} and above", name(levels.least));
  }
  if (levels.least == 0) return fmt::format("its records below level {}", name(levels.below));
  return fmt::format("its records from level {} to below {}", name(levels.least),
                     name(levels.below));
}

std::string WhyNot(const Config& config, const LogMatch& match, const RouteChoice& choice,
                   const PodInfo& pod) {
  switch (choice.reason) {
    case RouteChoice::Reason::kNamespace:
      return Differs("namespace", pod.namespace_name, match.namespace_pattern);
    case RouteChoice::Reason::kPod:
      return Differs("pod", pod.pod_name, match.pod_pattern);
    case RouteChoice::Reason::kContainer:
      return Differs("container", pod.container_name, match.container_pattern);
    case RouteChoice::Reason::kLabel:
      return LabelDiffers(choice.label, match, pod);
    case RouteChoice::Reason::kEvents:
      return "it takes the agent's own events only";
    case RouteChoice::Reason::kStopped:
      return fmt::format("route \"{}\" ({}) comes first and has stop: true",
                         config.routes[choice.stopped_by].name, Ordinal(choice.stopped_by));
    case RouteChoice::Reason::kTaken:
      break;
  }
  CheckFailed(__FILE__, __LINE__, "a reason for not taking a route");
}

// Null where the configuration has changed since the facts were taken.
const SinkStatus* SinkOf(const ExplainInput& input, const std::string& name) {
  const std::vector<RouteConfig>& routes = input.config.routes;
  const auto route = std::find_if(routes.begin(), routes.end(),
                                  [&](const RouteConfig& known) { return known.name == name; });
  if (route == routes.end()) return nullptr;
  const std::vector<SinkStatus>& sinks = input.facts.sinks;
  const auto found = std::find_if(sinks.begin(), sinks.end(),
                                  [&](const SinkStatus& sink) { return sink.name == route->sink; });
  return found == sinks.end() ? nullptr : &*found;
}

std::string_view NounOf(Per per) {
  switch (per) {
    case Per::kNamespace:
      return "namespace";
    case Per::kPod:
      return "pod";
    case Per::kContainer:
      return "container";
  }
  CheckFailed(__FILE__, __LINE__, "a Per");
}

// The rule or annotation that sets the limit.
std::string PlaceOfLimit(const Config& config, const HeldUp& held_up, const PodInfo& pod) {
  if (held_up.per == Per::kPod && pod.metadata != nullptr &&
      WishesOf(pod.metadata->annotations).limit_bytes_per_second == held_up.bytes_per_second) {
    return "the pod's annotation hinomi.io/limit";
  }
  const auto rule =
      std::find_if(config.fairness.begin(), config.fairness.end(), [&](const ShareConfig& share) {
        return share.per == held_up.per &&
               Matches(share.match, pod.namespace_name, pod.pod_name, pod.container_name);
      });
  return fmt::format("fairness[{}].bytes_per_second", rule - config.fairness.begin());
}

// What keeps the bytes that are still to come.
std::vector<Sentence> Obstacles(const ExplainInput& input, const LogFacts& log,
                                const ReaderFacts& reader) {
  std::vector<Sentence> sentences;
  const SinkStatus* const known = SinkOf(input, reader.ledger.route);
  if (known == nullptr) return sentences;
  const SinkStatus& sink = *known;
  const DeliveryStatus& delivery = sink.delivery;
  if (delivery.state == SinkState::kFailing) {
    const std::string next =
        delivery.retry > Duration{0}
            ? fmt::format("; the next attempt is in {}", HumanDuration(delivery.retry))
            : "";
    sentences.push_back(
        {"sink_failing",
         fmt::format("It waits for sink \"{}\", which has been failing for {}: {}{}.", sink.name,
                     HumanDuration(delivery.since), delivery.error, next),
         "Mend what the sink complains about; until then the lines stay in their "
         "files and nothing is lost."});
  }
  for (const RefusedRoute& refused : delivery.refused) {
    if (refused.route != reader.ledger.route) continue;
    const std::string then =
        refused.wait > Duration{0}
            ? fmt::format("in {} they are sent once more and become dead letters",
                          HumanDuration(refused.wait))
            : "they become dead letters";
    sentences.push_back(
        {"sink_rejecting",
         fmt::format("Sink \"{}\" refuses most documents of this route since {}: {}; {}.",
                     sink.name, HumanDuration(refused.since), refused.reason, then),
         "Mend the mapping of its index or what the application writes."});
  }
  if (reader.held_up) {
    const HeldUp& held_up = *reader.held_up;
    sentences.push_back(
        {"limited",
         fmt::format("Its {} has used up its limit of {} per second; it goes on in {}.",
                     NounOf(held_up.per), HumanBytes(held_up.bytes_per_second),
                     HumanDuration(held_up.remaining)),
         fmt::format("Raise {}, or write less.", PlaceOfLimit(input.config, held_up, log.pod))});
  }
  if (delivery.full && delivery.state == SinkState::kOk) {
    sentences.push_back(
        {"sink_full",
         fmt::format("Sink \"{}\" has as much on its way as limits.in_flight_bytes_max "
                     "allows; more is read when it answers.",
                     sink.name)});
  }
  if (reader.open_record && sentences.empty()) {
    sentences.push_back({"open_record",
                         "Its last line or record is not complete yet; it is sent once its end is "
                         "there, or has been waited for long enough."});
  }
  return sentences;
}

struct Cause {
  std::string_view text;
  std::string_view remedy = "";
};

Cause CauseOf(LossReason reason) {
  switch (reason) {
    case LossReason::kTruncated:
      return {"their writer truncated the file before they were read",
              "Rotate by renaming instead of truncating."};
    case LossReason::kVanished:
      return {"their file was removed while nothing held it",
              "Let the escrow hold such files; hinomi check says whether it can."};
    case LossReason::kLate:
      return {"they were written to a file long after it was rotated"};
    case LossReason::kUnknown:
      return {
          "their file is gone, and the checkpoint that may have known them as delivered is "
          "damaged"};
    case LossReason::kEscrowFull:
      return {"they were given up to keep the disk free",
              "escrow.bytes_max and escrow.free_percent_min set how much is kept."};
    case LossReason::kUnreadable:
      return {"the compressed file that they were in is damaged"};
  }
  CheckFailed(__FILE__, __LINE__, "a LossReason");
}

// Refused ones have a sentence of their own.
Cause CauseOf(DropReason reason) {
  switch (reason) {
    case DropReason::kCorrupt:
      return {"they are in no format that a container runtime writes"};
    case DropReason::kRateLimited:
      return {"they were beyond a limit of fairness that drops", "Raise the limit, or write less."};
    case DropReason::kBeforeSince:
      return {"they were in files that nobody had written to for long when the agent first came",
              "The source's `since` says for how long."};
    case DropReason::kRouteRemoved:
      return {"they were not delivered yet when the configuration took the route away from them",
              "A route that gets another name is another route."};
    case DropReason::kLevel:
      return {"the route takes records of other levels"};
    case DropReason::kNoRoute:
    case DropReason::kRejected:
      return {};
  }
  CheckFailed(__FILE__, __LINE__, "a DropReason");
}

template <typename Reason, size_t kCount>
void AddSettled(std::string_view kind, const std::array<uint64_t, kCount>& bytes,
                std::vector<Sentence>* sentences) {
  for (size_t i = 0; i < kCount; ++i) {
    const Cause cause = CauseOf(static_cast<Reason>(i));
    if (bytes[i] == 0 || cause.text.empty()) continue;
    sentences->push_back({std::string(kind),
                          fmt::format("{} {} ({}): {}.", HumanBytes(bytes[i]),
                                      kind == "lost" ? "are lost" : "were left out",
                                      ToString(static_cast<Reason>(i)), cause.text),
                          std::string(cause.remedy)});
  }
}

}  // namespace

Sentence AboutChoice(const ExplainInput& input, size_t route, const RouteChoice& choice,
                     const PodInfo& pod) {
  const RouteConfig& config = input.config.routes[route];
  if (!choice.taken()) {
    return {"route_passed", fmt::format("{} does not take it: {}.", NameOf(input.config, route),
                                        WhyNot(input.config, config.match, choice, pod))};
  }
  const auto sink =
      std::find_if(input.config.sinks.begin(), input.config.sinks.end(),
                   [&](const SinkConfig& candidate) { return candidate.name == config.sink; });
  CHECK(sink != input.config.sinks.end());
  return {"route_taken",
          fmt::format("{} {} {} to sink \"{}\" ({}: {}).", NameOf(input.config, route),
                      input.agent() ? "takes" : "would take", PartOf(choice.levels), sink->name,
                      TypeOf(*sink), TargetOf(*sink))};
}

std::vector<Sentence> AboutProgress(const ExplainInput& input, const LogFacts& log,
                                    const ReaderFacts& reader) {
  const LedgerEntry& ledger = reader.ledger;
  const uint64_t pending = ledger.in_flight + ledger.unread;
  std::vector<Sentence> sentences;
  if (pending > 0) {
    sentences.push_back(
        {"behind", fmt::format("{} of {} are still to come; the oldest have waited for {}.",
                               HumanBytes(pending), HumanBytes(ledger.produced),
                               HumanDuration(reader.oldest))});
    for (Sentence& sentence : Obstacles(input, log, reader)) {
      sentences.push_back(std::move(sentence));
    }
  } else if (ledger.settled.acknowledged == ledger.produced) {
    sentences.push_back({"delivered", fmt::format("All that it wrote is delivered: {}.",
                                                  HumanBytes(ledger.produced))});
  } else {
    sentences.push_back(
        {"settled", fmt::format("All of its {} are settled; {} of them were not delivered.",
                                HumanBytes(ledger.produced),
                                HumanBytes(ledger.produced - ledger.settled.acknowledged))});
  }
  AddSettled<DropReason>("dropped", ledger.settled.dropped, &sentences);
  AddSettled<LossReason>("lost", ledger.settled.lost, &sentences);
  if (ledger.imbalance != 0) {
    sentences.push_back(
        {"imbalance",
         fmt::format("The ledger misses {} bytes, which is a bug of the agent.", ledger.imbalance),
         "Please report it, with the output of hinomi ledger --json."});
  }
  return sentences;
}

std::vector<Sentence> AboutRefused(const ExplainInput& input, const PodInfo& pod, uint64_t bytes) {
  const auto found = input.facts.dead_letters.find({pod.pod_uid, pod.container_name});
  if (found == input.facts.dead_letters.end()) {
    if (bytes == 0) return {};
    return {{"refused", fmt::format("{} were refused for good; their dead letters are gone: sent "
                                    "again since, or discarded.",
                                    HumanBytes(bytes))}};
  }
  const DeadLetterFacts& letters = found->second;
  return {{"refused",
           fmt::format("{} of its container's records {} refused for good, the last at {}: {}.",
                       letters.records, letters.records == 1 ? "was" : "were", letters.last_time,
                       letters.last_reason),
           fmt::format("They lie in {}/dead_letters; once that is mended, hinomi replay sends them "
                       "again.",
                       input.config.state_dir)}};
}

}  // namespace hinomi
