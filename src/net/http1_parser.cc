#include "net/http1_parser.h"

#include <array>
#include <charconv>
#include <cstring>

namespace wellhead::net {

namespace {

constexpr size_t kLongestChunkLine = 1024;  // size and extensions
constexpr size_t kTrailerLimit = 16 * 1024;
constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

constexpr std::array<bool, 256> TokenCharacters() {
    std::array<bool, 256> table{};
    for (int c = 0; c < 256; ++c) {
        table[static_cast<size_t>(c)] = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                        (c < 128 && kTokenMarks.find(static_cast<char>(c)) != kTokenMarks.npos);
    }
    return table;
}
constexpr auto kIsTokenCharacter = TokenCharacters();

std::unexpected<HttpViolation> Refuse(int status, std::string reason) {
    return std::unexpected(HttpViolation{status, std::move(reason)});
}

std::string_view Trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool EqualsLower(std::string_view text, std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (size_t i = 0; i < text.size(); ++i) {
        if (Lower(text[i]) != lower[i]) return false;
    }
    return true;
}

// The line at the front of rest, without its CRLF; rest goes on behind it. There is one: the head was found.
std::string_view NextLine(std::string_view& rest) {
    size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
}

bool IsTarget(std::string_view target) {
    for (unsigned char c : target) {
        if (c <= ' ' || c >= 0x7f || c == '#') return false;
    }
    return !target.empty();
}

// host [":" port], without userinfo.
bool IsAuthority(std::string_view text) {
    for (unsigned char c : text) {
        if (c <= ' ' || c >= 0x7f || std::strchr("@/\\?#,<>\"", c) != nullptr) return false;
    }
    return !text.empty();
}

std::expected<void, HttpViolation> ParseRequestLine(std::string_view line, RequestHead& head) {
    size_t first = line.find(' ');
    size_t last = line.rfind(' ');
    if (first == line.npos || first == last) return Refuse(400, "bad request line");
    std::string_view method = line.substr(0, first);
    std::string_view target = line.substr(first + 1, last - first - 1);
    std::string_view version = line.substr(last + 1);
    if (!IsToken(method) || method.size() > 32) return Refuse(400, "bad method");
    if (version == "HTTP/1.0") {
        head.http_1_0 = true;
    } else if (version != "HTTP/1.1") {
        bool other = version.size() == 8 && version.starts_with("HTTP/");
        return Refuse(other ? 505 : 400, "bad HTTP version");
    }
    if (!IsTarget(target)) return Refuse(400, "bad request target");
    if (method == "CONNECT") return Refuse(405, "CONNECT is not served");
    HttpRequest& request = head.request;
    request.method = method;
    if (target.front() == '/' || (target == "*" && method == "OPTIONS")) {
        request.target = target;
        return {};
    }
    // Absolute form (RFC 9112 3.2.2): its authority takes the place of Host.
    size_t scheme_end = target.find("://");
    std::string scheme = ToLower(target.substr(0, scheme_end == target.npos ? 0 : scheme_end));
    if (scheme != "http" && scheme != "https") return Refuse(400, "bad request target");
    std::string_view rest = target.substr(scheme_end + 3);
    size_t path = rest.find_first_of("/?");
    std::string_view authority = rest.substr(0, path);
    if (!IsAuthority(authority)) return Refuse(400, "bad authority in the request target");
    request.authority = authority;
    if (path == rest.npos) {
        request.target = "/";
    } else {
        request.target = rest[path] == '?' ? "/" : "";
        request.target += rest.substr(path);
    }
    return {};
}

std::expected<uint64_t, HttpViolation> ParseLength(std::string_view value) {
    uint64_t length = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (value.empty() || value.size() > 19 || value.find_first_not_of("0123456789") != value.npos ||
        error != std::errc() || end != value.data() + value.size()) {
        return Refuse(400, "bad Content-Length");
    }
    return length;
}

struct Framing {
    bool chunked = false;
    std::optional<uint64_t> length;
};

// How long the body is: the field lines that say so, at most one of them.
std::expected<Framing, HttpViolation> FindFraming(const Headers& headers, bool http_1_0) {
    Framing framing;
    bool transfer_encoding = false;
    for (const auto& [name, value] : headers) {
        if (name == "content-length") {
            if (framing.length) return Refuse(400, "more than one Content-Length");
            auto length = ParseLength(value);
            if (!length) return std::unexpected(length.error());
            framing.length = *length;
        } else if (name == "transfer-encoding") {
            if (transfer_encoding) return Refuse(400, "more than one Transfer-Encoding");
            transfer_encoding = true;
            if (!EqualsLower(value, "chunked")) return Refuse(501, "a Transfer-Encoding other than chunked");
            framing.chunked = true;
        }
    }
    if (framing.chunked && framing.length) return Refuse(400, "both Transfer-Encoding and Content-Length");
    if (framing.chunked && http_1_0) return Refuse(400, "Transfer-Encoding in HTTP/1.0");
    return framing;
}

std::expected<Headers, HttpViolation> ParseFields(std::string_view rest, const HeadLimits& limits) {
    Headers headers;
    for (;;) {
        std::string_view line = NextLine(rest);
        if (line.empty()) return headers;
        if (headers.size() == limits.fields) return Refuse(431, "too many fields");
        auto field = ParseField(line);
        if (!field) return std::unexpected(field.error());
        headers.Add(std::move(field->first), std::move(field->second));
    }
}

}  // namespace

bool IsToken(std::string_view text) {
    for (unsigned char c : text) {
        if (!kIsTokenCharacter[c]) return false;
    }
    return !text.empty();
}

bool IsFieldValue(std::string_view text) {
    for (unsigned char c : text) {
        if ((c < ' ' && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

std::string ToLower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = Lower(c);
    return lower;
}

bool ListHasToken(std::string_view list, std::string_view lower_case_token) {
    while (!list.empty()) {
        size_t comma = list.find(',');
        if (EqualsLower(Trim(list.substr(0, comma)), lower_case_token)) return true;
        if (comma == list.npos) return false;
        list.remove_prefix(comma + 1);
    }
    return false;
}

std::expected<Headers::Field, HttpViolation> ParseField(std::string_view line) {
    if (line.front() == ' ' || line.front() == '\t') return Refuse(400, "a folded field line");
    size_t colon = line.find(':');
    if (colon == line.npos) return Refuse(400, "a field line without a colon");
    std::string_view name = line.substr(0, colon);
    std::string_view value = Trim(line.substr(colon + 1));
    if (!IsToken(name)) return Refuse(400, "bad field name");
    if (!IsFieldValue(value)) return Refuse(400, "bad field value");
    return Headers::Field{ToLower(name), std::string(value)};
}

std::expected<std::optional<size_t>, HttpViolation> HeadFinder::Find(std::string_view data, const HeadLimits& limits) {
    while (scanned_ < data.size()) {
        size_t end = data.find('\n', scanned_);
        if (end == data.npos) {
            scanned_ = data.size();
            break;
        }
        if (end == 0 || data[end - 1] != '\r') return Refuse(400, "a line that ends without CR");
        scanned_ = end + 1;
        bool empty = end - 1 == line_start_;
        line_start_ = scanned_;
        if (scanned_ > limits.bytes) break;
        if (empty) return std::optional<size_t>(scanned_);
    }
    if (scanned_ > limits.bytes) return Refuse(431, "the request head is too large");
    return std::optional<size_t>();
}

std::expected<RequestHead, HttpViolation> ParseRequestHead(std::string_view data, const HeadLimits& limits) {
    RequestHead head;
    // Within a line a CR stands only before its LF; the finder saw to LF.
    std::string_view rest = data;
    auto line = ParseRequestLine(NextLine(rest), head);
    if (!line) return std::unexpected(line.error());
    auto headers = ParseFields(rest, limits);
    if (!headers) return std::unexpected(headers.error());
    HttpRequest& request = head.request;
    request.headers = std::move(*headers);

    auto framing = FindFraming(request.headers, head.http_1_0);
    if (!framing) return std::unexpected(framing.error());
    head.chunked = framing->chunked;
    head.length = framing->length;

    bool host_seen = false;
    head.keep_alive = !head.http_1_0;
    for (const auto& [name, value] : request.headers) {
        if (name == "host") {
            if (host_seen) return Refuse(400, "more than one Host");
            host_seen = true;
            if (!IsAuthority(value)) return Refuse(400, "bad Host");
            if (request.authority.empty()) request.authority = value;
        } else if (name == "connection") {
            if (ListHasToken(value, "close")) head.keep_alive = false;
        } else if (name == "expect") {
            if (!EqualsLower(value, "100-continue")) return Refuse(417, "an expectation that is not served");
            head.expects_continue = !head.http_1_0;
        }
    }
    if (!host_seen && !head.http_1_0) return Refuse(400, "no Host");
    return head;
}

std::expected<ResponseHead, HttpViolation> ParseResponseHead(std::string_view data, const HeadLimits& limits) {
    ResponseHead head;
    std::string_view rest = data;
    std::string_view line = NextLine(rest);
    if (line.starts_with("HTTP/1.0 ")) {
        head.http_1_0 = true;
    } else if (!line.starts_with("HTTP/1.1 ")) {
        return Refuse(502, "bad status line");
    }
    std::string_view code = line.substr(9, 3);
    auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), head.status);
    if (code.size() != 3 || error != std::errc() || end != code.data() + 3 || head.status < 100) {
        return Refuse(502, "bad status code");
    }
    auto headers = ParseFields(rest, limits);
    if (!headers) return std::unexpected(headers.error());
    head.headers = std::move(*headers);
    auto framing = FindFraming(head.headers, head.http_1_0);
    if (!framing) return std::unexpected(framing.error());
    head.chunked = framing->chunked;
    head.length = framing->length;
    head.keep_alive = !head.http_1_0;
    for (std::string_view value : head.headers.FindAll("connection")) {
        if (ListHasToken(value, "close")) head.keep_alive = false;
    }
    return head;
}

std::expected<ChunkedDecoder::Step, HttpViolation> ChunkedDecoder::Decode(std::string_view input) {
    switch (state_) {
        case State::kData: {
            std::string_view data = input.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, input.size())));
            left_ -= data.size();
            if (left_ == 0) state_ = State::kDataEnd;
            return Step{data.size(), data};
        }
        case State::kDataEnd:
            if (input.size() < 2) {
                if (!input.empty() && input[0] != '\r') return Refuse(400, "bad end of a chunk");
                return Step{0, {}};
            }
            if (!input.starts_with("\r\n")) return Refuse(400, "bad end of a chunk");
            state_ = State::kSize;
            return Step{2, {}};
        case State::kSize:
        case State::kTrailer: return TakeLine(input);
        case State::kDone: return Step{0, {}};
    }
    return Step{0, {}};
}

std::expected<ChunkedDecoder::Step, HttpViolation> ChunkedDecoder::TakeLine(std::string_view input) {
    size_t longest = state_ == State::kSize ? kLongestChunkLine : kTrailerLimit;
    size_t end = input.substr(0, longest).find('\n');
    if (end == input.npos) {
        if (input.size() >= longest) return Refuse(400, "a chunk line is too long");
        return Step{0, {}};
    }
    if (end == 0 || input[end - 1] != '\r') return Refuse(400, "a line that ends without CR");
    std::string_view line = input.substr(0, end - 1);
    size_t consumed = end + 1;
    if (state_ == State::kTrailer) {
        if (line.empty()) {
            state_ = State::kDone;
            return Step{consumed, {}};
        }
        trailer_bytes_ += consumed;
        if (trailer_bytes_ > kTrailerLimit) return Refuse(431, "the trailers are too large");
        auto field = ParseField(line);
        if (!field) return std::unexpected(field.error());
        trailers_.Add(std::move(field->first), std::move(field->second));
        return Step{consumed, {}};
    }
    std::string_view digits = line.substr(0, line.find_first_not_of("0123456789abcdefABCDEF"));
    std::string_view extension = line.substr(digits.size());
    auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
    if (digits.empty() || digits.size() > 16 || error != std::errc() || last != digits.data() + digits.size()) {
        return Refuse(400, "bad chunk size");
    }
    std::string_view after = Trim(extension);
    if (!IsFieldValue(extension) || (!after.empty() && after.front() != ';')) {
        return Refuse(400, "bad chunk extension");
    }
    state_ = left_ == 0 ? State::kTrailer : State::kData;
    return Step{consumed, {}};
}

}  // namespace wellhead::net
