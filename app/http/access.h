// Who may see the page and its API: whoever brings the token; and where no token is configured,
// whoever sits at this machine. Knows nothing of what is shown.
#pragma once

#include <string>
#include <string_view>

#include "app/http/server.h"
#include "base/filesystem.h"

namespace hinomi {

class Access {
 public:
  /// `token_file` is empty where there is none. The file is read again for every request, so that a
  /// new token counts at once. `files` must outlive it.
  Access(std::string token_file, FileSystem& files)
      : token_file_(std::move(token_file)), files_(files) {}

  /// Nothing when `request` may see the page, else the answer it gets: 401 asks for the token, 403
  /// says what would open it. With a token file that cannot be used nobody is let in: to open the
  /// page to all because a secret is missing would be the worse fault. Any thread.
  std::optional<HttpResponse> Refuse(const IncomingRequest& request) const;

 private:
  const std::string token_file_;
  FileSystem& files_;
};

/// True when a Host header names this machine by a number or as localhost. Any other name may be
/// one that a foreign page has made to lead here.
bool IsOwnName(std::string_view host);

/// The token in an Authorization header: `Bearer TOKEN`, or the password of `Basic`. Empty when
/// there is none.
std::string TokenIn(std::string_view authorization);

}  // namespace hinomi
