#include "shipper/sink/dead_letter_search.h"

#include <string_view>

#include "shipper/sink/dead_letter_files.h"
#include "shipper/sink/dead_letter_format.h"

namespace hinomi {
namespace {

// The content of a JSON string behind `member` in `line`, as it is written. No quote stands in it:
// names of pods and containers have none, and those within other strings are escaped.
std::string_view NameBehind(std::string_view line, std::string_view member) {
  const size_t begin = line.find(member);
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin + member.size());
  return line.substr(0, line.find('"'));
}

class Search {
 public:
  explicit Search(const std::set<ContainerKey>& wanted) : wanted_(wanted) {}

  void Take(std::string_view line) {
    const ContainerKey key(NameBehind(line, R"(,"pod_uid":")"),
                           NameBehind(line, R"(,"container":")"));
    if (!wanted_.contains(key)) return;
    ++found_[key].records;
    last_[key] = line;
  }

  /// Once all files are read.
  std::map<ContainerKey, DeadLetterFacts> Found() {
    for (auto& [key, facts] : found_) {
      const Result<DeadLetter> last = ParseDeadLetter(last_[key]);
      if (!last) continue;
      facts.last_time = last->time;
      facts.last_reason = last->type + ": " + last->reason;
    }
    return std::move(found_);
  }

 private:
  const std::set<ContainerKey>& wanted_;
  std::map<ContainerKey, DeadLetterFacts> found_;
  std::map<ContainerKey, std::string> last_;
};

}  // namespace

std::map<ContainerKey, DeadLetterFacts> FindDeadLetters(FileSystem& files,
                                                        const std::string& directory,
                                                        const std::set<ContainerKey>& wanted) {
  if (wanted.empty()) return {};
  Search search(wanted);
  const DeadLetterFiles letters(files, directory);
  const auto stored = letters.List();
  if (!stored) return {};
  for (const DeadLetterFiles::Stored& file : *stored) {
    // What cannot be read keeps nothing back of the others.
    letters
        .Read(file.number, {0, file.bytes},
              [&](std::string_view line, uint64_t) {
                search.Take(line);
                return true;
              })
        .ok();
  }
  return search.Found();
}

}  // namespace hinomi
