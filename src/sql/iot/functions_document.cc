// Functions over arrays and objects, and over the message and its surroundings.

#include "codec/base64.h"
#include "sql/iot/functions.h"
#include "sql/iot/time_pattern.h"

namespace wellhead::sql::iot {

namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The n-th character of text.
Value CharacterAt(std::string_view text, Int128 n) {
    if (n < 0) return Value();
    for (size_t i = 0; i < text.size(); ++i) {
        if (IsContinuation(text[i]) || n-- != 0) continue;
        size_t end = i + 1;
        while (end < text.size() && IsContinuation(text[end])) ++end;
        return Value::String(text.substr(i, end - i));
    }
    return Value();
}

Value Get(const Call& call) {
    const Value& from = call.arguments[0];
    const Value& key = call.arguments[1];
    if (from.type() == Type::kObject) {
        return key.type() == Type::kString ? from.Member(key.text()) : Value();
    }
    auto index = ToInt(key);
    if (!index) return Value();
    if (from.type() == Type::kString) return CharacterAt(from.text(), *index);
    return from.Item(*index);
}

Value GetOrDefault(const Call& call) {
    return call.arguments[0].defined() ? call.arguments[0] : call.arguments[1];
}

Value IsNull(const Call& call) { return Value::Boolean(call.arguments[0].type() == Type::kNull); }
Value IsUndefined(const Call& call) { return Value::Boolean(!call.arguments[0].defined()); }

Value Encode(const Call& call) {
    auto text = ToString(call.arguments[0], call.state.arena);
    if (!text || call.arguments[1].type() != Type::kString || call.arguments[1].text() != "base64") return Value();
    return Value::String(call.state.arena.Copy(codec::EncodeBase64(*text)));
}

// JSON becomes a document that can be looked into, other text a string.
Value ParseInto(const Call& call, std::string_view text) {
    simdjson::dom::parser parser;
    auto parsed = parser.parse(text.data(), text.size(), true);
    if (parsed.error() == simdjson::SUCCESS) return call.state.arena.Adopt(Value::Of(parsed.value_unsafe()));
    if (!simdjson::validate_utf8(text.data(), text.size())) return Value();
    return Value::String(call.state.arena.Copy(text));
}

Value Decode(const Call& call) {
    auto text = ToString(call.arguments[0], call.state.arena);
    if (!text || call.arguments[1].type() != Type::kString || call.arguments[1].text() != "base64") return Value();
    auto bytes = codec::DecodeBase64(*text);
    return bytes ? ParseInto(call, *bytes) : Value::Null();
}

// transform("enrichArray", attributes, array): every object of the array with the attributes added.
Value Transform(const Call& call) {
    const Value& attributes = call.arguments[1];
    const Value& array = call.arguments[2];
    if (call.arguments[0].type() != Type::kString || call.arguments[0].text() != "enrichArray" ||
        attributes.type() != Type::kObject || array.type() != Type::kArray) {
        return Value();
    }
    BuiltArray* all = call.state.arena.NewArray();
    array.EachItem([&](const Value& item) {
        if (item.type() != Type::kObject) {
            all->push_back(item);
            return;
        }
        BuiltObject* members = call.state.arena.NewObject();
        item.EachMember([&](std::string_view name, const Value& value) { members->emplace_back(name, value); });
        attributes.EachMember([&](std::string_view name, const Value& value) {
            if (!item.Member(name).defined()) members->emplace_back(name, value);
        });
        all->push_back(Value::Object(members));
    });
    return Value::Array(all);
}

Value Topic(const Call& call) {
    std::string_view topic = call.state.message->topic;
    if (call.arguments.empty()) return Value::String(topic);
    auto wanted = ToInt(call.arguments[0]);
    if (!wanted || *wanted < 1) return Value();
    for (Int128 level = 1;; ++level) {
        size_t slash = topic.find('/');
        if (level == *wanted) return Value::String(topic.substr(0, slash));
        if (slash == std::string_view::npos) return Value();
        topic.remove_prefix(slash + 1);
    }
}

Value Timestamp(const Call& call) { return Value::Int(base::ToUnixMs(call.state.message->now)); }

Value ClientId(const Call& call) {
    std::string_view client_id = call.state.message->client_id;
    return Value::String(client_id.empty() ? "n/a" : client_id);
}

Value Principal(const Call& call) {
    std::string_view principal = call.state.message->principal;
    return principal.empty() ? Value() : Value::String(principal);
}

Value SourceIp(const Call& call) {
    std::string_view address = call.state.message->source_ip;
    return address.empty() ? Value() : Value::String(address);
}

Value AccountId(const Call& call) { return Value::String(call.state.surroundings.account_id()); }

Value NewUuid(const Call& call) { return Value::String(call.state.arena.Copy(call.state.NewUuid())); }

// One a message, however often it is asked for.
Value TraceId(const Call& call) {
    if (call.state.message->client_id.empty()) return Value();
    if (call.state.trace_id.empty()) call.state.trace_id = call.state.NewUuid();
    return Value::String(call.state.trace_id);
}

Value SqlVersion(const Call&) { return Value::String("2016-03-23"); }

Value GetMqttProperty(const Call& call) {
    if (call.arguments[0].type() != Type::kString) return Value();
    std::string_view name = call.arguments[0].text();
    const MessageView& message = *call.state.message;
    auto given = [](std::string_view text) { return text.empty() ? Value() : Value::String(text); };
    if (name == "format_indicator") {
        return Value::String(message.payload_is_utf8 ? "UTF8_DATA" : "UNSPECIFIED_BYTES");
    }
    if (name == "content_type") return given(message.content_type);
    if (name == "response_topic") return given(message.response_topic);
    if (name == "correlation_data") {
        if (message.correlation_data.empty()) return Value();
        return Value::String(call.state.arena.Copy(codec::EncodeBase64(message.correlation_data)));
    }
    return Value();
}

// All as [{"key": "value"}], or the values of one key.
Value GetUserProperties(const Call& call) {
    BuiltArray* found = call.state.arena.NewArray();
    bool one = !call.arguments.empty();
    if (one && call.arguments[0].type() != Type::kString) return Value();
    for (const auto& [name, value] : call.state.message->user_properties) {
        if (!one) {
            BuiltObject* pair = call.state.arena.NewObject();
            pair->emplace_back(name, Value::String(value));
            found->push_back(Value::Object(pair));
        } else if (name == call.arguments[0].text()) {
            found->push_back(Value::String(value));
        }
    }
    return found->empty() ? Value() : Value::Array(found);
}

// get_thing_shadow(thing, role) and get_thing_shadow(thing, shadow, role); the role is not looked at.
Value GetThingShadow(const Call& call) {
    if (call.arguments[0].type() != Type::kString) return Value();
    std::string_view name;
    if (call.arguments.size() == 3) {
        if (call.arguments[1].type() != Type::kString) return Value();
        name = call.arguments[1].text();
    }
    auto shadow = call.state.surroundings.ThingShadow(call.arguments[0].text(), name);
    return shadow ? ParseInto(call, *shadow) : Value();
}

Value ParseTime(const Call& call) {
    auto pattern = ToString(call.arguments[0], call.state.arena);
    auto at = ToInt(call.arguments[1]);
    if (!pattern || !at || *at > 253402300799999 || *at < -62135596800000) return Value();
    std::string_view zone = "UTC";
    if (call.arguments.size() > 2) {
        if (call.arguments[2].type() != Type::kString) return Value();
        zone = call.arguments[2].text();
    }
    base::Instant instant = base::FromUnixMs(static_cast<int64_t>(*at));
    auto offset = call.state.surroundings.ZoneOffset(zone, instant);
    if (!offset) return Value();
    auto text = FormatTime(*pattern, instant, *offset, zone);
    return text ? Value::String(call.state.arena.Copy(*text)) : Value();
}

Value TimeToEpoch(const Call& call) {
    auto text = ToString(call.arguments[0], call.state.arena);
    auto pattern = ToString(call.arguments[1], call.state.arena);
    if (!text || !pattern) return Value();
    auto parsed = ParseTimeText(*text, *pattern);
    if (!parsed) return Value();
    base::Instant instant = parsed->local;
    int offset = parsed->offset_s.value_or(0);
    if (!parsed->zone.empty()) {
        auto of_zone = call.state.surroundings.ZoneOffset(parsed->zone, instant);
        if (!of_zone) return Value();
        // Once more at the moment itself: the first answer may be on the other side of a change of clocks.
        of_zone = call.state.surroundings.ZoneOffset(parsed->zone, instant - std::chrono::seconds(*of_zone));
        offset = of_zone.value_or(0);
    }
    return Value::Int(base::ToUnixMs(instant - std::chrono::seconds(offset)));
}

}  // namespace

void AddDocumentFunctions(FunctionTable& table) {
    table["get"] = {Get, 2, 2};
    table["get_or_default"] = {GetOrDefault, 2, 2};
    table["isnull"] = {IsNull, 1, 1};
    table["isundefined"] = {IsUndefined, 1, 1};
    table["encode"] = {Encode, 2, 2, true};
    table["decode"] = {Decode, 2, 2, true};
    table["transform"] = {Transform, 3, 3};
}

void AddMessageFunctions(FunctionTable& table) {
    table["accountid"] = {AccountId, 0, 0};
    table["clientid"] = {ClientId, 0, 0};
    table["get_mqtt_property"] = {GetMqttProperty, 1, 1};
    table["get_thing_shadow"] = {GetThingShadow, 2, 3};
    table["get_user_properties"] = {GetUserProperties, 0, 1};
    table["newuuid"] = {NewUuid, 0, 0};
    table["parse_time"] = {ParseTime, 2, 3};
    table["principal"] = {Principal, 0, 0};
    table["sourceip"] = {SourceIp, 0, 0};
    table["sql_version"] = {SqlVersion, 0, 0};
    table["time_to_epoch"] = {TimeToEpoch, 2, 2};
    table["timestamp"] = {Timestamp, 0, 0};
    table["topic"] = {Topic, 0, 1};
    table["traceid"] = {TraceId, 0, 0};
}

}  // namespace wellhead::sql::iot
