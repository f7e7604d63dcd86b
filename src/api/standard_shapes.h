#pragma once
// The shapes of values without any constraint, shared by all APIs.

#include "api/shape.h"

namespace wellhead::api::shapes {

inline constexpr Shape kString{.kind = Kind::kString};
inline constexpr Shape kInteger{.kind = Kind::kInteger};
inline constexpr Shape kLong{.kind = Kind::kLong};
inline constexpr Shape kDouble{.kind = Kind::kDouble};
inline constexpr Shape kBoolean{.kind = Kind::kBoolean};
inline constexpr Shape kBlob{.kind = Kind::kBlob};
inline constexpr Shape kTimestamp{.kind = Kind::kTimestamp};
inline constexpr Shape kTimestampEpochSeconds{.kind = Kind::kTimestamp,
                                              .timestamp = TimestampFormat::kEpochSeconds};
inline constexpr Shape kTimestampIso8601{.kind = Kind::kTimestamp,
                                         .timestamp = TimestampFormat::kIso8601};
inline constexpr Shape kTimestampHttpDate{.kind = Kind::kTimestamp,
                                          .timestamp = TimestampFormat::kHttpDate};
inline constexpr Shape kDocument{.kind = Kind::kDocument};
inline constexpr Shape kStream{.kind = Kind::kStream};

}  // namespace wellhead::api::shapes
