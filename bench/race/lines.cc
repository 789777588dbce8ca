#include "bench/race/lines.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string_view>

namespace hinomi::race {
namespace {

constexpr uint64_t kBodyBytesSpread = 36;  // lengths are even within the mean plus and minus this

constexpr std::array<std::string_view, 6> kLevels = {"debug", "info", "info",
                                                     "info",  "warn", "error"};
constexpr std::array<std::string_view, 4> kMethods = {"GET", "GET", "POST", "DELETE"};
constexpr std::array<std::string_view, 4> kPaths = {"/api/v1/items/", "/api/v1/orders/", "/static/",
                                                    "/user/"};
constexpr std::array<int, 5> kStatuses = {200, 200, 201, 404, 503};
// Quotes and bytes beyond ASCII are in them because every shipper has to escape or check those.
constexpr std::array<std::string_view, 12> kWords = {
    "request ", "served ", "from ", "cache ",       "after ",   "retry ",
    "of ",      "tenant ", "東京 ", R"(\"gold\" )", "latency ", "budget "};

/// SplitMix64: enough chance for fields, and no state to carry from line to line.
class Chance {
 public:
  Chance(uint64_t seed, const Mark& mark) : state_(seed ^ (mark.pod << 40) ^ mark.sequence) {}
  uint64_t Below(uint64_t limit) {
    uint64_t value = state_ += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return (value ^ (value >> 31)) % limit;
  }
  template <typename Table>
  auto Of(const Table& table) {
    return table[Below(table.size())];
  }

 private:
  uint64_t state_;
};

void AppendText(Chance& chance, size_t end, std::string* out) {
  while (out->size() < end) {
    const std::string_view word = chance.Of(kWords);
    if (out->size() + word.size() > end) break;
    *out += word;
  }
  out->append(end - std::min(end, out->size()), '.');
}

}  // namespace

void AppendBody(Kind kind, uint64_t seed, const Mark& mark, std::string* out) {
  Chance chance(seed, mark);
  const size_t bytes = kBodyBytesMean - kBodyBytesSpread + chance.Below(2 * kBodyBytesSpread + 1);
  const bool json = kind == Kind::kJson || (kind == Kind::kMixed && chance.Below(2) == 0);
  std::string end = json ? R"(","end":")" : " ";
  AppendTail(mark, &end);
  if (json) end += "\"}";
  const size_t text_end = out->size() + bytes - end.size();

  *out += json ? R"({"id":")" : "";
  AppendHead(mark, out);
  fmt::format_to(
      std::back_inserter(*out),
      json ? fmt::runtime(
                 R"(","level":"{}","method":"{}","path":"{}{}","status":{},"ms":{}.{},"message":")")
           : fmt::runtime(" {} {} {}{} {} {}.{}ms "),
      chance.Of(kLevels), chance.Of(kMethods), chance.Of(kPaths), chance.Below(100'000),
      chance.Of(kStatuses), chance.Below(500), chance.Below(10));
  AppendText(chance, text_end, out);
  *out += end;
}

void LineWriter::Append(uint64_t pod, uint64_t sequence, uint64_t now_nanoseconds,
                        std::string* out) {
  constexpr uint64_t kNanoseconds = 1'000'000'000;
  if (const uint64_t second = now_nanoseconds / kNanoseconds; second != second_) {
    second_ = second;
    second_text_ =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}.", fmt::gmtime(static_cast<std::time_t>(second)));
  }
  *out += second_text_;
  fmt::format_to(std::back_inserter(*out), "{:09}", now_nanoseconds % kNanoseconds);
  // As Go prints it: without the zeros at the end.
  while (out->back() == '0') out->pop_back();
  if (out->back() == '.') out->pop_back();
  *out += sequence % 8 == 7 ? "Z stderr F " : "Z stdout F ";
  AppendBody(kind_, seed_, {pod, sequence, now_nanoseconds / 1000}, out);
  *out += '\n';
}

}  // namespace hinomi::race
