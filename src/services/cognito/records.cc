#include "services/cognito/records.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "services/cognito/shape_json.h"

namespace wellhead::services::cognito {

namespace json = boost::json;

namespace {

json::value FromInstant(base::Instant t) { return base::ToUnixUs(t); }

// Readers of members that an older writer may have left out. They throw what boost::json throws; Decode catches.
std::string Text(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(name);
    return member == nullptr ? std::string() : json::value_to<std::string>(*member);
}
base::Instant Time(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(name);
    return member == nullptr ? base::Instant() : base::FromUnixUs(member->to_number<int64_t>());
}

json::value FromCode(const Code& code) {
    return {{"hash", code.hash}, {"expires", FromInstant(code.expires)}, {"wrong", code.wrong}};
}
Code ToCode(const json::value& value) {
    const json::object& object = value.as_object();
    return {Text(object, "hash"), Time(object, "expires"), object.at("wrong").to_number<int>()};
}

template <class T, class Fill>
base::Result<T> Decode(base::ByteView bytes, const char* what, Fill fill) {
    try {
        json::value value = json::parse(bytes);
        T out;
        fill(value.as_object(), out);
        return out;
    } catch (const std::exception& e) {
        return base::Fail(base::ErrorCode::kCorrupt, std::string("a stored ") + what + " cannot be read: " + e.what());
    }
}

}  // namespace

std::string_view Pool::short_name() const {
    std::string_view name = id();
    return name.substr(name.find('_') + 1);
}

std::string User::Attribute(const std::string& name) const {
    auto found = attributes.find(name);
    return found == attributes.end() ? std::string() : found->second;
}

std::string Encode(const Pool& pool) {
    return json::serialize(json::object{{"pool", ShapeToJson(pool.description)},
                                        {"signing_key", pool.signing_key_pem},
                                        {"secret", pool.secret}});
}

base::Result<Pool> DecodePool(base::ByteView bytes) {
    return Decode<Pool>(bytes, "user pool", [](const json::object& object, Pool& pool) {
        ShapeFromJson(object.at("pool"), pool.description);
        pool.signing_key_pem = Text(object, "signing_key");
        pool.secret = Text(object, "secret");
    });
}

std::string Encode(const Client& client) { return json::serialize(ShapeToJson(client.description)); }

base::Result<Client> DecodeClient(base::ByteView bytes) {
    return Decode<Client>(bytes, "client", [](const json::object& object, Client& client) {
        ShapeFromJson(object, client.description);
    });
}

std::string Encode(const User& user) {
    json::object out{{"username", user.username},       {"status", user.status},
                     {"enabled", user.enabled},         {"created", FromInstant(user.created)},
                     {"modified", FromInstant(user.modified)}};
    json::object attributes;
    for (const auto& [name, value] : user.attributes) attributes[name] = value;
    out["attributes"] = std::move(attributes);
    json::array groups;
    for (const std::string& group : user.groups) groups.emplace_back(group);
    out["groups"] = std::move(groups);
    if (user.password) out["password"] = {{"salt", user.password->salt}, {"verifier", user.password->verifier}};
    if (user.temporary_until) out["temporary_until"] = FromInstant(*user.temporary_until);
    if (user.confirmation) out["confirmation"] = FromCode(*user.confirmation);
    if (user.reset) out["reset"] = FromCode(*user.reset);
    json::object verifications;
    for (const auto& [name, code] : user.verifications) verifications[name] = FromCode(code);
    out["verifications"] = std::move(verifications);
    return json::serialize(out);
}

base::Result<User> DecodeUser(base::ByteView bytes) {
    return Decode<User>(bytes, "user", [](const json::object& object, User& user) {
        user.username = Text(object, "username");
        user.status = Text(object, "status");
        user.enabled = object.at("enabled").as_bool();
        user.created = Time(object, "created");
        user.modified = Time(object, "modified");
        for (const auto& [name, value] : object.at("attributes").as_object()) {
            user.attributes[name] = json::value_to<std::string>(value);
        }
        for (const auto& group : object.at("groups").as_array()) {
            user.groups.insert(json::value_to<std::string>(group));
        }
        if (auto* password = object.if_contains("password")) {
            user.password = SrpVerifier{Text(password->as_object(), "salt"), Text(password->as_object(), "verifier")};
        }
        if (object.contains("temporary_until")) user.temporary_until = Time(object, "temporary_until");
        if (auto* code = object.if_contains("confirmation")) user.confirmation = ToCode(*code);
        if (auto* code = object.if_contains("reset")) user.reset = ToCode(*code);
        for (const auto& [name, code] : object.at("verifications").as_object()) {
            user.verifications[name] = ToCode(code);
        }
    });
}

std::string Encode(const Session& session) {
    return json::serialize(json::object{{"pool", session.pool_id},
                                        {"username", session.username},
                                        {"client", session.client_id},
                                        {"origin_jti", session.origin_jti},
                                        {"token_hash", session.token_hash},
                                        {"previous_hash", session.previous_hash},
                                        {"previous_until", FromInstant(session.previous_until)},
                                        {"signed_in", FromInstant(session.signed_in)},
                                        {"expires", FromInstant(session.expires)},
                                        {"scope", session.scope}});
}

base::Result<Session> DecodeSession(base::ByteView bytes) {
    return Decode<Session>(bytes, "session", [](const json::object& object, Session& session) {
        session = {.pool_id = Text(object, "pool"),
                   .username = Text(object, "username"),
                   .client_id = Text(object, "client"),
                   .origin_jti = Text(object, "origin_jti"),
                   .token_hash = Text(object, "token_hash"),
                   .previous_hash = Text(object, "previous_hash"),
                   .previous_until = Time(object, "previous_until"),
                   .signed_in = Time(object, "signed_in"),
                   .expires = Time(object, "expires"),
                   .scope = Text(object, "scope")};
    });
}

}  // namespace wellhead::services::cognito
