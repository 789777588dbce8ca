#include "metadata/release.h"

namespace hinomi {

ReleasePattern::ReleasePattern(const std::string& pattern) {
  if (pattern.empty()) return;
  pattern_ = std::make_shared<const Pattern>(std::move(*Pattern::Compile(pattern)));
}

std::optional<Release> ReleasePattern::Of(std::string_view image, std::string_view revision) const {
  if (pattern_ == nullptr && revision.empty()) return std::nullopt;
  Release release;
  const auto take = [](std::string_view text, std::string* part) {
    if (!text.empty()) *part = text;
  };
  if (pattern_ != nullptr) {
    const std::string_view tag = TagOf(image);
    take(pattern_->Group("branch", tag), &release.branch);
    take(pattern_->Group("commit", tag), &release.commit);
  }
  take(revision, &release.commit);
  return release;
}

std::string_view TagOf(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const size_t colon = image.rfind(':');
  if (colon == std::string_view::npos || image.find('/', colon) != std::string_view::npos) {
    return {};
  }
  return image.substr(colon + 1);
}

}  // namespace hinomi
