#include "base/log.h"

#include <atomic>
#include <cstdio>

namespace wellhead::base {

namespace {

std::atomic<LogLevel> lowest_level{LogLevel::kInfo};

void WriteToStandardError(LogLevel level, std::string_view area, std::string_view line) {
    static constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
    fmt::print(stderr, "{} [{}] {}\n", kNames[static_cast<int>(level)], area, line);
}

LogSink& Sink() {
    static LogSink sink = WriteToStandardError;
    return sink;
}

}  // namespace

void SetLogSink(LogSink sink) { Sink() = std::move(sink); }
void SetLogLevel(LogLevel lowest) { lowest_level = lowest; }
bool LogEnabled(LogLevel level) { return level >= lowest_level.load(std::memory_order_relaxed); }
void WriteLog(LogLevel level, std::string_view area, std::string_view line) {
    Sink()(level, area, line);
}

}  // namespace wellhead::base
