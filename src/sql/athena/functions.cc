#include "sql/athena/functions.h"

#include <algorithm>

namespace wellhead::sql::athena {
namespace {

constexpr FunctionRule kRules[] = {
    // Aggregates and windows.
    {"count", 0, 1, ""}, {"sum", 1, 1, ""}, {"avg", 1, 1, ""}, {"min", 1, 1, ""}, {"max", 1, 1, ""},
    {"min", 2, 2, ""}, {"max", 2, 2, ""},
    {"count_if", 1, 1, ""}, {"every", 1, 1, "bool_and"}, {"bool_and", 1, 1, ""}, {"bool_or", 1, 1, ""},
    {"any_value", 1, 1, ""}, {"arbitrary", 1, 1, "any_value"}, {"array_agg", 1, 1, ""},
    {"map_agg", 2, 2, "map(list($1), list($2))"}, {"histogram", 1, 1, ""}, {"listagg", 1, 2, "string_agg"}, {"set_agg", 1, 1, "list(DISTINCT $1)"}, {"checksum", 1, 1, "bit_xor(hash($1))"},
    {"approx_distinct", 1, 2, "approx_count_distinct($1)"}, {"approx_percentile", 2, 2, "approx_quantile"},
    {"max_by", 2, 3, ""}, {"min_by", 2, 3, ""}, {"stddev", 1, 1, ""}, {"stddev_samp", 1, 1, ""},
    {"stddev_pop", 1, 1, ""}, {"variance", 1, 1, ""}, {"var_samp", 1, 1, ""}, {"var_pop", 1, 1, ""},
    {"corr", 2, 2, ""}, {"covar_samp", 2, 2, ""}, {"covar_pop", 2, 2, ""}, {"regr_slope", 2, 2, ""},
    {"regr_intercept", 2, 2, ""}, {"skewness", 1, 1, ""}, {"kurtosis", 1, 1, ""}, {"geometric_mean", 1, 1, "geomean"},
    {"bitwise_and_agg", 1, 1, "bit_and"}, {"bitwise_or_agg", 1, 1, "bit_or"}, {"bitwise_xor_agg", 1, 1, "bit_xor"},
    {"row_number", 0, 0, ""}, {"rank", 0, 0, ""}, {"dense_rank", 0, 0, ""}, {"percent_rank", 0, 0, ""},
    {"cume_dist", 0, 0, ""}, {"ntile", 1, 1, ""}, {"lag", 1, 3, ""}, {"lead", 1, 3, ""}, {"first_value", 1, 1, ""},
    {"last_value", 1, 1, ""}, {"nth_value", 2, 2, ""}, {"grouping", 1, -1, ""},
    // Conditions and conversions.
    {"coalesce", 1, -1, ""}, {"nullif", 2, 2, ""}, {"if", 2, 2, "CASE WHEN $1 THEN $2 END"},
    {"if", 3, 3, "CASE WHEN $1 THEN $2 ELSE $3 END"}, {"try", 1, 1, "try"}, {"typeof", 1, 1, "lower(typeof($1))"},
    {"greatest", 1, -1, ""}, {"least", 1, -1, ""},
    // Numbers.
    {"abs", 1, 1, ""}, {"ceil", 1, 1, ""}, {"ceiling", 1, 1, "ceil"}, {"floor", 1, 1, ""}, {"round", 1, 2, ""},
    {"truncate", 1, 1, "trunc"}, {"sqrt", 1, 1, ""}, {"cbrt", 1, 1, ""}, {"exp", 1, 1, ""}, {"ln", 1, 1, ""},
    {"log2", 1, 1, ""}, {"log10", 1, 1, ""}, {"log", 2, 2, ""}, {"power", 2, 2, "pow"}, {"pow", 2, 2, ""},
    {"mod", 2, 2, "(($1) % ($2))"}, {"sign", 1, 1, ""}, {"pi", 0, 0, ""}, {"e", 0, 0, "exp(1)"},
    {"degrees", 1, 1, ""}, {"radians", 1, 1, ""}, {"sin", 1, 1, ""}, {"cos", 1, 1, ""}, {"tan", 1, 1, ""},
    {"asin", 1, 1, ""}, {"acos", 1, 1, ""}, {"atan", 1, 1, ""}, {"atan2", 2, 2, ""}, {"sinh", 1, 1, ""},
    {"cosh", 1, 1, ""}, {"tanh", 1, 1, ""}, {"random", 0, 0, ""}, {"rand", 0, 0, "random"},
    {"random", 1, 1, "CAST(floor(random() * ($1)) AS BIGINT)"}, {"rand", 1, 1, "CAST(floor(random() * ($1)) AS BIGINT)"},
    {"is_nan", 1, 1, "isnan"}, {"is_infinite", 1, 1, "isinf"}, {"is_finite", 1, 1, "isfinite"},
    {"nan", 0, 0, "CAST('nan' AS DOUBLE)"}, {"infinity", 0, 0, "CAST('inf' AS DOUBLE)"},
    {"bitwise_and", 2, 2, "(($1) & ($2))"}, {"bitwise_or", 2, 2, "(($1) | ($2))"}, {"bitwise_xor", 2, 2, "xor"},
    {"bitwise_not", 1, 1, "(~($1))"}, {"bitwise_left_shift", 2, 2, "(($1) << ($2))"}, {"bitwise_right_shift", 2, 2, "(($1) >> ($2))"},
    {"bit_count", 2, 2, "bit_count($1)"}, {"truncate", 2, 2, "(trunc(($1) * pow(10, $2)) / pow(10, $2))"},
    {"width_bucket", 4, 4,
     "CAST(CASE WHEN ($1) < ($2) THEN 0 WHEN ($1) >= ($3) THEN ($4) + 1 ELSE floor((($1) - ($2)) * 1.0 / (($3) - ($2)) * ($4)) + 1 END AS BIGINT)"},
    // Texts.
    {"lower", 1, 1, ""}, {"upper", 1, 1, ""}, {"length", 1, 1, ""}, {"trim", 1, 1, ""}, {"ltrim", 1, 1, ""},
    {"rtrim", 1, 1, ""}, {"substr", 2, 3, ""}, {"substring", 2, 3, ""}, {"concat", 1, -1, "||"}, {"concat_ws", 2, -1, ""},
    {"replace", 3, 3, ""}, {"replace", 2, 2, "replace($1, $2, '')"}, {"reverse", 1, 1, ""}, {"lpad", 3, 3, ""},
    {"rpad", 3, 3, ""}, {"split", 2, 2, "string_split"}, {"split_part", 3, 3, "nullif(split_part($1, $2, $3), '')"},
    {"strpos", 2, 2, ""}, {"starts_with", 2, 2, ""}, {"ends_with", 2, 2, ""}, {"chr", 1, 1, ""}, {"codepoint", 1, 1, "ord"},
    {"levenshtein_distance", 2, 2, "levenshtein"}, {"hamming_distance", 2, 2, "hamming"}, {"translate", 3, 3, ""},
    {"regexp_like", 2, 2, "regexp_matches"},
    {"regexp_extract", 2, 2, "CASE WHEN regexp_matches($1, $2) THEN regexp_extract($1, $2) END"},
    {"regexp_extract", 3, 3, "CASE WHEN regexp_matches($1, $2) THEN regexp_extract($1, $2, $3) END"},
    {"regexp_extract_all", 2, 3, ""}, {"regexp_replace", 2, 2, "regexp_replace($1, $2, '', 'g')"},
    {"regexp_replace", 3, 3, "regexp_replace($1, $2, replace($3, '$', '\\'), 'g')"},
    {"regexp_split", 2, 2, "string_split_regex"}, {"regexp_count", 2, 2, "len(regexp_extract_all($1, $2))"},
    {"split_to_map", 3, 3,
     "map_from_entries(list_transform(string_split($1, $2), lambda wh_e: {'k': split_part(wh_e, $3, 1), 'v': split_part(wh_e, $3, 2)}))"},
    {"url_extract_protocol", 1, 1, "nullif(regexp_extract($1, '^([^:/?#]+):', 1), '')"},
    {"url_extract_host", 1, 1, "nullif(regexp_extract($1, '^[^:/?#]+://(?:[^/?#@]*@)?([^/?#:]*)', 1), '')"},
    {"url_extract_port", 1, 1, "TRY_CAST(nullif(regexp_extract($1, '^[^:/?#]+://[^/?#]*:([0-9]+)', 1), '') AS BIGINT)"},
    {"url_extract_path", 1, 1, "regexp_extract($1, '^[^:/?#]+://[^/?#]*([^?#]*)', 1)"},
    {"url_extract_query", 1, 1, "nullif(regexp_extract($1, '\\?([^#]*)', 1), '')"},
    {"url_extract_fragment", 1, 1, "nullif(regexp_extract($1, '#(.*)', 1), '')"},
    {"url_extract_parameter", 2, 2, "nullif(url_decode(regexp_extract($1, '[?&]' || ($2) || '=([^&#]*)', 1)), '')"},
    {"format", 1, -1, "printf"}, {"url_encode", 1, 1, ""}, {"url_decode", 1, 1, ""}, {"to_utf8", 1, 1, "encode"},
    {"from_utf8", 1, 1, "decode"}, {"normalize", 1, 1, "nfc_normalize"}, {"md5", 1, 1, "unhex(md5($1))"},
    {"sha1", 1, 1, "unhex(sha1($1))"}, {"sha256", 1, 1, "unhex(sha256($1))"}, {"to_hex", 1, 1, "upper(hex($1))"},
    {"from_hex", 1, 1, "unhex"}, {"to_base64", 1, 1, "to_base64"}, {"from_base64", 1, 1, ""}, {"uuid", 0, 0, ""},
    // JSON.
    {"json_extract", 2, 2, ""}, {"json_extract_scalar", 2, 2,
     "CASE WHEN json_type(json_extract($1, $2)) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN json_extract_string($1, $2) END"}, {"json_parse", 1, 1, "CAST($1 AS JSON)"},
    {"json_format", 1, 1, "CAST($1 AS VARCHAR)"}, {"json_array_length", 1, 1, ""},
    {"json_array_get", 2, 2, "json_extract($1, '$[' || ($2) || ']')"}, {"json_array_contains", 2, 2, "json_contains($1, to_json($2))"},
    {"json_size", 2, 2, "coalesce(len(json_keys($1, $2)), json_array_length($1, $2))"},
    // Times.
    {"now", 0, 0, ""}, {"date", 1, 1, "CAST($1 AS DATE)"}, {"date_trunc", 2, 2, ""}, {"date_diff", 3, 3, "date_sub"},
    {"from_unixtime", 1, 1, "to_timestamp"}, {"from_unixtime", 2, 2, "(to_timestamp($1) AT TIME ZONE $2)"},
    {"with_timezone", 2, 2, "(CAST($1 AS TIMESTAMP) AT TIME ZONE $2)"}, {"current_timezone", 0, 0, "current_setting('TimeZone')"},
    {"to_milliseconds", 1, 1, "epoch_ms($1)"}, {"to_unixtime", 1, 1, "epoch"},
    {"from_iso8601_timestamp", 1, 1, "CAST($1 AS TIMESTAMPTZ)"}, {"from_iso8601_date", 1, 1, "CAST($1 AS DATE)"},
    {"to_iso8601", 1, 1, "strftime($1, '%Y-%m-%dT%H:%M:%S.%g')"}, {"year", 1, 1, ""}, {"month", 1, 1, ""},
    {"day", 1, 1, ""}, {"day_of_month", 1, 1, "day"}, {"hour", 1, 1, ""}, {"minute", 1, 1, ""}, {"second", 1, 1, ""},
    {"millisecond", 1, 1, "(millisecond($1) % 1000)"}, {"quarter", 1, 1, ""}, {"week", 1, 1, ""},
    {"week_of_year", 1, 1, "week"}, {"day_of_week", 1, 1, "isodow"}, {"dow", 1, 1, "isodow"}, {"day_of_year", 1, 1, "dayofyear"},
    {"doy", 1, 1, "dayofyear"}, {"year_of_week", 1, 1, "isoyear"}, {"yow", 1, 1, "isoyear"},
    {"last_day_of_month", 1, 1, "last_day"}, {"at_timezone", 2, 2, "(CAST($1 AS TIMESTAMPTZ) AT TIME ZONE $2)"},
    // Arrays and maps.
    {"cardinality", 1, 1, "len"}, {"element_at", 2, 2, "($1)[$2]"}, {"contains", 2, 2, "list_contains"},
    {"array_distinct", 1, 1, "list_distinct"}, {"array_sort", 1, 1, "list_sort"}, {"array_max", 1, 1, "list_max"},
    {"array_min", 1, 1, "list_min"}, {"array_sum", 1, 1, "list_sum"}, {"array_average", 1, 1, "list_avg"},
    {"array_join", 2, 2, "array_to_string"},
    {"array_join", 3, 3, "array_to_string(list_transform($1, lambda wh_x: coalesce(CAST(wh_x AS VARCHAR), $3)), $2)"},
    {"reduce", 4, 4, "list_transform([list_reduce($1, $3, $2)], $4)[1]"}, {"trim_array", 2, 2, "list_slice($1, 1, len($1) - ($2))"},
    {"array_first", 1, 1, "($1)[1]"}, {"array_last", 1, 1, "($1)[-1]"}, {"array_position", 2, 2, "coalesce(list_position($1, $2), 0)"},
    {"array_remove", 2, 2, "list_filter($1, lambda wh_x: wh_x <> ($2))"}, {"array_intersect", 2, 2, "list_intersect"},
    {"array_union", 2, 2, "list_distinct(list_concat($1, $2))"},
    {"array_except", 2, 2, "list_distinct(list_filter($1, lambda wh_x: NOT list_contains($2, wh_x)))"},
    {"arrays_overlap", 2, 2, "list_has_any"}, {"flatten", 1, 1, ""}, {"sequence", 2, 3, "generate_series"},
    {"slice", 3, 3, "list_slice($1, $2, ($2) + ($3) - 1)"}, {"transform", 2, 2, "list_transform"},
    {"filter", 2, 2, "list_filter"}, {"any_match", 2, 2, "list_bool_or(list_transform($1, $2))"},
    {"all_match", 2, 2, "list_bool_and(list_transform($1, $2))"}, {"none_match", 2, 2, "(NOT list_bool_or(list_transform($1, $2)))"},
    {"zip", 2, -1, "list_zip"}, {"repeat", 2, 2, "list_transform(generate_series(1, $2), lambda wh_x: $1)"},
    {"map_keys", 1, 1, ""}, {"map_values", 1, 1, ""}, {"map", 0, 0, ""}, {"map", 2, 2, ""}, {"map_entries", 1, 1, ""},
    {"map_from_entries", 1, 1, ""}, {"map_concat", 1, -1, ""}, {"row", 1, -1, ""},
};

struct Letters {
    std::string_view from;
    std::string_view to;
};

}  // namespace

const FunctionRule* FindFunction(std::string_view name, size_t arguments, bool& known) {
    known = false;
    for (const FunctionRule& rule : kRules) {
        if (rule.name != name) continue;
        known = true;
        const int count = static_cast<int>(arguments);
        if (count >= rule.min_arguments && (rule.max_arguments < 0 || count <= rule.max_arguments)) return &rule;
    }
    return nullptr;
}

std::string ApplyRule(const FunctionRule& rule, const std::vector<std::string>& arguments) {
    std::string all;
    for (const std::string& argument : arguments) all += (all.empty() ? "" : ", ") + argument;
    const std::string_view form = rule.form.empty() ? rule.name : rule.form;
    if (form == "||") {
        // Unlike the engine's concat, NULL when one of them is; for arrays too.
        std::string joined;
        for (const std::string& argument : arguments) joined += (joined.empty() ? "((" : " || (") + argument + ")";
        return joined + ")";
    }
    const bool plain = std::all_of(form.begin(), form.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
    if (plain) return std::string(form) + "(" + all + ")";
    std::string out;
    for (size_t i = 0; i < form.size(); ++i) {
        if (form[i] == '$' && i + 1 < form.size() && form[i + 1] >= '1' && form[i + 1] <= '9') {
            out += arguments[static_cast<size_t>(form[++i] - '1')];
        } else {
            out += form[i];
        }
    }
    return out;
}

std::string FromMySqlPattern(std::string_view pattern) {
    static constexpr Letters kLetters[] = {
        {"a", "%a"}, {"b", "%b"}, {"c", "%-m"}, {"d", "%d"}, {"e", "%-d"}, {"f", "%f"}, {"H", "%H"}, {"h", "%I"}, {"I", "%I"},
        {"i", "%M"}, {"j", "%j"}, {"k", "%-H"}, {"l", "%-I"}, {"M", "%B"}, {"m", "%m"}, {"p", "%p"}, {"r", "%I:%M:%S %p"},
        {"S", "%S"}, {"s", "%S"}, {"T", "%H:%M:%S"}, {"v", "%V"}, {"W", "%A"}, {"x", "%G"}, {"Y", "%Y"}, {"y", "%y"}, {"%", "%%"},
    };
    std::string out;
    for (size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || i + 1 == pattern.size()) {
            out += pattern[i];
            continue;
        }
        ++i;
        const auto found = std::find_if(std::begin(kLetters), std::end(kLetters), [&](const Letters& l) { return l.from[0] == pattern[i]; });
        if (found == std::end(kLetters)) return {};
        out += found->to;
    }
    return out;
}

std::string FromJodaPattern(std::string_view pattern) {
    static constexpr Letters kLetters[] = {
        {"yyyy", "%Y"}, {"YYYY", "%Y"}, {"yy", "%y"}, {"MMMM", "%B"}, {"MMM", "%b"}, {"MM", "%m"}, {"M", "%-m"}, {"dd", "%d"}, {"d", "%-d"},
        {"DDD", "%j"}, {"EEEE", "%A"}, {"EEE", "%a"}, {"E", "%a"}, {"HH", "%H"}, {"H", "%-H"}, {"hh", "%I"}, {"h", "%-I"}, {"mm", "%M"},
        {"m", "%-M"}, {"ss", "%S"}, {"s", "%-S"}, {"SSSSSS", "%f"}, {"SSS", "%g"}, {"a", "%p"}, {"ZZ", "%z"}, {"Z", "%z"}, {"z", "%Z"},
    };
    std::string out;
    for (size_t i = 0; i < pattern.size();) {
        const char c = pattern[i];
        if (c == '\'') {
            const size_t end = pattern.find('\'', i + 1);
            if (end == std::string_view::npos) return {};
            out += end == i + 1 ? std::string_view("'") : pattern.substr(i + 1, end - i - 1);
            i = end + 1;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            size_t count = 1;
            while (i + count < pattern.size() && pattern[i + count] == c) ++count;
            const std::string_view letters = pattern.substr(i, count);
            const auto found = std::find_if(std::begin(kLetters), std::end(kLetters), [&](const Letters& l) { return l.from == letters; });
            if (found == std::end(kLetters)) return {};
            out += found->to;
            i += count;
        } else {
            out += c;
            if (c == '%') out += '%';
            ++i;
        }
    }
    return out;
}

}  // namespace wellhead::sql::athena
