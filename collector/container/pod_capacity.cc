#include "collector/container/pod_capacity.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "collector/words.h"
#include "config/yaml.h"

namespace hinomi {
namespace {

constexpr Duration kLookEvery = std::chrono::minutes(1);
constexpr uint64_t kKubeletsDefault = 110;

/// The value of --name=value or --name value; the last one counts.
std::optional<std::string> FlagOf(const std::vector<std::string>& arguments,
                                  const std::string& name) {
  std::optional<std::string> value;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].starts_with(name + "=")) value = arguments[i].substr(name.size() + 1);
    if (arguments[i] == name && i + 1 < arguments.size()) value = arguments[i + 1];
  }
  return value;
}

std::vector<std::string> ArgumentsOf(const Host& host, const std::string& process) {
  const Result<std::string> text = host.Read("/proc/" + process + "/cmdline");
  std::vector<std::string> arguments;
  for (size_t begin = 0; text && begin < text->size();) {
    const size_t end = std::min(text->find('\0', begin), text->size());
    arguments.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

/// A program of that name, or one that has several in it, as hyperkube.
bool IsKubelet(const Host& host, const std::string& process) {
  if (host.ReadWord("/proc/" + process + "/comm").find("kube") == std::string::npos) return false;
  const std::vector<std::string> arguments = ArgumentsOf(host, process);
  if (arguments.empty()) return false;
  const std::string program = arguments[0].substr(arguments[0].rfind('/') + 1);
  return program == "kubelet" || (arguments.size() > 1 && arguments[1] == "kubelet");
}

}  // namespace

std::optional<uint64_t> PodCapacity::Read() {
  if (configured_ > 0) return configured_;
  const Duration now = clock_.Monotonic();
  const bool runs = kubelet_.process() != 0 && kubelet_.NetworkNamespace() != 0;
  if (!runs && (!looked_ || now >= *looked_ + kLookEvery)) {
    looked_ = now;
    Look();
  }
  return capacity_;
}

std::optional<uint64_t> PodCapacity::ReadFile(const std::string& path) const {
  const Result<std::string> text = host_.Read(path);
  if (!text) return std::nullopt;
  const std::variant<YamlNode, YamlError> parsed = ParseYaml(*text);
  const auto* top = std::get_if<YamlNode>(&parsed);
  if (top == nullptr) return std::nullopt;
  for (const YamlMember& member : top->members) {
    if (member.key == "maxPods") return ParseCount(member.value.text);
  }
  return std::nullopt;
}

void PodCapacity::Look() {
  kubelet_.Forget();
  capacity_.reset();
  const Result<std::vector<std::string>> processes = host_.List("/proc");
  if (!processes) return;
  const auto found = std::find_if(
      processes->begin(), processes->end(),
      [&](const std::string& name) { return ParseCount(name) && IsKubelet(host_, name); });
  if (found == processes->end()) return;
  kubelet_.Watch(host_, static_cast<uint32_t>(*ParseCount(*found)));
  const std::vector<std::string> arguments = ArgumentsOf(host_, *found);
  // Its files are those that it sees, also where it runs in a container.
  const std::string root = "/proc/" + *found + "/root";
  capacity_ = kKubeletsDefault;
  if (const auto file = FlagOf(arguments, "--config")) {
    capacity_ = ReadFile(root + *file).value_or(*capacity_);
  }
  if (const auto directory = FlagOf(arguments, "--config-dir")) {
    const Result<std::vector<std::string>> files = host_.List(root + *directory);
    for (const std::string& file : files ? *files : std::vector<std::string>()) {
      if (!file.ends_with(".conf")) continue;
      capacity_ = ReadFile(root + *directory + "/" + file).value_or(*capacity_);
    }
  }
  if (const auto pods = FlagOf(arguments, "--max-pods")) {
    capacity_ = ParseCount(*pods).value_or(*capacity_);
  }
}

}  // namespace hinomi
