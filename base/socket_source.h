// Where the sockets of a client come from, for clients that do not open their own. Knows nothing of
// what is sent.
#pragma once

#include "base/result.h"

namespace hinomi {

class SocketSource {
 public:
  virtual ~SocketSource() = default;

  /// As socket(2): one that is ready to be connected and that the caller gives to Close. Errors:
  /// io, with the errno. Any thread.
  virtual Result<int> Open(int family, int type, int protocol) = 0;
  virtual void Close(int socket) = 0;
};

}  // namespace hinomi
