#include "api/xml_shape.h"

#include <fmt/format.h>

#include <bitset>
#include <charconv>
#include <cmath>

#include "api/timestamps.h"
#include "api/values.h"
#include "codec/base64.h"

namespace wellhead::api {

namespace {

using codec::XmlElement;

std::unexpected<base::Error> Wrong(const std::string& path, std::string_view expected) {
    return base::Fail(base::ErrorCode::kInvalidArgument, fmt::format("{} is not {}", path, expected));
}

std::string_view Trimmed(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    return text;
}

template <class T>
base::Result<void> ReadNumber(std::string_view text, void* value, const std::string& path) {
    text = Trimmed(text);
    T number{};
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return Wrong(path, "a number");
    *static_cast<T*>(value) = number;
    return {};
}

bool IsFlattened(const Member& member) {
    const Shape& shape = *member.shape;
    if (member.flattened) return true;
    return (shape.kind == Kind::kList && shape.list->flattened) || (shape.kind == Kind::kMap && shape.map->flattened);
}

using Missing = std::vector<std::string>;

base::Result<void> ReadListElement(const XmlElement& element, const ListType& list, void* value,
                                   const std::string& path, Missing& missing) {
    return ReadXml(element, *list.element, list.ops->append(value), path, missing);
}

base::Result<void> ReadMapEntry(const XmlElement& entry, const MapType& map, void* value, const std::string& path,
                                Missing& missing) {
    const XmlElement* key = entry.Child(map.key_name);
    const XmlElement* item = entry.Child(map.value_name);
    if (key == nullptr || item == nullptr) return Wrong(path, "a map of keys and values");
    return ReadXml(*item, *map.value, map.ops->emplace(value, key->text), path + "." + key->text, missing);
}

base::Result<void> ReadFlattened(const XmlElement& element, const Member& member, void* structure,
                                 const std::string& path, Missing& missing) {
    const void* present = member.Get(structure);
    void* value = present != nullptr ? const_cast<void*>(present) : member.Emplace(structure);
    if (member.shape->kind == Kind::kList) return ReadListElement(element, *member.shape->list, value, path, missing);
    return ReadMapEntry(element, *member.shape->map, value, path, missing);
}

void WriteList(std::string_view name, const ListType& list, const void* value, std::string& out) {
    for (size_t i = 0; i < list.ops->size(value); ++i) WriteXml(name, "", *list.element, list.ops->at(value, i), out);
}

struct MapWriting {
    std::string_view entry_name;
    const MapType* map;
    std::string* out;
};

void WriteMapEntry(void* state, const std::string& key, const void* value) {
    const auto& writing = *static_cast<MapWriting*>(state);
    *writing.out += fmt::format("<{}><{}>", writing.entry_name, writing.map->key_name);
    codec::AppendXmlEscaped(*writing.out, key);
    *writing.out += fmt::format("</{}>", writing.map->key_name);
    WriteXml(writing.map->value_name, "", *writing.map->value, value, *writing.out);
    *writing.out += fmt::format("</{}>", writing.entry_name);
}

void WriteMap(std::string_view entry_name, const MapType& map, const void* value, std::string& out) {
    MapWriting writing{entry_name, &map, &out};
    map.ops->each(value, &writing, WriteMapEntry);
}

// What the start tag says of a structure: its members that are attributes.
std::string AttributesOf(const Structure& structure, const void* value) {
    std::string out;
    for (const Member& member : structure.members) {
        const void* at = member.xml_attribute ? member.Get(value) : nullptr;
        if (at == nullptr) continue;
        out += fmt::format(" {}=\"", member.wire);
        codec::AppendXmlEscaped(out, WriteScalar(*member.shape, at, TimestampFormat::kIso8601));
        out += '"';
    }
    return out;
}

}  // namespace

base::Result<void> ReadScalar(std::string_view text, const Shape& shape, void* value, const std::string& path) {
    switch (shape.kind) {
        case Kind::kString: *static_cast<std::string*>(value) = text; return {};
        case Kind::kInteger: return ReadNumber<int32_t>(text, value, path);
        case Kind::kLong: return ReadNumber<int64_t>(text, value, path);
        case Kind::kDouble: return ReadNumber<double>(text, value, path);
        case Kind::kBoolean: {
            std::string_view word = Trimmed(text);
            bool yes = word == "true" || word == "True" || word == "TRUE" || word == "1";
            if (!yes && word != "false" && word != "False" && word != "FALSE" && word != "0") {
                return Wrong(path, "true or false");
            }
            *static_cast<bool*>(value) = yes;
            return {};
        }
        case Kind::kBlob: {
            auto bytes = codec::DecodeBase64(Trimmed(text));
            if (!bytes) return Wrong(path, "base64");
            static_cast<Blob*>(value)->bytes = std::move(*bytes);
            return {};
        }
        case Kind::kTimestamp: {
            auto time = ParseTimestamp(Trimmed(text));
            if (!time) return Wrong(path, "a time");
            *static_cast<Timestamp*>(value) = *time;
            return {};
        }
        default: return Wrong(path, "a value that a text can hold");
    }
}

std::string WriteScalar(const Shape& shape, const void* value, TimestampFormat otherwise) {
    switch (shape.kind) {
        case Kind::kString: return *static_cast<const std::string*>(value);
        case Kind::kInteger: return std::to_string(*static_cast<const int32_t*>(value));
        case Kind::kLong: return std::to_string(*static_cast<const int64_t*>(value));
        case Kind::kDouble: return fmt::format("{}", *static_cast<const double*>(value));
        case Kind::kBoolean: return *static_cast<const bool*>(value) ? "true" : "false";
        case Kind::kBlob: return codec::EncodeBase64(static_cast<const Blob*>(value)->bytes);
        case Kind::kTimestamp: {
            const Timestamp time = *static_cast<const Timestamp*>(value);
            TimestampFormat format = shape.timestamp == TimestampFormat::kOfProtocol ? otherwise : shape.timestamp;
            if (format == TimestampFormat::kHttpDate) return FormatHttpDate(time);
            if (format == TimestampFormat::kEpochSeconds) {
                return fmt::format("{:.3f}", static_cast<double>(base::ToUnixMs(time)) / 1000);
            }
            return FormatIso8601(time);
        }
        default: return {};
    }
}

base::Result<void> ReadXml(const XmlElement& element, const Shape& shape, void* value, const std::string& path,
                           Missing& missing) {
    switch (shape.kind) {
        case Kind::kStructure: return ReadXmlMembers(element, *shape.structure, value, path, missing);
        case Kind::kList:
            for (const XmlElement& child : element.children) {
                if (child.name != shape.list->element_name) continue;
                RETURN_IF_ERROR(ReadListElement(child, *shape.list, value, path, missing));
            }
            return {};
        case Kind::kMap:
            for (const XmlElement& child : element.children) {
                if (child.name == "entry") RETURN_IF_ERROR(ReadMapEntry(child, *shape.map, value, path, missing));
            }
            return {};
        default: return ReadScalar(element.text, shape, value, path);
    }
}

base::Result<void> ReadXmlMembers(const XmlElement& element, const Structure& structure, void* value,
                                  const std::string& path, Missing& missing) {
    std::bitset<Structure::kMaxMembers> seen;
    size_t hint = 0;
    for (const XmlElement& child : element.children) {
        const Member* member = structure.FindBody(child.name, hint);
        if (member == nullptr || member->xml_attribute) continue;
        seen.set(static_cast<size_t>(member - structure.members.data()));
        const std::string at = path.empty() ? child.name : path + "." + child.name;
        if (IsFlattened(*member)) {
            RETURN_IF_ERROR(ReadFlattened(child, *member, value, at, missing));
        } else {
            RETURN_IF_ERROR(ReadXml(child, *member->shape, member->Emplace(value), at, missing));
        }
    }
    for (const Member& member : structure.members) {
        if (!member.xml_attribute) continue;
        for (const auto& [name, text] : element.attributes) {
            if (name != member.wire) continue;
            seen.set(static_cast<size_t>(&member - structure.members.data()));
            RETURN_IF_ERROR(ReadScalar(text, *member.shape, member.Emplace(value), name));
        }
    }
    for (size_t i = 0; i < structure.members.size(); ++i) {
        const Member& member = structure.members[i];
        if (!member.required || member.hold != nullptr || member.place != Place::kBody || seen.test(i)) continue;
        missing.push_back(path.empty() ? std::string(member.name) : path + "." + std::string(member.name));
    }
    return {};
}

void WriteXml(std::string_view name, std::string_view attributes, const Shape& shape, const void* value,
              std::string& out) {
    out += fmt::format("<{}{}", name, attributes);
    if (shape.kind == Kind::kStructure) out += AttributesOf(*shape.structure, value);
    out += '>';
    switch (shape.kind) {
        case Kind::kStructure: WriteXmlMembers(*shape.structure, value, out); break;
        case Kind::kList: WriteList(shape.list->element_name, *shape.list, value, out); break;
        case Kind::kMap: WriteMap("entry", *shape.map, value, out); break;
        default: codec::AppendXmlEscaped(out, WriteScalar(shape, value, TimestampFormat::kIso8601));
    }
    out += fmt::format("</{}>", name);
}

void WriteXmlMembers(const Structure& structure, const void* value, std::string& out) {
    for (const Member& member : structure.members) {
        if (member.place != Place::kBody || member.xml_attribute) continue;
        const void* at = member.Get(value);
        if (at == nullptr) continue;
        if (IsFlattened(member)) {
            if (member.shape->kind == Kind::kList) {
                WriteList(member.wire, *member.shape->list, at, out);
            } else {
                WriteMap(member.wire, *member.shape->map, at, out);
            }
            continue;
        }
        std::string attributes;
        if (!member.xml_namespace.empty()) {
            attributes = fmt::format(" xmlns{}{}=\"{}\"", member.xml_prefix.empty() ? "" : ":", member.xml_prefix,
                                     member.xml_namespace);
        }
        WriteXml(member.wire, attributes, *member.shape, at, out);
    }
}

}  // namespace wellhead::api
