// Finds the documents of a batch that are stored already where a `create` would not notice: ids are
// unique within one backing index of a data stream, so one that was stored before a rollover would
// be stored once more after it. Only what was written before a moment of doubt (an answer that did
// not come, an earlier run of the agent) and before the rollover is asked for. Below it is
// ElasticsearchClient. Knows nothing of retries.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "shipper/batch.h"
#include "shipper/sink/elasticsearch_client.h"

namespace hinomi {

/// One per lane; one thread at a time.
class EarlierCopies {
 public:
  /// `index`: the target of documents whose action line names none.
  EarlierCopies(std::string sink, std::string index)
      : sink_(std::move(sink)), index_(std::move(index)) {}

  /// Acknowledges and takes out of `pending` (indices of the batch's records) what is stored.
  /// Records that are not older than `doubt_until`, Unix time, cost a look at the first of each
  /// slice. Within an attempt of `client`. An error: the server does not answer, nothing is known.
  /// Without the permission to look, says so once and finds nothing.
  Attempt Acknowledge(ElasticsearchClient& client, Duration doubt_until, Batch* batch,
                      std::vector<uint32_t>* pending);

 private:
  struct Stream {
    std::string write_index;
    int64_t created_milliseconds = 0;  // Unix time, by the server's clock
  };
  struct Doubtful {
    uint32_t record = 0;
    std::string_view id;
  };

  std::set<std::string> TargetsInDoubt(const Batch& batch, const std::vector<uint32_t>& pending,
                                       Duration doubt_until) const;
  std::vector<Doubtful> WrittenBefore(const Stream& stream, std::string_view target,
                                      const Batch& batch,
                                      const std::vector<uint32_t>& pending) const;
  Attempt Find(ElasticsearchClient& client, const std::string& target,
               const std::vector<Doubtful>& doubtful, Batch* batch);
  /// When the write index was made; null: nothing is to be looked for in other ones.
  Attempt LookAtStream(ElasticsearchClient& client, const std::string& target,
                       const Stream** stream);
  Attempt SayOnce(ElasticsearchReply reply, const std::string& target);

  std::string sink_, index_;
  std::map<std::string, Stream, std::less<>> streams_;
  bool denied_ = false;
};

}  // namespace hinomi
