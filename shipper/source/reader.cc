#include "shipper/source/reader.h"

#include <algorithm>

#include "base/check.h"
#include "base/planted_bug.h"

namespace hinomi {

Duration Reader::unsettled_since() const {
  return in_flight_.empty() ? fresh_since : in_flight_.front().since;
}

void Reader::Advance(uint64_t ticket, Cursor to, uint64_t bytes) {
  CHECK(to.at >= read_.at);
  in_flight_.push_back({ticket, read_, to, fresh_since, bytes, false, {}, {}});
  in_flight_bytes_ += bytes;
  read_ = std::move(to);
}

void Reader::Skip(Position to) {
  CHECK(to >= read_.at);
  read_.at = to;
  if (in_flight_.empty()) {
    settled_.at = to;
  } else {
    in_flight_.back().end.at = to;
  }
}

void Reader::Pass(const Cursor& to, const SettledBytes& outcome) {
  CHECK(idle());
  Skip(to.at);
  read_.continuing = to.continuing;
  settled_.continuing = to.continuing;
  Account(outcome);
  has_open = false;
}

void Reader::Account(const SettledBytes& outcome) {
  settled_bytes_ += outcome;
  if (uncounted_ == nullptr) uncounted_ = std::make_unique<SettledBytes>();
  *uncounted_ += outcome;
}

SettledBytes Reader::TakeUncounted() {
  const std::unique_ptr<SettledBytes> taken = std::move(uncounted_);
  return taken == nullptr ? SettledBytes() : *taken;
}

void Reader::AddPassed(uint32_t segment, const SettledBytes& outcome) {
  const auto ticket =
      std::find_if(in_flight_.begin(), in_flight_.end(),
                   [segment](const InFlight& entry) { return entry.end.at.segment > segment; });
  if (ticket == in_flight_.end() || settled_.at.segment > segment) return Account(outcome);
  ticket->passed += outcome;
  ticket->bytes += outcome.Total();
  in_flight_bytes_ += outcome.Total();
}

bool Reader::Settle(uint64_t ticket, const SettledBytes& outcome) {
  const auto found =
      std::find_if(in_flight_.begin(), in_flight_.end(),
                   [ticket](const InFlight& entry) { return entry.ticket == ticket; });
  if (found == in_flight_.end()) return false;
  found->settled = true;
  found->outcome = outcome;
  if (PlantedBug(Bug::kTicketSkipped)) in_flight_.erase(in_flight_.begin(), found);
  auto open = in_flight_.begin();
  for (; open != in_flight_.end() && open->settled; ++open) {
    Account(open->outcome);
    Account(open->passed);
    in_flight_bytes_ -= open->bytes;
    settled_ = std::move(open->end);
  }
  in_flight_.erase(in_flight_.begin(), open);
  if (in_flight_.empty()) in_flight_ = {};
  return true;
}

bool Reader::Forget(uint64_t ticket) {
  const auto found =
      std::find_if(in_flight_.begin(), in_flight_.end(),
                   [ticket](const InFlight& entry) { return entry.ticket == ticket; });
  if (found == in_flight_.end()) return false;
  if (!PlantedBug(Bug::kForgottenNotReadAgain)) read_ = std::move(found->begin);
  fresh_since = found->since;
  caught_up = false;
  for (auto it = found; it != in_flight_.end(); ++it) {
    if (!PlantedBug(Bug::kSentAgainCountedTwice)) in_flight_bytes_ -= it->bytes;
  }
  in_flight_.erase(found, in_flight_.end());
  has_open = false;
  return true;
}

}  // namespace hinomi
