#include "services/iot/shadow_document.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;

constexpr size_t kMaxStateBytes = 8192;
constexpr size_t kMaxRequestBytes = 16 * 1024;
constexpr int kMaxDepth = 8;

int64_t Seconds(base::Instant now) { return base::ToUnixMs(now) / 1000; }

int DepthOf(const json::value& value) {
    int deepest = 0;
    if (const auto* object = value.if_object()) {
        for (const auto& member : *object) deepest = std::max(deepest, DepthOf(member.value()));
        return deepest + 1;
    }
    if (const auto* array = value.if_array()) {
        for (const json::value& item : *array) deepest = std::max(deepest, DepthOf(item));
        return deepest + 1;
    }
    return 0;
}

// {"timestamp": s} for every leaf, in the shape of value.
json::value MetadataFor(const json::value& value, int64_t now_s) {
    if (const auto* object = value.if_object()) {
        json::object metadata;
        for (const auto& member : *object) {
            if (!member.value().is_null()) metadata[member.key()] = MetadataFor(member.value(), now_s);
        }
        return metadata;
    }
    if (const auto* array = value.if_array()) {
        json::array metadata;
        for (const json::value& item : *array) metadata.push_back(MetadataFor(item, now_s));
        return metadata;
    }
    return json::object{{"timestamp", now_s}};
}

json::object WithoutNulls(const json::object& object) {
    json::object kept;
    for (const auto& member : object) {
        if (member.value().is_null()) continue;
        if (const auto* inner = member.value().if_object()) {
            kept[member.key()] = WithoutNulls(*inner);
        } else {
            kept[member.key()] = member.value();
        }
    }
    return kept;
}

// Puts change into target: objects member by member, null removes, everything else replaces.
void Merge(json::object& target, json::object& metadata, const json::object& change, int64_t now_s) {
    for (const auto& member : change) {
        std::string_view key = member.key();
        const json::value& value = member.value();
        if (value.is_null()) {
            target.erase(key);
            metadata.erase(key);
            continue;
        }
        const auto* inner = value.if_object();
        json::value* present = target.if_contains(key);
        if (inner != nullptr && present != nullptr && present->is_object()) {
            json::value* present_metadata = metadata.if_contains(key);
            if (present_metadata == nullptr || !present_metadata->is_object()) metadata[key] = json::object();
            Merge(present->as_object(), metadata[key].as_object(), *inner, now_s);
        } else {
            target[key] = inner != nullptr ? json::value(WithoutNulls(*inner)) : value;
            metadata[key] = MetadataFor(value, now_s);
        }
    }
}

// What desired has otherwise than reported, and its metadata.
void Difference(const json::object& desired, const json::object& metadata, const json::object& reported,
                json::object& state, json::object& state_metadata) {
    for (const auto& member : desired) {
        std::string_view key = member.key();
        const json::value* other = reported.if_contains(key);
        const json::value* its_metadata = metadata.if_contains(key);
        const auto* inner = member.value().if_object();
        if (inner != nullptr && other != nullptr && other->is_object()) {
            json::object inner_state;
            json::object inner_metadata;
            Difference(*inner, its_metadata != nullptr && its_metadata->is_object() ? its_metadata->as_object() : json::object(),
                       other->as_object(), inner_state, inner_metadata);
            if (!inner_state.empty()) {
                state[key] = std::move(inner_state);
                state_metadata[key] = std::move(inner_metadata);
            }
        } else if (other == nullptr || *other != member.value()) {
            state[key] = member.value();
            if (its_metadata != nullptr) state_metadata[key] = *its_metadata;
        }
    }
}

json::object Sections(const json::object& desired, const json::object& reported) {
    json::object sections;
    if (!desired.empty()) sections["desired"] = desired;
    if (!reported.empty()) sections["reported"] = reported;
    return sections;
}

json::object Snapshot(const ShadowState& state) {
    return json::object{{"state", Sections(state.desired, state.reported)},
                        {"metadata", Sections(state.desired_metadata, state.reported_metadata)},
                        {"version", state.version}};
}

void AddToken(json::object& document, const std::string& token) {
    if (!token.empty()) document["clientToken"] = token;
}

struct Request {
    json::object root;
    std::string client_token;
    std::optional<int64_t> version;
};

// Every request may be an object with clientToken and version; an empty payload is one without.
ShadowOutcome<Request> ParseRequest(std::string_view payload) {
    if (payload.size() > kMaxRequestBytes) {
        return std::unexpected(ShadowRejection{413, "The payload exceeds the maximum size allowed", {}});
    }
    Request request;
    if (payload.find_first_not_of(" \t\r\n") == std::string_view::npos) return request;
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 32;
    json::value value = json::parse(payload, error, {}, options);
    if (error || !value.is_object()) return std::unexpected(ShadowRejection{400, "Invalid JSON", {}});
    request.root = std::move(value.as_object());
    if (const auto* token = request.root.if_contains("clientToken"); token != nullptr && !token->is_null()) {
        if (!token->is_string() || token->as_string().size() > 64) {
            return std::unexpected(ShadowRejection{400, "Invalid clientToken", {}});
        }
        request.client_token = std::string(token->as_string());
    }
    if (const auto* version = request.root.if_contains("version"); version != nullptr && !version->is_null()) {
        if (!version->is_int64()) {
            return std::unexpected(ShadowRejection{400, "Invalid version", request.client_token});
        }
        request.version = version->as_int64();
    }
    return request;
}

bool Exists(const ShadowState* state) { return state != nullptr && !state->deleted; }

ShadowRejection NotFound(std::string_view thing, const std::string& token) {
    return {404, fmt::format("No shadow exists with name: '{}'", thing), token};
}

// One section of the request's state: an object, or null to drop the section.
ShadowOutcome<void> ApplySection(const json::object& state, std::string_view name, const std::string& token,
                                 int64_t now_s, json::object& section, json::object& metadata,
                                 json::object& touched) {
    const json::value* change = state.if_contains(name);
    if (change == nullptr) return {};
    if (change->is_null()) {
        section.clear();
        metadata.clear();
        return {};
    }
    if (!change->is_object()) {
        return std::unexpected(ShadowRejection{400, fmt::format("State node must be an object: {}", name), token});
    }
    if (DepthOf(*change) > kMaxDepth) {
        return std::unexpected(ShadowRejection{400, "JSON contains too many levels of nesting; maximum is 8", token});
    }
    Merge(section, metadata, change->as_object(), now_s);
    touched[name] = MetadataFor(*change, now_s);
    return {};
}

json::object ObjectOf(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_object() ? value->as_object() : json::object();
}

int64_t NumberOf(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

}  // namespace

std::string ShadowState::Write() const {
    json::object object{{"version", version}, {"timestamp", timestamp_s}};
    if (deleted) {
        object["deleted"] = true;
    } else {
        object["desired"] = desired;
        object["reported"] = reported;
        object["desired_metadata"] = desired_metadata;
        object["reported_metadata"] = reported_metadata;
    }
    return json::serialize(object);
}

base::Result<ShadowState> ShadowState::Read(std::string_view text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object()) return base::Fail(base::ErrorCode::kCorrupt, "a shadow is not a JSON object");
    const json::object& object = value.as_object();
    ShadowState state;
    state.desired = ObjectOf(object, "desired");
    state.reported = ObjectOf(object, "reported");
    state.desired_metadata = ObjectOf(object, "desired_metadata");
    state.reported_metadata = ObjectOf(object, "reported_metadata");
    state.version = NumberOf(object, "version");
    state.timestamp_s = NumberOf(object, "timestamp");
    state.deleted = object.contains("deleted");
    return state;
}

std::string RejectionDocument(const ShadowRejection& rejection, base::Instant now) {
    json::object document{{"code", rejection.code}, {"message", rejection.message}, {"timestamp", Seconds(now)}};
    AddToken(document, rejection.client_token);
    return json::serialize(document);
}

ShadowOutcome<ShadowUpdate> UpdateShadow(const ShadowState* before, std::string_view payload, base::Instant now) {
    auto request = ParseRequest(payload);
    if (!request) return std::unexpected(request.error());
    const std::string& token = request->client_token;
    const json::value* state = request->root.if_contains("state");
    if (state == nullptr || !state->is_object()) {
        return std::unexpected(ShadowRejection{400, "Missing required node: state", token});
    }
    const json::object& change = state->as_object();
    for (const auto& member : change) {
        if (member.key() != "desired" && member.key() != "reported") {
            return std::unexpected(ShadowRejection{
                400, fmt::format("State contains an invalid node: '{}'", std::string_view(member.key())), token});
        }
    }
    int64_t version = before != nullptr ? before->version : 0;
    if (request->version && *request->version != version) {
        return std::unexpected(ShadowRejection{409, "Version conflict", token});
    }
    int64_t now_s = Seconds(now);
    ShadowUpdate update;
    if (Exists(before)) update.after = *before;
    update.after.version = version + 1;
    update.after.timestamp_s = now_s;
    json::object touched;
    auto desired = ApplySection(change, "desired", token, now_s, update.after.desired, update.after.desired_metadata, touched);
    if (!desired) return std::unexpected(desired.error());
    auto reported =
        ApplySection(change, "reported", token, now_s, update.after.reported, update.after.reported_metadata, touched);
    if (!reported) return std::unexpected(reported.error());
    // The limit is on the state; metadata is the service's own.
    if (json::serialize(update.after.desired).size() > kMaxStateBytes ||
        json::serialize(update.after.reported).size() > kMaxStateBytes) {
        return std::unexpected(ShadowRejection{413, "The payload exceeds the maximum size allowed", token});
    }

    json::object accepted{{"state", change}, {"metadata", std::move(touched)}, {"version", update.after.version},
                          {"timestamp", now_s}};
    AddToken(accepted, token);
    update.accepted = json::serialize(accepted);

    json::object delta_state;
    json::object delta_metadata;
    Difference(update.after.desired, update.after.desired_metadata, update.after.reported, delta_state, delta_metadata);
    if (!delta_state.empty()) {
        json::object delta{{"version", update.after.version}, {"timestamp", now_s}, {"state", std::move(delta_state)},
                           {"metadata", std::move(delta_metadata)}};
        AddToken(delta, token);
        update.delta = json::serialize(delta);
    }

    json::object documents;
    if (Exists(before)) documents["previous"] = Snapshot(*before);
    documents["current"] = Snapshot(update.after);
    documents["timestamp"] = now_s;
    AddToken(documents, token);
    update.documents = json::serialize(documents);
    return update;
}

ShadowOutcome<std::string> DescribeShadow(const ShadowState* state, std::string_view thing, std::string_view payload,
                                          base::Instant now) {
    auto request = ParseRequest(payload);
    if (!request) return std::unexpected(request.error());
    if (!Exists(state)) return std::unexpected(NotFound(thing, request->client_token));
    json::object sections = Sections(state->desired, state->reported);
    json::object delta_state;
    json::object delta_metadata;
    Difference(state->desired, state->desired_metadata, state->reported, delta_state, delta_metadata);
    if (!delta_state.empty()) sections["delta"] = std::move(delta_state);
    json::object document{{"state", std::move(sections)},
                          {"metadata", Sections(state->desired_metadata, state->reported_metadata)},
                          {"version", state->version},
                          {"timestamp", Seconds(now)}};
    AddToken(document, request->client_token);
    return json::serialize(document);
}

ShadowOutcome<ShadowDeletion> DeleteShadow(const ShadowState* state, std::string_view thing, std::string_view payload,
                                           base::Instant now) {
    auto request = ParseRequest(payload);
    if (!request) return std::unexpected(request.error());
    if (!Exists(state)) return std::unexpected(NotFound(thing, request->client_token));
    if (request->version && *request->version != state->version) {
        return std::unexpected(ShadowRejection{409, "Version conflict", request->client_token});
    }
    ShadowDeletion deletion;
    deletion.after.version = state->version;
    deletion.after.timestamp_s = Seconds(now);
    deletion.after.deleted = true;
    json::object accepted{{"version", state->version}, {"timestamp", Seconds(now)}};
    AddToken(accepted, request->client_token);
    deletion.accepted = json::serialize(accepted);
    return deletion;
}

}  // namespace wellhead::services::iot
