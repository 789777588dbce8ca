#include "metadata/docker_path.h"

#include <algorithm>
#include <charconv>

namespace hinomi {
namespace {

constexpr size_t kIdBytes = 64;

}  // namespace

bool IsDockerId(std::string_view name) {
  return name.size() == kIdBytes && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string JsonLogName(std::string_view id) { return std::string(id) + "-json.log"; }

std::optional<JsonLogFile> ParseJsonLogFile(std::string_view name, std::string_view id) {
  const std::string current = JsonLogName(id);
  if (!name.starts_with(current)) return std::nullopt;
  JsonLogFile file;
  name.remove_prefix(current.size());
  if (name.empty()) return file;
  file.compressed = name.ends_with(".gz");
  if (file.compressed) name.remove_suffix(3);
  if (!name.starts_with('.') || name.substr(1, 1) == "0") return std::nullopt;
  const auto [end, error] =
      std::from_chars(name.data() + 1, name.data() + name.size(), file.rotation);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return file;
}

std::string_view DockerIdOfLog(std::string_view path) {
  constexpr std::string_view kContainers = "containers/";
  if (!path.starts_with(kContainers)) return {};
  const std::string_view id = path.substr(kContainers.size(), kIdBytes);
  path.remove_prefix(kContainers.size() + id.size());
  if (!IsDockerId(id) || !path.starts_with('/')) return {};
  return path.substr(1) == JsonLogName(id) ? id : std::string_view{};
}

}  // namespace hinomi
