#include "shipper/sink/dead_letter_search.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "shipper/sink/dead_letters.h"

namespace hinomi {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

// The content of a JSON string behind `member` in `line`, as it is written. No quote stands in it:
// names of pods and containers have none, and those within other strings are escaped.
std::string_view NameBehind(std::string_view line, std::string_view member) {
  const size_t begin = line.find(member);
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin + member.size());
  return line.substr(0, line.find('"'));
}

struct Line {
  std::string time, reason;
};

std::optional<Line> Parse(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string_view time, type, reason;
  if (parser.parse(text.data(), text.size()).get(document) != simdjson::SUCCESS) return {};
  if (document["time"].get(time) != simdjson::SUCCESS) return {};
  if (document["type"].get(type) != simdjson::SUCCESS) return {};
  if (document["reason"].get(reason) != simdjson::SUCCESS) return {};
  return Line{std::string(time), std::string(type) + ": " + std::string(reason)};
}

class Search {
 public:
  explicit Search(const std::set<ContainerKey>& wanted) : wanted_(wanted) {}

  void Read(File& file) {
    std::string pending;  // the beginning of a line
    std::string block(kBlockBytes, '\0');
    for (uint64_t offset = 0;;) {
      const Result<size_t> count = file.ReadAt(offset, block.data(), block.size());
      if (!count || *count == 0) return;
      offset += *count;
      pending.append(block.data(), *count);
      std::string_view rest = pending;
      for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        Take(rest.substr(0, end));
        rest.remove_prefix(end + 1);
      }
      pending.erase(0, pending.size() - rest.size());
    }
  }

  /// Once all files are read.
  std::map<ContainerKey, DeadLetterFacts> Found() {
    for (auto& [key, facts] : found_) {
      const std::optional<Line> last = Parse(last_[key]);
      if (last) facts.last_time = last->time;
      if (last) facts.last_reason = last->reason;
    }
    return std::move(found_);
  }

 private:
  void Take(std::string_view line) {
    const ContainerKey key(NameBehind(line, R"(,"pod_uid":")"),
                           NameBehind(line, R"(,"container":")"));
    if (!wanted_.contains(key)) return;
    ++found_[key].records;
    last_[key] = line;
  }

  const std::set<ContainerKey>& wanted_;
  std::map<ContainerKey, DeadLetterFacts> found_;
  std::map<ContainerKey, std::string> last_;
};

}  // namespace

std::map<ContainerKey, DeadLetterFacts> FindDeadLetters(FileSystem& files,
                                                        const std::string& directory,
                                                        const std::set<ContainerKey>& wanted) {
  Search search(wanted);
  const Result<std::vector<DirectoryEntry>> listed = files.List(directory, "");
  if (!listed || wanted.empty()) return {};
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : *listed) {
    if (IsDeadLetterFile(entry.name)) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const Result<std::unique_ptr<File>> file = files.Open(directory, name);
    if (file) search.Read(**file);
  }
  return search.Found();
}

}  // namespace hinomi
