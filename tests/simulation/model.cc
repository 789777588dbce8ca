#include "tests/simulation/model.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace hinomi::simulation {
namespace {

// Of two records that are cut at once the agent remembers one: the other's rest does not say so.
constexpr bool kRemembersOneCut = true;
// Parts before a hole in a log are joined with the parts of another record behind it.
constexpr bool kClosesRecordsAtGaps = false;
// A file that was truncated and has grown beyond its old size is taken for the same file.
constexpr bool kNoticesRegrowth = true;
// Of a log of which only the escrow has files.
constexpr bool kTellsPathOfHeldFiles = true;
// The compressed copy of a file that no checkpoint knows is read as another file.
constexpr bool kKnowsCopiesOfHeldFiles = true;
constexpr size_t kTellingBytesMin = 20;

std::string NamespaceOf(const std::string& directory) {
  return directory.substr(0, directory.find('_'));
}

// A part that adds nothing to its record: it is empty, or its container ended behind its head.
bool EndsWithNothing(const PhysicalLine& line) {
  return line.body.empty() || (line.readable() == 0 && line.written >= line.header.size());
}

}  // namespace

struct Model::Parser {
  simdjson::dom::parser json;
};

struct Model::Document {
  std::string id;
  std::string time;
  std::string stream;
  std::string path;
  std::string pod_uid;
  std::string message;
  uint64_t offset = 0;
  bool is_cut = false;
};

struct Model::Explanation {
  bool may_be_part = false;  // of a record
  std::vector<Piece> pieces;
  std::set<std::pair<uint32_t, size_t>> tried;  // lines, and how much text was left
  std::string failure;                          // of the first way that was tried
  uint32_t failed_at = 0;

  bool Fails(const char* why, uint32_t line) {
    if (failure.empty()) failed_at = line;
    if (failure.empty()) failure = why;
    return false;
  }
};

Model::Model() : parser_(std::make_unique<Parser>()) {}
Model::~Model() = default;

uint32_t Model::BeginLog(const std::string& directory, uint32_t restart) {
  logs_.push_back({directory, restart, {}, false});
  return static_cast<uint32_t>(logs_.size() - 1);
}

void Model::BeginFile(uint32_t log, uint64_t file) { files_[file].log = log; }

uint32_t Model::Write(PhysicalLine line) {
  const auto index = static_cast<uint32_t>(lines_.size());
  std::vector<uint32_t>& stream = logs_[line.log].streams[line.is_stderr];
  line.in_stream = static_cast<uint32_t>(stream.size());
  stream.push_back(index);
  WrittenFile& file = files_.at(line.file);
  file.lines.push_back(index);
  if (!kNoticesRegrowth && line.begin < file.bytes_before) line.is_destroyed = true;
  line_at_[line.time] = index;
  lines_.push_back(std::move(line));
  return index;
}

void Model::WriteRest(uint32_t line, uint64_t bytes) { lines_[line].written += bytes; }

std::string Model::Rest(uint32_t index) const {
  const PhysicalLine& line = lines_[index];
  return (line.header + line.body + "\n").substr(line.written);
}

void Model::Compressed(uint64_t file, uint64_t copy) {
  compressed_[copy] = file;
  if (!kKnowsCopiesOfHeldFiles) logs_[files_.at(file).log].is_disturbed = true;
}

void Model::Truncated(uint64_t file, uint64_t bytes_before) {
  files_.at(file).bytes_before = std::max(files_.at(file).bytes_before, bytes_before);
  for (const uint32_t line : files_.at(file).lines) lines_[line].is_destroyed = true;
  logs_[files_.at(file).log].is_disturbed = true;
}

void Model::Died(const Inode& inode) {
  const auto found = files_.find(inode.identity);
  if (found == files_.end()) return;
  found->second.is_dead = true;
  found->second.bytes_at_death = inode.content.size();
  logs_[found->second.log].is_disturbed = true;
}

void Model::SetRoutes(std::vector<RoutePlan> routes) { routes_ = std::move(routes); }

void Model::StartNow(const std::string& route) {
  for (uint32_t line = 0; line < lines_.size(); ++line) ArrivalOf(route, line).is_optional = true;
}

void Model::StartLate(const std::string& route) {
  for (uint32_t line = 0; line < lines_.size(); ++line) {
    const bool settled = std::all_of(routes_.begin(), routes_.end(), [&](const RoutePlan& known) {
      return known.name == route || !Takes(known, logs_[lines_[line].log].directory) ||
             IsComplete(known.name, line) || ArrivalOf(known.name, line).was_refused;
    });
    if (settled) ArrivalOf(route, line).is_optional = true;
  }
}

void Model::Dropped(const Inode& inode) {
  const auto found = files_.find(inode.identity);
  if (found == files_.end()) return;
  for (const uint32_t line : found->second.lines) {
    for (const RoutePlan& route : routes_) ArrivalOf(route.name, line).was_abandoned = false;
  }
}

void Model::Released(const Inode& inode) {
  const auto found = files_.find(inode.identity);
  if (found == files_.end()) return;
  if (tell) tell(fmt::format("given up: file #{}", inode.identity));
  WrittenFile& file = found->second;
  if (file.was_settled) return;  // a route that came later has no claim to it
  file.was_settled = true;
  for (const RoutePlan& route : routes_) {
    bool complete = true;
    bool refused = false;
    for (const uint32_t line : file.lines) {
      if (IsComplete(route.name, line)) continue;
      Arrival& arrival = ArrivalOf(route.name, line);
      arrival.was_abandoned = true;
      complete = complete && arrival.was_refused;
      refused = true;
    }
    if (complete && !refused) file.given_up_on.insert(route.name);
    file.was_settled &= complete || !Takes(route, logs_[file.log].directory);
  }
}

Model::Arrival& Model::ArrivalOf(const std::string& route, uint32_t line) {
  std::vector<Arrival>& arrivals = arrivals_[route];
  if (arrivals.size() <= line) arrivals.resize(lines_.size());
  return arrivals[line];
}

bool Model::IsComplete(const std::string& route, uint32_t line) const {
  const auto found = arrivals_.find(route);
  if (found == arrivals_.end() || found->second.size() <= line) return false;
  const Arrival& arrival = found->second[line];
  const uint64_t readable = lines_[line].readable();
  return arrival.has_arrived && arrival.covered.size() >= readable &&
         std::all_of(arrival.covered.begin(), arrival.covered.end(), [](bool is) { return is; });
}

bool Model::HasArrived(const std::string& route, uint32_t line) const {
  const auto found = arrivals_.find(route);
  return found != arrivals_.end() && found->second.size() > line && found->second[line].has_arrived;
}

std::string Model::Describe(uint32_t index) const {
  const PhysicalLine& line = lines_[index];
  const WrittenLog& log = logs_[line.log];
  return fmt::format("line {} \"{}{}\" of {}/{}.log, file #{}, offset {}", index, line.header,
                     line.body.substr(0, 60), log.directory, log.restart, line.file, line.begin);
}

Model::Document Model::Parse(std::string_view item) {
  Document document;
  if (item.starts_with("{\"create\"")) {
    const size_t newline = item.find('\n');
    simdjson::dom::element action;
    if (parser_->json.parse(item.substr(0, newline)).get(action) != simdjson::SUCCESS) {
      throw Violation{fmt::format("an action that is no JSON: {}", item)};
    }
    document.id = std::string(action["create"]["_id"].get_string().value());
    item.remove_prefix(newline + 1);
  }
  simdjson::dom::element json;
  if (parser_->json.parse(item).get(json) != simdjson::SUCCESS) {
    throw Violation{fmt::format("a document that is no JSON: {}", item)};
  }
  const auto text = [&](std::string_view pointer) {
    return std::string(json.at_pointer(pointer).get_string().value());
  };
  document.time = text("/@timestamp");
  document.stream = text("/stream");
  document.path = text("/log/file/path");
  document.pod_uid = text("/kubernetes/pod/uid");
  document.message = text("/message");
  document.offset = json.at_pointer("/log/offset").get_uint64().value();
  document.is_cut = json.at_pointer("/log/flags").error() == simdjson::SUCCESS;
  return document;
}

void Model::Stored(const Delivery& delivery) {
  ++documents_;
  const Document document = Parse(delivery.item);
  if (tell) {
    tell(fmt::format("{}: {} at {} {}{}: {} bytes: {}", delivery.route, document.time,
                     document.path, document.offset, document.is_cut ? ", cut" : "",
                     document.message.size(), document.message.substr(0, 40)));
  }
  CheckId(document, delivery);
  const std::vector<Piece> pieces = PiecesOf(document, delivery.item);
  CheckRepetition(delivery, pieces.front());
  CheckOrder(delivery, pieces);
  Arrived(delivery.route, pieces);
}

void Model::Refused(const Delivery& delivery) {
  const std::vector<Piece> pieces = PiecesOf(Parse(delivery.item), delivery.item);
  CheckOrder(delivery, pieces);
  for (const Piece& piece : pieces) ArrivalOf(delivery.route, piece.line).was_refused = true;
}

void Model::FoundDeadLetters(std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    simdjson::dom::element letter;
    if (parser_->json.parse(line).get(letter) != simdjson::SUCCESS) continue;  // torn
    const std::string route(letter["route"].get_string().value());
    const std::string item(letter["record"].get_string().value());
    Arrived(route, PiecesOf(Parse(item), item));
  }
}

void Model::CheckId(const Document& document, const Delivery& delivery) {
  if (document.id.empty()) return;
  const auto route = std::find_if(routes_.begin(), routes_.end(), [&](const RoutePlan& plan) {
    return plan.name == delivery.route;
  });
  const std::string meaning = fmt::format("{} {} {} {} {}", document.pod_uid, document.time,
                                          document.stream, document.offset, document.message);
  const auto [known, fresh] = ids_.try_emplace({route->sink, document.id}, meaning);
  if (!fresh && known->second != meaning) {
    throw Violation{fmt::format("one id for two documents: {}\n  {}\n  {}", document.id,
                                known->second, meaning)};
  }
}

// Where in the body of its first line a document begins.
uint64_t Model::StartIn(const Document& document, uint32_t index, std::string_view item) const {
  const PhysicalLine& line = lines_[index];
  const WrittenLog& log = logs_[line.log];
  const std::string path = fmt::format("/{}/{}.log", log.directory, log.restart);
  const uint64_t from =
      document.offset == line.begin ? 0 : document.offset - line.begin - line.header.size();
  const bool is_its_path =
      document.path.ends_with(path) || (!kTellsPathOfHeldFiles && document.path.empty());
  if (!is_its_path || line.is_stderr != (document.stream == "stderr") || from > line.body.size()) {
    throw Violation{fmt::format("a document is not of its line, {}: {}", Describe(index), item)};
  }
  return from;
}

void Model::CheckRepetition(const Delivery& delivery, const Piece& first) {
  Arrival& arrival = ArrivalOf(delivery.route, first.line);
  const auto before = arrival.acknowledged_in.find(first.from);
  const auto shed = shed_.find(delivery.route);
  const bool may_repeat =
      (shed != shed_.end() && shed->second == life_) || logs_[lines_[first.line].log].is_disturbed;
  if (before != arrival.acknowledged_in.end() && before->second == life_ && !may_repeat) {
    throw Violation{fmt::format("sent again without need to route \"{}\": {}", delivery.route,
                                Describe(first.line))};
  }
  if (delivery.acknowledged) arrival.acknowledged_in[first.from] = life_;
}

bool Model::MayBeGlued(const WrittenLog& log) const {
  return !kClosesRecordsAtGaps && (log.is_disturbed || !ordered_);
}

// The lines of other records that may go on with `text`, the longest first: it may begin a line,
// too.
std::vector<uint32_t> Model::GluedTo(uint32_t line, std::string_view text) const {
  const WrittenLog& log = logs_[lines_[line].log];
  std::vector<uint32_t> found;
  if (text.empty() || !MayBeGlued(log)) return found;
  for (const uint32_t other : log.streams[lines_[line].is_stderr]) {
    const std::string_view body = lines_[other].body;
    if (other == line || body.empty()) continue;
    if (text.starts_with(body) || body.starts_with(text)) found.push_back(other);
  }
  std::stable_sort(found.begin(), found.end(), [this](uint32_t a, uint32_t b) {
    return lines_[a].body.size() > lines_[b].body.size();
  });
  return found;
}

// Whether the lines from `at` on make the text. Where bytes are lost there may be several ways.
bool Model::Explain(std::string_view rest, Piece at, Explanation* explanation) const {
  const PhysicalLine& line = lines_[at.line];
  const WrittenLog& log = logs_[line.log];
  if (!explanation->tried.insert({at.line, rest.size()}).second) return false;
  at.bytes = std::min<uint64_t>(rest.size(), line.readable() - at.from);
  if (std::string_view(line.body).substr(at.from, at.bytes) != rest.substr(0, at.bytes)) {
    return explanation->Fails("wrong text for", at.line);
  }
  explanation->pieces.push_back(at);
  rest.remove_prefix(at.bytes);
  const std::vector<uint32_t>& stream = log.streams[line.is_stderr];
  const bool at_end = at.from + at.bytes == line.readable();
  const bool goes_on = at_end && line.is_partial && line.in_stream + 1 < stream.size();
  const uint32_t next = goes_on ? stream[line.in_stream + 1] : 0;
  if (rest.empty() && !(goes_on && EndsWithNothing(lines_[next]))) {
    const Piece& first = explanation->pieces.front();
    const bool starts_whole = first.from == 0 && lines_[first.line].is_first;
    const bool whole = (starts_whole || kRemembersOneCut) && at_end && !line.is_partial;
    if (whole || explanation->may_be_part || log.is_disturbed || !ordered_) return true;
    explanation->Fails("part of a record without saying so, up to", at.line);
  } else if (goes_on) {
    if (Explain(rest, {next, 0, 0}, explanation)) return true;
  } else {
    explanation->Fails("text beyond its record,", at.line);
  }
  for (const uint32_t glued : GluedTo(at.line, rest)) {
    if (Explain(rest, {glued, 0, 0}, explanation)) return true;
  }
  explanation->pieces.pop_back();
  return false;
}

std::vector<Model::Piece> Model::PiecesOf(const Document& document, std::string_view item) const {
  const auto found = line_at_.find(document.time);
  if (found == line_at_.end()) throw Violation{fmt::format("a line that nobody wrote: {}", item)};
  const uint64_t from = StartIn(document, found->second, item);
  Explanation explanation;
  explanation.may_be_part = document.is_cut;
  if (!Explain(document.message, {found->second, from, 0}, &explanation)) {
    throw Violation{
        fmt::format("{} {}: {}", explanation.failure, Describe(explanation.failed_at), item)};
  }
  return std::move(explanation.pieces);
}

void Model::Arrived(const std::string& route, const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) {
    Arrival& arrival = ArrivalOf(route, piece.line);
    arrival.has_arrived = true;
    const size_t readable = lines_[piece.line].readable();
    arrival.covered.resize(std::max(arrival.covered.size(), readable));
    std::fill_n(arrival.covered.begin() + static_cast<ptrdiff_t>(piece.from), piece.bytes, true);
  }
}

// Of what the sink is given for the first time.
void Model::CheckOrder(const Delivery& delivery, const std::vector<Piece>& pieces) {
  const uint32_t line = pieces.front().line;
  // Where nothing was owed a later life may begin further back.
  const Arrival& arrival = ArrivalOf(delivery.route, line);
  const bool again = arrival.was_offered || arrival.is_optional;
  for (const Piece& piece : pieces) ArrivalOf(delivery.route, piece.line).was_offered = true;
  if (again) return;
  const PhysicalLine& written = lines_[line];
  const auto [newest, fresh] =
      newest_.try_emplace({delivery.route, written.log, written.is_stderr}, line);
  if (fresh || newest->second < line) {
    newest->second = line;
  } else if (delivery.in_order && ordered_ && !logs_[written.log].is_disturbed) {
    throw Violation{fmt::format("out of order on route \"{}\": {} came after {}", delivery.route,
                                Describe(line), Describe(newest->second))};
  }
}

bool Model::Takes(const RoutePlan& route, const std::string& directory) const {
  for (const RoutePlan& plan : routes_) {
    const bool matches =
        plan.namespace_name.empty() || plan.namespace_name == NamespaceOf(directory);
    if (plan.name == route.name) return matches;
    if (matches && plan.stop) return false;
  }
  return false;
}

bool Model::IsOwed(const RoutePlan& route, uint32_t index) const {
  const PhysicalLine& line = lines_[index];
  if (line.is_destroyed || line.is_late || !Takes(route, logs_[line.log].directory)) return false;
  if (line.is_out_of_place && route.start_now) return false;  // it may lie before its `now`
  // So little is not found again in a record that it was glued to.
  const bool is_telling = line.is_first && line.body.size() >= kTellingBytesMin;
  if (MayBeGlued(logs_[line.log]) && !is_telling) return false;
  if (line.written <= line.header.size()) return false;  // not yet a line
  const auto arrivals = arrivals_.find(route.name);
  const bool known = arrivals != arrivals_.end() && arrivals->second.size() > index;
  if (known && arrivals->second[index].is_optional) return false;
  if (!files_.at(line.file).is_dead) return true;
  return known && arrivals->second[index].was_abandoned;
}

uint64_t Model::MayVanish(const RoutePlan& route) const {
  uint64_t bytes = 0;
  for (const auto& [identity, file] : files_) {
    const bool is_known_as_settled = file.given_up_on.contains(route.name);
    if (file.is_dead && !is_known_as_settled && Takes(route, logs_[file.log].directory)) {
      bytes += file.bytes_at_death;
    }
  }
  return bytes;
}

uint64_t Model::LateBytes(const Inode& inode) const {
  const WrittenFile& file = files_.at(inode.identity);
  return !file.lines.empty() && lines_[file.lines.front()].is_late ? inode.content.size() : 0;
}

void Model::CheckAllArrived() const {
  for (const RoutePlan& route : routes_) {
    for (uint32_t line = 0; line < lines_.size(); ++line) {
      if (!IsOwed(route, line) || IsComplete(route.name, line)) continue;
      const bool dead = files_.at(lines_[line].file).is_dead;
      throw Violation{fmt::format("lost on route \"{}\": {}, {} bytes of body{}{}", route.name,
                                  Describe(line), lines_[line].readable(),
                                  HasArrived(route.name, line) ? ", a part has arrived" : "",
                                  dead ? "; the agent gave its file up before" : "")};
    }
  }
}

}  // namespace hinomi::simulation
