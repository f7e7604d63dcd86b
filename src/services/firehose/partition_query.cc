#include "services/firehose/partition_query.h"

#include <fmt/format.h>

extern "C" {
#include <jq.h>
#include <jv.h>
}

#include <set>

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr size_t kMostQueryBytes = 5120;

void KeepMessage(void* to, jv message) {
    auto& text = *static_cast<std::string*>(to);
    if (text.empty() && jv_get_kind(message) == JV_KIND_STRING) text = jv_string_value(message);
    jv_free(message);
}

// Words that make a query loop, define, or read something else than its record.
const std::set<std::string, std::less<>>& BannedWords() {
    static const std::set<std::string, std::less<>> words = {
        "def",    "import", "include", "input",  "inputs", "input_filename", "input_line_number", "debug",
        "stderr", "env",    "halt",    "range",  "while",  "until",          "repeat",            "recurse",
        "limit",  "foreach", "reduce", "label",  "walk",   "paths",          "get_search_list",   "halt_error",
        "modulemeta", "splits", "combinations", "ENV", "recurse_down", "getpath", "infinite"};
    return words;
}

// Outside of strings; a string's interpolations are code again, but then its words are looked at as well.
base::Result<void> CheckWords(std::string_view query) {
    std::string word;
    for (size_t i = 0; i <= query.size(); ++i) {
        const char c = i < query.size() ? query[i] : ' ';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
        if (letter) {
            word += c;
            continue;
        }
        const size_t begin = i - word.size();
        const bool field = begin > 0 && query[begin - 1] == '.';  // .range is a member's name
        const bool key = c == ':';                                // {range: .x} as well
        if (!field && !key && BannedWords().contains(word)) {
            return Fail(ErrorCode::kInvalidArgument, fmt::format("MetadataExtractionQuery: '{}' is not served.", word));
        }
        word.clear();
    }
    return {};
}

struct Owned {
    explicit Owned(jv made) : value(made) {}
    ~Owned() { jv_free(value); }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    jv value;
};

std::string MessageOf(jv invalid) {
    Owned message(jv_invalid_get_msg(invalid));
    return jv_get_kind(message.value) == JV_KIND_STRING ? jv_string_value(message.value) : "no result";
}

}  // namespace

struct PartitionQuery::State {
    ~State() {
        if (jq != nullptr) jq_teardown(&jq);
    }
    jq_state* jq = nullptr;
    std::string message;
};

PartitionQuery::PartitionQuery(std::unique_ptr<State> state) : state_(std::move(state)) {}
PartitionQuery::~PartitionQuery() = default;

base::Result<std::unique_ptr<PartitionQuery>> PartitionQuery::Compile(const std::string& query) {
    if (query.size() > kMostQueryBytes) return Fail(ErrorCode::kInvalidArgument, "MetadataExtractionQuery is too long.");
    RETURN_IF_ERROR(CheckWords(query));
    auto state = std::make_unique<State>();
    state->jq = jq_init();
    if (state->jq == nullptr) return Fail(ErrorCode::kLimit, "jq could not start");
    jq_set_error_cb(state->jq, KeepMessage, &state->message);
    if (jq_compile(state->jq, query.c_str()) == 0) {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("MetadataExtractionQuery does not compile: {}", state->message));
    }
    return std::unique_ptr<PartitionQuery>(new PartitionQuery(std::move(state)));
}

base::Result<PartitionKeys> PartitionQuery::Evaluate(std::string_view record) {
    const auto fail = [](std::string reason) { return Fail(ErrorCode::kInvalidArgument, std::move(reason)); };
    if (record.size() > INT32_MAX) return fail("the record is too large");
    jv parsed = jv_parse_sized(record.data(), static_cast<int>(record.size()));
    if (!jv_is_valid(parsed)) return fail("not JSON: " + MessageOf(parsed));
    jq_start(state_->jq, parsed, 0);
    Owned result(jq_next(state_->jq));
    if (!jv_is_valid(result.value)) return fail("the query failed: " + MessageOf(jv_copy(result.value)));
    if (jv_get_kind(result.value) != JV_KIND_OBJECT) return fail("the query's result is not an object");
    PartitionKeys keys;
    for (int at = jv_object_iter(result.value); jv_object_iter_valid(result.value, at); at = jv_object_iter_next(result.value, at)) {
        Owned key(jv_object_iter_key(result.value, at));
        Owned value(jv_object_iter_value(result.value, at));
        const std::string name = jv_string_value(key.value);
        std::string text;
        switch (jv_get_kind(value.value)) {
            case JV_KIND_STRING: text = jv_string_value(value.value); break;
            case JV_KIND_NUMBER:
            case JV_KIND_TRUE:
            case JV_KIND_FALSE: {
                Owned dumped(jv_dump_string(jv_copy(value.value), 0));
                text = jv_string_value(dumped.value);
                break;
            }
            default: return fail(fmt::format("the partition key {} is no string, number or boolean", name));
        }
        if (text.empty()) return fail(fmt::format("the partition key {} is empty", name));
        keys.emplace(name, std::move(text));
    }
    return keys;
}

}  // namespace wellhead::services::firehose
