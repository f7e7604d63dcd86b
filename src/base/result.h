#pragma once
// Expected errors as values: Result<T> holds a T or an Error that says what went wrong.

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace wellhead::base {

// What kind of failure it is, for code that decides; the message is for people.
enum class ErrorCode {
    kInvalidArgument,  // the caller's input is wrong, trying again does not help
    kNotFound,
    kAlreadyExists,
    kConflict,     // a precondition no longer holds
    kLimit,        // a quota, a full disk, a full queue: may succeed later
    kPermission,   // refused by policy or by the operating system
    kUnsupported,  // understood, but not served
    kUnavailable,  // the other side is not there now
    kTimeout,
    kCancelled,
    kReadOnly,  // after a failed fsync: reads go on, writes are refused
    kIo,
    kCorrupt,  // a checksum or a format does not hold
};

std::string_view ErrorCodeName(ErrorCode code);

struct [[nodiscard]] Error {
    ErrorCode code;
    std::string message;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> Fail(ErrorCode code, std::string message) {
    return std::unexpected(Error{code, std::move(message)});
}

}  // namespace wellhead::base

#define WELLHEAD_CONCAT_INNER(a, b) a##b
#define WELLHEAD_CONCAT(a, b) WELLHEAD_CONCAT_INNER(a, b)

// ASSIGN_OR_RETURN(auto x, F()): x is F's value, or this function returns F's error. CO_ forms are for coroutines.
#define WELLHEAD_ASSIGN_OR(ret, tmp, lhs, expr)               \
    auto tmp = (expr);                                        \
    if (!tmp) ret std::unexpected(std::move(tmp).error());    \
    lhs = std::move(*tmp)
#define ASSIGN_OR_RETURN(lhs, expr) \
    WELLHEAD_ASSIGN_OR(return, WELLHEAD_CONCAT(result_, __LINE__), lhs, expr)
#define CO_ASSIGN_OR_RETURN(lhs, expr) \
    WELLHEAD_ASSIGN_OR(co_return, WELLHEAD_CONCAT(result_, __LINE__), lhs, expr)

#define WELLHEAD_RETURN_IF_ERROR(ret, tmp, expr)               \
    do {                                                       \
        auto tmp = (expr);                                     \
        if (!tmp) ret std::unexpected(std::move(tmp).error()); \
    } while (false)
#define RETURN_IF_ERROR(expr) \
    WELLHEAD_RETURN_IF_ERROR(return, WELLHEAD_CONCAT(status_, __LINE__), expr)
#define CO_RETURN_IF_ERROR(expr) \
    WELLHEAD_RETURN_IF_ERROR(co_return, WELLHEAD_CONCAT(status_, __LINE__), expr)
