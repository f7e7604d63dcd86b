// Any statement over any payload: the first line is the statement.

#include <cstddef>
#include <cstdint>

#include "sql/iot/statement.h"
#include "sql/iot/time_pattern.h"

namespace {

class FuzzSurroundings final : public wellhead::sql::iot::Surroundings {
  public:
    std::string NewUuid() override { return "u"; }
    double RandomFraction() override { return 0.5; }
    std::string_view account_id() const override { return "1"; }
    std::optional<std::string> ThingShadow(std::string_view, std::string_view) override { return "{}"; }
    std::optional<int> ZoneOffset(std::string_view zone, wellhead::base::Instant) override {
        return wellhead::sql::iot::FixedZoneOffset(zone);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::sql::iot;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    std::string_view sql = input.substr(0, input.find('\n'));
    auto statement = Statement::Compile(sql);
    if (!statement) return 0;
    FuzzSurroundings surroundings;
    Evaluator evaluator(surroundings);
    MessageView message;
    message.topic = "a/b";
    message.payload = input.substr(sql.size());
    evaluator.Begin(message);
    std::string out;
    (void)evaluator.Select(**statement, out);
    return 0;
}
