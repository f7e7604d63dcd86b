// The canonical request, piece by piece.

#include <algorithm>

#include "api/sigv4.h"
#include "api/uri.h"

namespace wellhead::api {

namespace {

// RFC 3986 5.2.4, and empty segments go away.
std::string RemoveDotSegments(std::string_view path) {
    std::vector<std::string_view> segments;
    std::string_view rest = path;
    while (!rest.empty()) {
        size_t slash = rest.find('/');
        std::string_view segment = rest.substr(0, slash);
        if (segment == "..") {
            if (!segments.empty()) segments.pop_back();
        } else if (!segment.empty() && segment != ".") {
            segments.push_back(segment);
        }
        if (slash == rest.npos) break;
        rest.remove_prefix(slash + 1);
    }
    std::string out;
    for (std::string_view segment : segments) {
        out += '/';
        out += segment;
    }
    if (out.empty() || path.ends_with('/')) out += '/';
    return out;
}

// Decoded and encoded anew, so that whatever of the two a client sent (or a browser changed) is the same.
std::string Recode(std::string_view text, bool keep_slash) {
    auto decoded = UriDecode(text);
    return decoded ? UriEncode(*decoded, keep_slash) : std::string(text);
}

void AppendTrimmed(std::string& out, std::string_view value) {
    bool space = false;
    bool any = false;
    for (char c : value) {
        if (c == ' ' || c == '\t') {
            space = true;
            continue;
        }
        if (space && any) out += ' ';
        space = false;
        any = true;
        out += c;
    }
}

}  // namespace

std::string CanonicalPath(std::string_view raw_path, bool s3) {
    if (raw_path.empty()) return "/";
    if (s3) return Recode(raw_path, true);
    return UriEncode(RemoveDotSegments(raw_path), true);
}

std::string CanonicalQuery(std::string_view raw_query, const std::vector<std::string_view>& without) {
    std::vector<std::pair<std::string, std::string>> parameters;
    while (!raw_query.empty()) {
        size_t end = raw_query.find('&');
        std::string_view parameter = raw_query.substr(0, end);
        if (!parameter.empty()) {
            size_t equals = parameter.find('=');
            std::string name = Recode(parameter.substr(0, equals), false);
            std::string value = equals == parameter.npos ? "" : Recode(parameter.substr(equals + 1), false);
            if (std::find(without.begin(), without.end(), name) == without.end()) {
                parameters.emplace_back(std::move(name), std::move(value));
            }
        }
        if (end == raw_query.npos) break;
        raw_query.remove_prefix(end + 1);
    }
    std::sort(parameters.begin(), parameters.end());
    std::string out;
    for (const auto& [name, value] : parameters) {
        if (!out.empty()) out += '&';
        out += name;
        out += '=';
        out += value;
    }
    return out;
}

std::string CanonicalHeaders(const SigV4Request& request, const std::vector<std::string>& signed_headers) {
    std::string out;
    out.reserve(512);
    for (const std::string& name : signed_headers) {
        out += name;
        out += ':';
        bool found = false;
        for (const auto& [field, value] : request.headers) {
            if (field != name) continue;
            if (found) out += ',';
            found = true;
            AppendTrimmed(out, value);
        }
        // HTTP/2 has no Host field, HTTP/1.1 no :authority; each says the same.
        if (!found && (name == "host" || name == ":authority")) AppendTrimmed(out, request.authority);
        out += '\n';
    }
    return out;
}

}  // namespace wellhead::api
