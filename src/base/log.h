#pragma once
// Log lines. Whoever starts the program says where they go; until then they go to standard error.
// A line is one event, for a person on call: what happened, to what, why.

#include <fmt/format.h>

#include <functional>
#include <string_view>

namespace wellhead::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogSink = std::function<void(LogLevel, std::string_view area, std::string_view line)>;

// Before other threads start. The sink is called from any thread.
void SetLogSink(LogSink sink);
void SetLogLevel(LogLevel lowest);
bool LogEnabled(LogLevel level);
void WriteLog(LogLevel level, std::string_view area, std::string_view line);

template <class... Args>
void Log(LogLevel level, std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    if (LogEnabled(level)) {
        WriteLog(level, area, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <class... Args>
void LogInfo(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    Log(LogLevel::kInfo, area, format, std::forward<Args>(args)...);
}
template <class... Args>
void LogWarning(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    Log(LogLevel::kWarning, area, format, std::forward<Args>(args)...);
}
template <class... Args>
void LogError(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    Log(LogLevel::kError, area, format, std::forward<Args>(args)...);
}

}  // namespace wellhead::base
