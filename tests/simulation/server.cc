#include "tests/simulation/server.h"

namespace hinomi::simulation {

void Server::Heal() {
  habits_.fails = habits_.forgets = habits_.answers_half = habits_.dies = 0;
  dead_until_ = Duration{0};
}

Attempt Server::Deliver(Batch& batch, const std::string& route, Duration now) {
  if (random_.Chance(habits_.dies)) {
    dead_until_ = now + std::chrono::seconds(random_.Between(1, 90));
  }
  if (now < dead_until_ || random_.Chance(habits_.fails)) {
    last_answer = "nothing taken";
    return {"cannot send: connection refused", "connect", {}};
  }
  const bool forgets = random_.Chance(habits_.forgets);
  const bool half = !forgets && random_.Chance(habits_.answers_half);
  last_answer = forgets ? "all taken, no answer" : half ? "a part taken" : "all taken";
  bool undecided = false;
  for (uint32_t i = 0; i < batch.records.size(); ++i) {
    BatchRecord& record = batch.records[i];
    if (record.outcome != Outcome::kPending) continue;
    if (half && random_.OneIn(2)) {
      undecided = true;
      continue;
    }
    const std::string_view item =
        std::string_view(batch.bytes).substr(record.begin, record.end - record.begin);
    const std::string& word = habits_.refused_word;
    if (!word.empty() && item.find(word) != std::string_view::npos) {
      model_.Refused({route, item, !forgets, keeps_order_});
      if (forgets) continue;
      record.outcome = Outcome::kRejected;
      batch.rejections.push_back({i, "document_parsing_exception", "it has the word"});
      continue;
    }
    model_.Stored({route, item, !forgets, keeps_order_});
    if (!forgets) record.outcome = Outcome::kAcknowledged;
  }
  if (forgets) return {"cannot read the answer: timeout", "timeout", {}};
  if (undecided) return {"some are not decided", "429", {}};
  return {};
}

}  // namespace hinomi::simulation
