#include "app/human_text.h"

#include <fmt/format.h>

#include <iterator>

namespace hinomi {

std::string HumanBytes(uint64_t bytes) {
  constexpr uint64_t kUnit = 1024;
  if (bytes < kUnit) return fmt::format("{} byte{}", bytes, bytes == 1 ? "" : "s");
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const char* const* unit = std::begin(kUnits);
  double value = static_cast<double>(bytes) / kUnit;
  // What rounds to 1024 is one of the next.
  for (; value >= kUnit - 0.5 && unit + 1 < std::end(kUnits); ++unit) value /= kUnit;
  return fmt::format("{:.{}f} {}", value, value < 99.95 ? 1 : 0, *unit);
}

std::string HumanDuration(Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto whole = static_cast<uint64_t>(seconds);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 120) return fmt::format("{} s", whole);
  if (seconds < 2 * 3600) return fmt::format("{} min", whole / 60);
  if (seconds < 48 * 3600) return fmt::format("{} h", whole / 3600);
  return fmt::format("{} days", whole / (24 * 3600));
}

std::string Ordinal(size_t index) {
  const size_t number = index + 1;
  const bool teen = number % 100 / 10 == 1;
  const char* const suffixes[] = {"th", "st", "nd", "rd"};
  return fmt::format("{}{}", number, !teen && number % 10 < 4 ? suffixes[number % 10] : "th");
}

}  // namespace hinomi
