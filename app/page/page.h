// The status page: files of this folder, served from memory. They ask /api/v1/status for all that
// they show.
#pragma once

#include <map>
#include <string>

#include "app/http/server.h"

namespace hinomi {

/// The page's files by the path that each is served at; `/` is the page itself. Their headers allow
/// nothing that does not come from this server.
std::map<std::string, HttpResponse> PageFiles();

}  // namespace hinomi
