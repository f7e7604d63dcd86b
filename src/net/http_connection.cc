#include "net/http_connection.h"

#include <fmt/format.h>

#include <boost/system/system_error.hpp>
#include <charconv>
#include <ctime>

#include "base/log.h"

namespace wellhead::net {

std::string_view HttpDate(base::Instant now) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static thread_local time_t remembered = -1;
    static thread_local std::string text;
    time_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    if (second != remembered) {
        std::tm parts{};
        gmtime_r(&second, &parts);
        text = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                           kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
        remembered = second;
    }
    return text;
}

std::string_view ReasonPhrase(int status) {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 426: return "Upgrade Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        case 505: return "HTTP Version Not Supported";
        default: return "Status";
    }
}

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

env::Task<HttpResponse> CallHandler(HttpHandler& handler, HttpRequest& request) {
    std::string failure;
    try {
        co_return co_await handler.Handle(request);
    } catch (const boost::system::system_error& error) {
        if (error.code() == boost::asio::error::operation_aborted) throw;
        failure = error.what();
    } catch (const std::exception& error) {
        failure = error.what();
    }
    base::LogError("http", "{} {} failed: {}", request.method, request.path(), failure);
    HttpResponse response;
    response.status = 500;
    co_return response;
}

base::Result<base::Bytes> ReadFilePiece(env::File& file, uint64_t offset, uint64_t want) {
    base::Bytes piece;
    base::Result<size_t> read = 0;
    piece.resize_and_overwrite(static_cast<size_t>(want), [&](char* data, size_t size) {
        read = file.ReadAt(offset, {data, size});
        return read.value_or(0);
    });
    if (!read) return std::unexpected(read.error());
    if (piece.empty() && want > 0) return base::Fail(base::ErrorCode::kIo, "the file ends early");
    return piece;
}

std::optional<uint64_t> ResponseLength(const HttpResponse& response, bool head_request) {
    auto said = response.headers.Find("content-length");
    std::optional<uint64_t> said_length;
    uint64_t number = 0;
    if (said && std::from_chars(said->data(), said->data() + said->size(), number).ec == std::errc()) {
        said_length = number;
    }
    if (const auto* bytes = std::get_if<base::Bytes>(&response.body)) {
        if (head_request && said_length) return said_length;
        return bytes->size();
    }
    if (const auto* slice = std::get_if<FileSlice>(&response.body)) return slice->length;
    return response.length ? response.length : said_length;
}

}  // namespace wellhead::net
