#include "query/duckdb/message.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>

namespace wellhead::query::duckdb {
namespace {

using base::ErrorCode;
using base::Fail;

base::Result<void> SendAll(int fd, const char* data, size_t size) {
    while (size > 0) {
        const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return Fail(ErrorCode::kUnavailable, "the other side closed");
        data += sent;
        size -= static_cast<size_t>(sent);
    }
    return {};
}

// Waits and reads exactly size bytes; the limit is for each wait.
base::Result<void> ReceiveAll(int fd, char* data, size_t size, int limit_ms) {
    while (size > 0) {
        pollfd waiting{fd, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, limit_ms);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return Fail(ErrorCode::kTimeout, "no answer in time");
        const ssize_t got = ::recv(fd, data, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return Fail(ErrorCode::kUnavailable, "the other side closed");
        data += got;
        size -= static_cast<size_t>(got);
    }
    return {};
}

boost::json::array ToArray(const std::vector<std::string>& texts) {
    boost::json::array array;
    array.reserve(texts.size());
    for (const std::string& text : texts) array.emplace_back(text);
    return array;
}

std::vector<std::string> ToTexts(const boost::json::value& value) {
    std::vector<std::string> texts;
    for (const auto& item : value.as_array()) texts.emplace_back(item.as_string());
    return texts;
}

std::string Text(const boost::json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

}  // namespace

base::Result<void> SendMessage(int fd, const boost::json::value& value) {
    const std::string text = boost::json::serialize(value);
    if (text.size() > kMaxMessageBytes) return Fail(ErrorCode::kLimit, "message too large");
    const auto size = static_cast<uint32_t>(text.size());
    char head[4];
    for (int i = 0; i < 4; ++i) head[i] = static_cast<char>((size >> (8 * i)) & 0xff);
    RETURN_IF_ERROR(SendAll(fd, head, sizeof head));
    return SendAll(fd, text.data(), text.size());
}

base::Result<boost::json::value> ReceiveMessage(int fd, std::optional<base::Duration> limit) {
    const int limit_ms =
        limit ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*limit).count()) : -1;
    unsigned char head[4];
    RETURN_IF_ERROR(ReceiveAll(fd, reinterpret_cast<char*>(head), sizeof head, limit_ms));
    uint32_t size = 0;
    for (int i = 0; i < 4; ++i) size |= static_cast<uint32_t>(head[i]) << (8 * i);
    if (size > kMaxMessageBytes) return Fail(ErrorCode::kCorrupt, "message too large");
    std::string text(size, '\0');
    RETURN_IF_ERROR(ReceiveAll(fd, text.data(), size, limit_ms));
    boost::system::error_code error;
    boost::json::value value = boost::json::parse(text, error);
    if (error) return Fail(ErrorCode::kCorrupt, "message is not JSON");
    return value;
}

boost::json::value ToJson(const WorkerLimits& limits) {
    return boost::json::object{{"threads", limits.threads},
                               {"memory_bytes", limits.memory_bytes},
                               {"spill_bytes", limits.spill_bytes},
                               {"spill_directory", limits.spill_directory}};
}

WorkerLimits LimitsFromJson(const boost::json::value& value) {
    const auto& object = value.as_object();
    WorkerLimits limits;
    limits.threads = object.at("threads").to_number<int>();
    limits.memory_bytes = object.at("memory_bytes").to_number<uint64_t>();
    limits.spill_bytes = object.at("spill_bytes").to_number<uint64_t>();
    limits.spill_directory = Text(object, "spill_directory");
    return limits;
}

boost::json::value ToJson(const Query& query) {
    return boost::json::object{{"setup", ToArray(query.setup)},
                               {"sql", query.sql},
                               {"readable_files", ToArray(query.readable_files)},
                               {"writable_directories", ToArray(query.writable_directories)},
                               {"result_file", query.result_file},
                               {"max_rows", query.max_rows},
                               {"max_read_bytes", query.max_read_bytes.value_or(0)}};
}

Query QueryFromJson(const boost::json::value& value) {
    const auto& object = value.as_object();
    Query query;
    query.setup = ToTexts(object.at("setup"));
    query.sql = Text(object, "sql");
    query.readable_files = ToTexts(object.at("readable_files"));
    query.writable_directories = ToTexts(object.at("writable_directories"));
    query.result_file = Text(object, "result_file");
    query.max_rows = object.at("max_rows").to_number<uint64_t>();
    const auto most = object.at("max_read_bytes").to_number<uint64_t>();
    if (most > 0) query.max_read_bytes = most;
    return query;
}

boost::json::value ToJson(const base::Result<Answer>& answer) {
    if (!answer) {
        return boost::json::object{{"error", answer.error().message},
                                   {"code", static_cast<int>(answer.error().code)}};
    }
    boost::json::array columns;
    for (const Column& column : answer->columns) {
        columns.push_back(boost::json::array{column.name, column.type});
    }
    boost::json::array rows;
    for (const auto& row : answer->rows) {
        boost::json::array cells;
        cells.reserve(row.size());
        for (const Cell& cell : row) {
            cells.push_back(cell ? boost::json::value(*cell) : boost::json::value());
        }
        rows.push_back(std::move(cells));
    }
    return boost::json::object{{"columns", std::move(columns)},
                               {"rows", std::move(rows)},
                               {"row_count", answer->row_count},
                               {"result_bytes", answer->result_bytes},
                               {"read_bytes", answer->read_bytes},
                               {"engine_us", answer->engine_time.count()}};
}

base::Result<Answer> AnswerFromJson(const boost::json::value& value) {
    const auto& object = value.as_object();
    if (object.contains("error")) {
        return Fail(static_cast<ErrorCode>(object.at("code").to_number<int>()), Text(object, "error"));
    }
    Answer answer;
    for (const auto& column : object.at("columns").as_array()) {
        answer.columns.push_back({std::string(column.at(0).as_string()), std::string(column.at(1).as_string())});
    }
    for (const auto& row : object.at("rows").as_array()) {
        auto& cells = answer.rows.emplace_back();
        for (const auto& cell : row.as_array()) {
            cells.push_back(cell.is_null() ? Cell() : Cell(std::string(cell.as_string())));
        }
    }
    answer.row_count = object.at("row_count").to_number<uint64_t>();
    answer.result_bytes = object.at("result_bytes").to_number<uint64_t>();
    answer.read_bytes = object.at("read_bytes").to_number<uint64_t>();
    answer.engine_time = base::Duration(object.at("engine_us").to_number<int64_t>());
    return answer;
}

}  // namespace wellhead::query::duckdb
