// The name under which a record is stored: the same bytes at the same place of the same log always
// get the same id, so a second `create` of it conflicts with the first and proves that it is there.
#pragma once

#include <array>
#include <string_view>

#include "shipper/batch.h"

namespace hinomi {

/// Six characters of time (seconds since 1970 of the log's first line, so that ids of one log stay
/// together in the index and newer logs come later), then 22 of a 128-bit hash of log, segment,
/// byte range and raw bytes. Characters are
/// `-`, `0-9`, `A-Z`, `_`, `a-z`, in this order, which is that of ASCII. It must never change:
/// after an upgrade everything that is sent again would be stored twice.
using DocumentId = std::array<char, 28>;

DocumentId DocumentIdOf(const Origin& origin, const Record& record);

inline std::string_view ToView(const DocumentId& id) { return {id.data(), id.size()}; }

}  // namespace hinomi
