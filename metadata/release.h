// Which release of its program a container runs: branch and commit, from the tag of its image by
// the pattern of the configuration, and the commit first of all from the label that the build put
// into the image. What neither tells is said to be unknown, never guessed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/pattern.h"

namespace hinomi {

/// The label of an image that names the commit it was built from.
/// Source: the OCI image specification, annotations.md.
inline constexpr std::string_view kRevisionLabel = "org.opencontainers.image.revision";
inline constexpr std::string_view kUnknownRelease = "unknown";

struct Release {
  std::string branch{kUnknownRelease};
  std::string commit{kUnknownRelease};
  bool operator==(const Release&) const = default;
};

/// Any thread.
class ReleasePattern {
 public:
  /// `pattern` was checked by the loader; empty: tags tell nothing.
  explicit ReleasePattern(const std::string& pattern);

  /// `revision`: the value of that label, or empty. Nothing where nobody has said how to tell:
  /// neither a pattern nor the label.
  std::optional<Release> Of(std::string_view image, std::string_view revision) const;

 private:
  std::shared_ptr<const Pattern> pattern_;  // null: none
};

/// Of registry:5000/name:tag@digest; empty when there is none.
std::string_view TagOf(std::string_view image);

}  // namespace hinomi
