#pragma once
// What server and worker say to each other over their socket: JSON values, each after its length (4 bytes, little
// endian). Both sides are this program; a broken frame means the other side died.

#include <boost/json/value.hpp>
#include <chrono>
#include <optional>

#include "base/result.h"
#include "query/engine.h"

namespace wellhead::query::duckdb {

inline constexpr size_t kMaxMessageBytes = size_t{256} << 20;

// Blocks. kUnavailable when the other side is gone.
base::Result<void> SendMessage(int fd, const boost::json::value& value);
// Blocks until a message is whole. kUnavailable: the other side is gone; kTimeout: limit passed first.
base::Result<boost::json::value> ReceiveMessage(int fd, std::optional<base::Duration> limit);

// What a worker is told once, before its first query.
struct WorkerLimits {
    int threads = 2;
    uint64_t memory_bytes = uint64_t{1} << 30;
    uint64_t spill_bytes = uint64_t{8} << 30;
    std::string spill_directory;  // empty: no spilling
};

boost::json::value ToJson(const WorkerLimits& limits);
WorkerLimits LimitsFromJson(const boost::json::value& value);
boost::json::value ToJson(const Query& query);
Query QueryFromJson(const boost::json::value& value);
boost::json::value ToJson(const base::Result<Answer>& answer);
base::Result<Answer> AnswerFromJson(const boost::json::value& value);

}  // namespace wellhead::query::duckdb
