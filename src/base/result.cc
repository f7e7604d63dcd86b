#include "base/result.h"

namespace wellhead::base {

std::string_view ErrorCodeName(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument: return "invalid argument";
        case ErrorCode::kNotFound: return "not found";
        case ErrorCode::kAlreadyExists: return "already exists";
        case ErrorCode::kConflict: return "conflict";
        case ErrorCode::kLimit: return "limit reached";
        case ErrorCode::kPermission: return "permission denied";
        case ErrorCode::kUnsupported: return "unsupported";
        case ErrorCode::kUnavailable: return "unavailable";
        case ErrorCode::kTimeout: return "timed out";
        case ErrorCode::kCancelled: return "cancelled";
        case ErrorCode::kReadOnly: return "read-only";
        case ErrorCode::kIo: return "I/O error";
        case ErrorCode::kCorrupt: return "corrupt";
    }
    return "unknown";
}

}  // namespace wellhead::base
