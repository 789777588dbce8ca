#include "metadata/pod_query.h"

#include <algorithm>
#include <vector>

#include "config/glob.h"
#include "config/text.h"
#include "metadata/docker_container.h"
#include "metadata/pod_metadata.h"

namespace hinomi {
namespace {

constexpr size_t kIdBytesMin = 6;
constexpr size_t kIdBytesMax = 64;
constexpr std::string_view kHexadecimal = "0123456789abcdef";

bool MayBeId(std::string_view text) {
  return text.size() >= kIdBytesMin && text.size() <= kIdBytesMax &&
         text.find_first_not_of(kHexadecimal) == std::string_view::npos;
}

std::vector<std::string> SplitAtSlashes(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t slash = text.find('/');
    parts.emplace_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<PodQuery> ParsePodQuery(std::string_view text) {
  PodQuery query;
  if (const size_t runtime = text.find("://"); runtime != std::string_view::npos) {
    query.id_prefix = text.substr(runtime + 3);
    if (MayBeId(query.id_prefix)) return query;
  }
  const std::vector<std::string> parts = SplitAtSlashes(text);
  const bool empty =
      std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); });
  if (empty || parts.size() > 3) {
    return Error{ErrorKind::kConfig,
                 "expected pod, namespace/pod, namespace/pod/container or the beginning of a "
                 "container's id, got " +
                     Quoted(text)};
  }
  if (parts.size() > 1) query.namespace_pattern = parts[0];
  query.pod_pattern = parts.size() > 1 ? parts[1] : parts[0];
  if (parts.size() > 2) query.container_pattern = parts[2];
  if (parts.size() == 1 && MayBeId(parts[0])) query.id_prefix = parts[0];
  return query;
}

bool Matches(const PodQuery& query, const PodInfo& pod) {
  const bool unknown = pod.container_name.empty();
  if (!query.pod_pattern.empty() && GlobMatches(query.namespace_pattern, pod.namespace_name) &&
      GlobMatches(query.pod_pattern, pod.pod_name) &&
      (unknown || GlobMatches(query.container_pattern, pod.container_name))) {
    return true;
  }
  return !query.id_prefix.empty() && ContainerIdOf(pod).starts_with(query.id_prefix);
}

std::string ContainerIdOf(const PodInfo& pod) {
  if (pod.docker != nullptr) return pod.docker->id;
  if (pod.metadata == nullptr) return "";
  const ContainerMetadata* container =
      FindContainer(*pod.metadata, pod.container_name, pod.restart_count);
  return container == nullptr ? "" : container->id;
}

}  // namespace hinomi
