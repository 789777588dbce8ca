// Which index of Elasticsearch a record goes to, where that is not the same for all: by who wrote
// it and by the day of its own time, never by now. Knows nothing of requests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time_zone.h"
#include "shipper/batch.h"

namespace hinomi {

/// The names that a sink's `index` stands for. Any number of threads.
class IndexNames {
 public:
  /// `index` and `time_zone` have passed CheckIndex and CheckTimeZone; `index` may be empty.
  IndexNames(const std::string& index, std::string cluster, const std::string& time_zone);

  /// Whether records have an index each. Otherwise it is the sink's, and not repeated.
  bool differ() const { return differ_; }
  bool dated() const { return dated_; }

  /// The name for a log on `day`, as Elasticsearch takes it: lower case, what is illegal as _, each
  /// word at most kIndexWordBytesMax long.
  std::string Of(const PodInfo& pod, const LocalDay& day) const;

  /// `time` is RFC 3339, validated.
  LocalDay DayOf(std::string_view time) const;

 private:
  std::string index_;
  std::string cluster_;
  TimeZone zone_;
  bool differ_;
  bool dated_;
};

/// The index of each record of one lease: worked out once a day, looked up record by record.
class LeaseIndex {
 public:
  /// Begins with a log; `names` must live until the next.
  void Begin(const IndexNames& names, const PodInfo& pod);

  /// Of the log's record of that time, RFC 3339, validated; empty where names do not differ. Valid
  /// until the next call.
  std::string_view At(std::string_view time);

 private:
  const IndexNames* names_ = nullptr;
  const PodInfo* pod_ = nullptr;
  std::string name_;
  int64_t begin_ = 0;  // milliseconds since 1970 for which the name holds
  int64_t end_ = 0;
};

}  // namespace hinomi
