#include "api/json_shape.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <bitset>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "api/document.h"
#include "api/timestamps.h"
#include "api/values.h"
#include "codec/base64.h"

namespace wellhead::api {

namespace {

namespace json = boost::json;

std::unexpected<base::Error> Wrong(const std::string& path, std::string_view expected) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      fmt::format("{} is not {}", path.empty() ? "the document" : path, expected));
}

template <class T>
base::Result<T> ReadInteger(const json::value& value, const std::string& path) {
    int64_t integer = 0;
    if (const auto* exact = value.if_int64()) {
        integer = *exact;
    } else if (const auto* real = value.if_double(); real != nullptr && *real == std::trunc(*real) &&
                                                     std::fabs(*real) < 9e18) {
        integer = static_cast<int64_t>(*real);
    } else {
        return Wrong(path, "an integer");
    }
    if (integer < std::numeric_limits<T>::min() || integer > std::numeric_limits<T>::max()) {
        return Wrong(path, "an integer in range");
    }
    return static_cast<T>(integer);
}

base::Result<double> ReadDouble(const json::value& value, const std::string& path) {
    if (value.is_number()) return value.to_number<double>();
    if (const auto* text = value.if_string()) {
        if (*text == "NaN") return std::nan("");
        if (*text == "Infinity") return HUGE_VAL;
        if (*text == "-Infinity") return -HUGE_VAL;
    }
    return Wrong(path, "a number");
}

base::Result<Timestamp> ReadTimestamp(const json::value& value, const std::string& path) {
    if (value.is_number()) {
        double seconds = value.to_number<double>();
        if (std::fabs(seconds) > 1e11) return Wrong(path, "a time in seconds");
        return base::FromUnixUs(std::llround(seconds * 1e6));
    }
    if (const auto* text = value.if_string()) {
        if (auto time = ParseTimestamp(std::string_view(*text))) return *time;
    }
    return Wrong(path, "a timestamp");
}

base::Result<void> ReadList(const json::value& value, const ListType& type, void* list, const std::string& path,
                            std::vector<std::string>& missing) {
    const auto* array = value.if_array();
    if (array == nullptr) return Wrong(path, "a list");
    type.ops->clear(list);
    size_t index = 0;
    for (const json::value& item : *array) {
        std::string item_path = fmt::format("{}.{}.member", path, ++index);
        RETURN_IF_ERROR(ReadJson(item, *type.element, type.ops->append(list), item_path, missing));
    }
    return {};
}

base::Result<void> ReadMap(const json::value& value, const MapType& type, void* map, const std::string& path,
                           std::vector<std::string>& missing) {
    const auto* object = value.if_object();
    if (object == nullptr) return Wrong(path, "an object");
    type.ops->clear(map);
    for (const auto& member : *object) {
        if (member.value().is_null()) continue;
        std::string key(member.key());
        RETURN_IF_ERROR(ReadJson(member.value(), *type.value, type.ops->emplace(map, key), path + "." + key, missing));
    }
    return {};
}

void WriteDouble(double value, std::string& out) {
    if (std::isnan(value)) {
        out.append("\"NaN\"");
    } else if (std::isinf(value)) {
        out.append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    } else {
        fmt::format_to(std::back_inserter(out), "{}", value);
    }
}

// Plain decimal seconds with at most three digits behind the point.
void WriteEpoch(Timestamp time, std::string& out) {
    int64_t ms = base::ToUnixMs(time);
    if (ms < 0) out.push_back('-');
    int64_t absolute = ms < 0 ? -ms : ms;
    fmt::format_to(std::back_inserter(out), "{}", absolute / 1000);
    if (absolute % 1000 != 0) {
        std::string fraction = fmt::format("{:03}", absolute % 1000);
        while (fraction.back() == '0') fraction.pop_back();
        out.append(".").append(fraction);
    }
}

struct MapWriting {
    const MapType& type;
    std::string& out;
    bool first = true;
};

void WriteEntry(void* state, const std::string& key, const void* value) {
    auto& writing = *static_cast<MapWriting*>(state);
    if (!writing.first) writing.out.push_back(',');
    writing.first = false;
    WriteJsonString(key, writing.out);
    writing.out.push_back(':');
    WriteJson(*writing.type.value, value, writing.out);
}

}  // namespace

base::Result<void> ReadJson(const json::value& value, const Shape& shape, void* into, const std::string& path,
                            std::vector<std::string>& missing) {
    switch (shape.kind) {
        case Kind::kString: {
            const auto* text = value.if_string();
            if (text == nullptr) return Wrong(path, "a string");
            *static_cast<std::string*>(into) = std::string(*text);
            return {};
        }
        case Kind::kInteger: {
            ASSIGN_OR_RETURN(*static_cast<int32_t*>(into), ReadInteger<int32_t>(value, path));
            return {};
        }
        case Kind::kLong: {
            ASSIGN_OR_RETURN(*static_cast<int64_t*>(into), ReadInteger<int64_t>(value, path));
            return {};
        }
        case Kind::kDouble: {
            ASSIGN_OR_RETURN(*static_cast<double*>(into), ReadDouble(value, path));
            return {};
        }
        case Kind::kBoolean: {
            const auto* boolean = value.if_bool();
            if (boolean == nullptr) return Wrong(path, "a boolean");
            *static_cast<bool*>(into) = *boolean;
            return {};
        }
        case Kind::kBlob: {
            const auto* text = value.if_string();
            auto bytes = text != nullptr ? codec::DecodeBase64(std::string_view(*text)) : std::nullopt;
            if (!bytes) return Wrong(path, "base64");
            static_cast<Blob*>(into)->bytes = std::move(*bytes);
            return {};
        }
        case Kind::kTimestamp: {
            ASSIGN_OR_RETURN(*static_cast<Timestamp*>(into), ReadTimestamp(value, path));
            return {};
        }
        case Kind::kDocument: *static_cast<Document*>(into) = value; return {};
        case Kind::kStructure: {
            const auto* object = value.if_object();
            if (object == nullptr) return Wrong(path, "an object");
            return ReadJsonMembers(*object, *shape.structure, into, path, missing);
        }
        case Kind::kList: return ReadList(value, *shape.list, into, path, missing);
        case Kind::kMap: return ReadMap(value, *shape.map, into, path, missing);
        case Kind::kStream:
        case Kind::kEventStream: break;
    }
    return Wrong(path, "something JSON can carry");
}

base::Result<void> ReadJsonMembers(const json::object& object, const Structure& structure, void* value,
                                   const std::string& path, std::vector<std::string>& missing) {
    size_t hint = 0;
    std::bitset<Structure::kMaxMembers> seen;
    auto path_of = [&](const Member& member) {
        return path.empty() ? std::string(member.name) : path + "." + std::string(member.name);
    };
    for (const auto& item : object) {
        if (item.value().is_null()) continue;
        const Member* member = structure.FindBody(std::string_view(item.key()), hint);
        if (member == nullptr) continue;
        seen.set(static_cast<size_t>(member - structure.members.data()));
        RETURN_IF_ERROR(ReadJson(item.value(), *member->shape, member->Emplace(value), path_of(*member), missing));
    }
    for (size_t i = 0; i < structure.members.size(); ++i) {
        const Member& member = structure.members[i];
        if (member.required && member.place == Place::kBody && !seen.test(i)) missing.push_back(path_of(member));
    }
    return {};
}

void WriteJsonString(std::string_view text, std::string& out) {
    out.push_back('"');
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(text.substr(start, i - start));
        start = i + 1;
        switch (c) {
            case '"': out.append("\\\""); break;
            case '\\': out.append("\\\\"); break;
            case '\n': out.append("\\n"); break;
            case '\r': out.append("\\r"); break;
            case '\t': out.append("\\t"); break;
            default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
        }
    }
    out.append(text.substr(start));
    out.push_back('"');
}

void WriteJson(const Shape& shape, const void* value, std::string& out) {
    switch (shape.kind) {
        case Kind::kString: WriteJsonString(*static_cast<const std::string*>(value), out); return;
        case Kind::kInteger:
            fmt::format_to(std::back_inserter(out), "{}", *static_cast<const int32_t*>(value));
            return;
        case Kind::kLong: fmt::format_to(std::back_inserter(out), "{}", *static_cast<const int64_t*>(value)); return;
        case Kind::kDouble: WriteDouble(*static_cast<const double*>(value), out); return;
        case Kind::kBoolean: out.append(*static_cast<const bool*>(value) ? "true" : "false"); return;
        case Kind::kBlob:
            out.push_back('"');
            out.append(codec::EncodeBase64(static_cast<const Blob*>(value)->bytes));
            out.push_back('"');
            return;
        case Kind::kTimestamp: {
            Timestamp time = *static_cast<const Timestamp*>(value);
            if (shape.timestamp == TimestampFormat::kIso8601) {
                WriteJsonString(FormatIso8601(time), out);
            } else if (shape.timestamp == TimestampFormat::kHttpDate) {
                WriteJsonString(FormatHttpDate(time), out);
            } else {
                WriteEpoch(time, out);
            }
            return;
        }
        case Kind::kDocument: out.append(json::serialize(*static_cast<const Document*>(value))); return;
        case Kind::kStructure: WriteJsonMembers(*shape.structure, value, out); return;
        case Kind::kList: {
            const ListType& type = *shape.list;
            out.push_back('[');
            size_t size = type.ops->size(value);
            for (size_t i = 0; i < size; ++i) {
                if (i > 0) out.push_back(',');
                WriteJson(*type.element, type.ops->at(value, i), out);
            }
            out.push_back(']');
            return;
        }
        case Kind::kMap: {
            MapWriting writing{*shape.map, out};
            out.push_back('{');
            shape.map->ops->each(value, &writing, WriteEntry);
            out.push_back('}');
            return;
        }
        case Kind::kStream:
        case Kind::kEventStream: out.append("null"); return;
    }
}

void WriteJsonMembers(const Structure& structure, const void* value, std::string& out) {
    out.push_back('{');
    bool first = true;
    for (const Member& member : structure.members) {
        if (member.place != Place::kBody) continue;
        const void* at = member.Get(value);
        if (at == nullptr || member.shape->kind == Kind::kStream || member.shape->kind == Kind::kEventStream) continue;
        if (!first) out.push_back(',');
        first = false;
        WriteJsonString(member.wire, out);
        out.push_back(':');
        WriteJson(*member.shape, at, out);
    }
    out.push_back('}');
}

namespace {

// Scalars as the shape wants them, where they can only be meant so: "2" for a number, 2 for a string, "true".
void CoerceScalars(json::value& value, const Shape& shape) {
    switch (shape.kind) {
        case Kind::kString:
            if (value.is_number() || value.is_bool()) value = json::string(json::serialize(value));
            return;
        case Kind::kInteger:
        case Kind::kLong:
        case Kind::kDouble:
        case Kind::kBoolean: {
            if (!value.is_string()) return;
            boost::system::error_code error;
            json::value parsed = json::parse(std::string_view(value.get_string()), error);
            if (!error && (parsed.is_number() || parsed.is_bool())) value = std::move(parsed);
            return;
        }
        case Kind::kList:
            if (auto* array = value.if_array()) {
                for (json::value& item : *array) CoerceScalars(item, *shape.list->element);
            }
            return;
        case Kind::kMap:
            if (auto* object = value.if_object()) {
                for (auto& item : *object) CoerceScalars(item.value(), *shape.map->value);
            }
            return;
        case Kind::kStructure:
            if (auto* object = value.if_object()) {
                for (const Member& member : shape.structure->members) {
                    if (auto* item = object->if_contains(member.wire)) CoerceScalars(*item, *member.shape);
                }
            }
            return;
        default: return;
    }
}

}  // namespace

base::Result<void> ReadJsonByName(const json::object& object, const Structure& structure, void* value,
                                  std::vector<std::string>& missing) {
    for (const Member& member : structure.members) {
        const json::value* item = object.if_contains(member.name);
        if (item == nullptr) item = object.if_contains(member.wire);
        std::string path(member.name);
        if (item == nullptr || item->is_null()) {
            if (member.required) missing.push_back(path);
            continue;
        }
        if (member.shape->kind == Kind::kStream || member.shape->kind == Kind::kEventStream) {
            return Wrong(path, "something a call by name can carry: it is a stream");
        }
        json::value coerced = *item;
        CoerceScalars(coerced, *member.shape);
        RETURN_IF_ERROR(ReadJson(coerced, *member.shape, member.Emplace(value), path, missing));
    }
    return {};
}

void WriteJsonByName(const Structure& structure, const void* value, std::string& out) {
    out.push_back('{');
    bool first = true;
    for (const Member& member : structure.members) {
        const void* at = member.Get(value);
        if (at == nullptr || member.shape->kind == Kind::kStream || member.shape->kind == Kind::kEventStream) continue;
        if (!first) out.push_back(',');
        first = false;
        WriteJsonString(member.name, out);
        out.push_back(':');
        WriteJson(*member.shape, at, out);
    }
    out.push_back('}');
}

}  // namespace wellhead::api
