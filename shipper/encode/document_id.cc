#include "shipper/encode/document_id.h"

#include <bit>

#include "base/planted_bug.h"
namespace hinomi {
namespace {

static_assert(std::endian::native == std::endian::little, "ids are hashes of little-endian words");

constexpr char kAlphabet[] = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
constexpr size_t kTimeCharacters = 6;
constexpr size_t kHalfCharacters = 11;  // of 64 bits, the last of only four

/// Writes the top `characters` × 6 bits of `bits`.
void Write(uint64_t bits, size_t characters, char* out) {
  for (size_t i = 0; i < characters; ++i) {
    out[i] = kAlphabet[bits >> 58];
    bits <<= 6;
  }
}

}  // namespace

DocumentId DocumentIdOf(const Origin& origin, const Record& record) {
  // Segment numbers depend on what the agent has seen of the log, hence only whether the range
  // leaves the segment.
  const uint64_t leaves_segment = record.begin.segment != record.end.segment ? 1 : 0;
  std::array<uint64_t, 7> words = {origin.log_hash,   record.segment_key, record.begin.offset,
                                   record.end.offset, record.content.low, record.content.high,
                                   leaves_segment};
  if (PlantedBug(Bug::kIdWithoutBytes)) words[1] = words[4] = words[5] = 0;
  const Hash128 hash = Hash128Of({reinterpret_cast<const char*>(words.data()), sizeof words});
  DocumentId id;
  Write(uint64_t{origin.first_seconds} << (64 - 6 * kTimeCharacters), kTimeCharacters, id.data());
  Write(hash.high, kHalfCharacters, id.data() + kTimeCharacters);
  Write(hash.low, kHalfCharacters, id.data() + kTimeCharacters + kHalfCharacters);
  return id;
}

}  // namespace hinomi
