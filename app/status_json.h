// The status as one line of JSON.
#pragma once

#include <string>

#include "app/status_board.h"

namespace hinomi {

/// One object, valid UTF-8 whatever is in names and messages, without a line end.
std::string ToJson(const StatusView& view);

}  // namespace hinomi
