// What one run of the agent leaves for the next: with which configuration it ran, and whether it
// came to its end. Becomes events.
#pragma once

#include <string>
#include <string_view>

#include "base/filesystem.h"
#include "shipper/event_log.h"

namespace hinomi {

class Life {
 public:
  /// `path`: of the file between two runs. `configuration`: a hash of the one in effect.
  Life(std::string path, std::string configuration, FileSystem& files, EventLog& events);

  /// Says that the agent has started, how its predecessor ended, and whether the configuration is
  /// another.
  void Begin(std::string_view version);
  /// Says that another configuration is in effect.
  void Changed(std::string configuration);
  /// Says that it is about to stop; still to be sent.
  void Stop(std::string_view why);
  /// From here on its end is a good one.
  void End();

 private:
  void Write(std::string_view state);
  void SayChanged(std::string_view how, const std::string& before);

  const std::string path_;
  std::string configuration_;
  FileSystem& files_;
  EventLog& events_;
};

}  // namespace hinomi
