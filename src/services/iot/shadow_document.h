#pragma once
// A device shadow as a document: what an update makes of it, and the messages that tell of it. Pure functions.
// AWS IoT Developer Guide, "Device Shadow service documents".

#include <boost/json/object.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace wellhead::services::iot {

struct ShadowState {
    boost::json::object desired, reported;
    boost::json::object desired_metadata, reported_metadata;
    int64_t version = 0;
    int64_t timestamp_s = 0;
    bool deleted = false;  // only the version is left, so that it goes on from there

    std::string Write() const;
    static base::Result<ShadowState> Read(std::string_view text);
};

// As on the rejected topics and as HTTP statuses.
struct ShadowRejection {
    int code = 400;
    std::string message;
    std::string client_token;  // as given; empty: none
};
template <class T>
using ShadowOutcome = std::expected<T, ShadowRejection>;

std::string RejectionDocument(const ShadowRejection& rejection, base::Instant now);

struct ShadowUpdate {
    ShadowState after;
    std::string accepted;
    std::optional<std::string> delta;  // where desired and reported differ
    std::string documents;
};
// before is null when there is no shadow. payload is the request document.
ShadowOutcome<ShadowUpdate> UpdateShadow(const ShadowState* before, std::string_view payload, base::Instant now);

// The document that a get answers. payload may hold a client token, or be empty.
ShadowOutcome<std::string> DescribeShadow(const ShadowState* state, std::string_view thing, std::string_view payload,
                                          base::Instant now);

struct ShadowDeletion {
    ShadowState after;
    std::string accepted;
};
ShadowOutcome<ShadowDeletion> DeleteShadow(const ShadowState* state, std::string_view thing, std::string_view payload,
                                           base::Instant now);

}  // namespace wellhead::services::iot
