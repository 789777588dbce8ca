// Names and version of the operating system.
// Source: /etc/os-release below the host's root, else /usr/lib/os-release.
#include "collector/node/os.h"

#include <algorithm>

#include "collector/words.h"

namespace hinomi {
namespace {

// The value of an assignment; nothing if a quote is not closed.
std::optional<std::string> Unquote(std::string_view text) {
  std::string value;
  char quote = '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      value += text[++i];
    } else if (quote == '\0' ? c == '"' || c == '\'' : c == quote) {
      quote = quote == '\0' ? c : '\0';
    } else {
      value += c;
    }
  }
  return quote == '\0' ? std::optional(value) : std::nullopt;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Result<std::vector<OsField>> ParseOsRelease(std::string_view text) {
  std::vector<OsField> fields;
  while (auto line = TakeLine(&text)) {
    line->remove_prefix(std::min(line->find_first_not_of(" \t\r"), line->size()));
    line = line->substr(0, line->find_last_not_of(" \t\r") + 1);
    if (line->empty() || line->front() == '#') continue;
    const size_t equals = line->find('=');
    const std::optional<std::string> value =
        equals == std::string_view::npos ? std::nullopt : Unquote(line->substr(equals + 1));
    if (!value) return Unexpected("/etc/os-release", "KEY=value");
    fields.push_back({std::string(line->substr(0, equals)), *value});
  }
  return fields;
}

std::optional<double> ParseOsVersion(std::string_view version) {
  const auto* const end_of_major = std::find_if_not(version.begin(), version.end(), IsDigit);
  const auto* end = end_of_major;
  if (end != version.end() && *end == '.') end = std::find_if_not(end + 1, version.end(), IsDigit);
  if (end_of_major == version.begin()) return std::nullopt;
  return ParseDouble(version.substr(0, static_cast<size_t>(end - version.begin())));
}

namespace {

std::string_view ValueOf(const std::vector<OsField>& fields, std::string_view key) {
  for (const OsField& field : fields) {
    if (field.key == key) return field.value;
  }
  return "";
}

void Write(const std::vector<OsField>& fields, Exposition& out) {
  const auto value = [&](std::string_view key) { return ValueOf(fields, key); };
  if (out.Begin(kOsMetrics[0])) {
    out.Row({{"build_id", value("BUILD_ID")},
             {"id", value("ID")},
             {"id_like", value("ID_LIKE")},
             {"image_id", value("IMAGE_ID")},
             {"image_version", value("IMAGE_VERSION")},
             {"name", value("NAME")},
             {"pretty_name", value("PRETTY_NAME")},
             {"variant", value("VARIANT")},
             {"variant_id", value("VARIANT_ID")},
             {"version", value("VERSION")},
             {"version_codename", value("VERSION_CODENAME")},
             {"version_id", value("VERSION_ID")}},
            1);
  }
  const std::optional<double> version = ParseOsVersion(value("VERSION_ID"));
  if (version && out.Begin(kOsMetrics[1])) {
    out.Row({{"id", value("ID")}, {"id_like", value("ID_LIKE")}, {"name", value("NAME")}},
            *version);
  }
}

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  // The first is a link, which an absolute target would lead out of the host's root.
  const char* path =
      parts.host.Exists("/etc/os-release") ? "/etc/os-release" : "/usr/lib/os-release";
  return ForFile(parts.host, path, ParseOsRelease,
                 [&](const std::vector<OsField>& fields) { Write(fields, out); });
}

}  // namespace

std::unique_ptr<Collector> MakeOs(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
