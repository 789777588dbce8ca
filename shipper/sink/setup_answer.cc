#include "shipper/sink/setup_answer.h"

#include "base/json_walk.h"
#include "shipper/sink/elasticsearch_templates.h"

namespace hinomi {
namespace {

constexpr double kNumberMax = 1e15;  // whole in a double

// ILM has {"NAME": {"policy": {"_meta": …}}}, ISM {"policy": {"description": …}, "_seq_no": …}, and
// templates lie deeper.
class AnswerVisitor final : public JsonVisitor {
 public:
  explicit AnswerVisitor(SetupAnswer* answer) : answer_(*answer) {}

  void Text(const JsonPath& path, std::string_view text) override {
    if (path.Is({})) return;
    const bool meta = path.last() == "managed_by" && text == "hinomi";
    const bool description =
        path.Is({"policy", "description"}) && text.starts_with(kManagedByHinomi);
    if (meta || description) answer_.owner = Owner::kHinomi;
  }
  void Number(const JsonPath& path, double number) override {
    if (number < 0 || number > kNumberMax) return;
    if (path.Is({"_seq_no"})) answer_.sequence_number = static_cast<int64_t>(number);
    if (path.Is({"_primary_term"})) answer_.primary_term = static_cast<int64_t>(number);
  }
  void EndObject(const JsonPath& path) override {
    if (path.Is({}) || answer_.owner == Owner::kHinomi) return;
    for (std::string_view object : {"policy", "component_template", "index_template"}) {
      if (path.last() == object) answer_.owner = Owner::kOther;
    }
  }

 private:
  SetupAnswer& answer_;
};

}  // namespace

SetupAnswer ParseSetupAnswer(std::string_view body) {
  SetupAnswer answer;
  AnswerVisitor visitor(&answer);
  if (!WalkJson(body, visitor)) return {};
  return answer;
}

}  // namespace hinomi
