#include "services/s3/cors_rules.h"

#include <algorithm>

#include "services/s3/bucket_policy.h"

namespace wellhead::services::s3 {

namespace {

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return out;
}

std::string Joined(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
    return out;
}

// '*' in a rule stands for any characters; '?' is one like others.
bool Fits(const std::string& pattern, const std::string& text) {
    const size_t star = pattern.find('*');
    if (star == pattern.npos) return pattern == text;
    return text.size() + 1 >= pattern.size() && text.starts_with(pattern.substr(0, star)) &&
           text.ends_with(pattern.substr(star + 1));
}

bool AllowsHeader(const apis::s3::CORSRule& rule, const std::string& header) {
    if (!rule.AllowedHeaders) return false;
    return std::any_of(rule.AllowedHeaders->begin(), rule.AllowedHeaders->end(),
                       [&](const std::string& allowed) { return Fits(Lower(allowed), header); });
}

}  // namespace

std::vector<std::string> SplitHeaderNames(std::string_view text) {
    std::vector<std::string> names;
    while (!text.empty()) {
        const size_t end = std::min(text.find(','), text.size());
        std::string_view one = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (!one.empty()) names.push_back(Lower(one));
    }
    return names;
}

const apis::s3::CORSRule* FindCorsRule(const apis::s3::CORSConfiguration& cors, const CorsRequest& request) {
    for (const auto& rule : cors.CORSRules) {
        const bool origin = std::any_of(rule.AllowedOrigins.begin(), rule.AllowedOrigins.end(),
                                        [&](const std::string& allowed) { return Fits(allowed, request.origin); });
        const bool method = std::find(rule.AllowedMethods.begin(), rule.AllowedMethods.end(), request.method) !=
                            rule.AllowedMethods.end();
        const bool headers = std::all_of(request.headers.begin(), request.headers.end(),
                                         [&](const std::string& header) { return AllowsHeader(rule, header); });
        if (origin && method && headers) return &rule;
    }
    return nullptr;
}

void AddCorsHeaders(const apis::s3::CORSRule& rule, const CorsRequest& request, bool preflight,
                    api::WireHeaders& headers) {
    const bool any = std::find(rule.AllowedOrigins.begin(), rule.AllowedOrigins.end(), "*") != rule.AllowedOrigins.end();
    headers.emplace_back("access-control-allow-origin", any ? "*" : request.origin);
    if (!any) headers.emplace_back("access-control-allow-credentials", "true");
    headers.emplace_back("access-control-allow-methods", Joined(rule.AllowedMethods));
    if (preflight && !request.headers.empty()) {
        headers.emplace_back("access-control-allow-headers", Joined(request.headers));
    }
    if (rule.ExposeHeaders && !rule.ExposeHeaders->empty()) {
        headers.emplace_back("access-control-expose-headers", Joined(*rule.ExposeHeaders));
    }
    if (rule.MaxAgeSeconds) headers.emplace_back("access-control-max-age", std::to_string(*rule.MaxAgeSeconds));
    headers.emplace_back("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

}  // namespace wellhead::services::s3
