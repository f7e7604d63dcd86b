#include "api/cbor_shape.h"

#include <fmt/format.h>

#include <bitset>
#include <boost/json/object.hpp>
#include <cmath>
#include <limits>

#include "api/values.h"
#include "codec/cbor.h"

namespace wellhead::api {

namespace {

using base::Result;
using codec::CborHead;
using codec::CborMajor;
using codec::CborReader;

class ShapeReader {
  public:
    ShapeReader(base::ByteView bytes, std::vector<std::string>& missing) : reader_(bytes), missing_(missing) {}

    Result<void> ReadWhole(const Structure& structure, void* into) {
        ASSIGN_OR_RETURN(CborHead head, reader_.ReadHead());
        RETURN_IF_ERROR(ReadStructure(head, structure, into, "", 0));
        if (!reader_.at_end()) return Wrong("", "one map");
        return {};
    }

  private:
    static std::unexpected<base::Error> Wrong(const std::string& path, std::string_view expected) {
        return base::Fail(base::ErrorCode::kInvalidArgument,
                          fmt::format("{} is not {}", path.empty() ? "the document" : path, expected));
    }

    Result<void> ReadValue(CborHead head, const Shape& shape, void* into, const std::string& path, int depth);
    Result<void> ReadStructure(const CborHead& head, const Structure& structure, void* into, const std::string& path,
                               int depth);
    Result<void> ReadList(const CborHead& head, const ListType& type, void* into, const std::string& path, int depth);
    Result<void> ReadMap(const CborHead& head, const MapType& type, void* into, const std::string& path, int depth);
    Result<std::string> ReadText(const CborHead& head, const std::string& path) {
        if (head.major != CborMajor::kText) return Wrong(path, "a string");
        return reader_.ReadString(head);
    }

    static Result<int64_t> Integer(const CborHead& head, const std::string& path) {
        constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
        if (head.major == CborMajor::kUnsigned && head.value <= kMax) return static_cast<int64_t>(head.value);
        if (head.major == CborMajor::kNegative && head.value <= kMax) return -1 - static_cast<int64_t>(head.value);
        if (head.is_float && head.real == std::trunc(head.real) && std::fabs(head.real) < 9e18) {
            return static_cast<int64_t>(head.real);
        }
        return Wrong(path, "an integer");
    }

    Result<void> ReadTimestamp(const CborHead& head, void* into, const std::string& path) {
        CborHead number = head;
        if (head.major == CborMajor::kTag) {
            if (head.value != 1) return Wrong(path, "a timestamp");
            ASSIGN_OR_RETURN(number, reader_.ReadHead());
        }
        if (number.is_float) {
            if (!(std::fabs(number.real) < 1e11)) return Wrong(path, "a time in seconds");
            *static_cast<Timestamp*>(into) = base::FromUnixUs(std::llround(number.real * 1e6));
            return {};
        }
        ASSIGN_OR_RETURN(int64_t ms, Integer(number, path));
        if (ms > 100'000'000'000'000 || ms < -100'000'000'000'000) return Wrong(path, "a time in milliseconds");
        *static_cast<Timestamp*>(into) = base::FromUnixMs(ms);
        return {};
    }

    CborReader reader_;
    std::vector<std::string>& missing_;
};

Result<void> ShapeReader::ReadValue(CborHead head, const Shape& shape, void* into, const std::string& path,
                                    int depth) {
    if (depth > CborReader::kMaxDepth) return Wrong(path, "shallow enough");
    switch (shape.kind) {
        case Kind::kString: {
            ASSIGN_OR_RETURN(*static_cast<std::string*>(into), ReadText(head, path));
            return {};
        }
        case Kind::kInteger: {
            ASSIGN_OR_RETURN(int64_t value, Integer(head, path));
            if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
                return Wrong(path, "an integer in range");
            }
            *static_cast<int32_t*>(into) = static_cast<int32_t>(value);
            return {};
        }
        case Kind::kLong: {
            ASSIGN_OR_RETURN(*static_cast<int64_t*>(into), Integer(head, path));
            return {};
        }
        case Kind::kDouble: {
            if (head.is_float) {
                *static_cast<double*>(into) = head.real;
                return {};
            }
            ASSIGN_OR_RETURN(int64_t value, Integer(head, path));
            *static_cast<double*>(into) = static_cast<double>(value);
            return {};
        }
        case Kind::kBoolean:
            if (!head.IsBool()) return Wrong(path, "a boolean");
            *static_cast<bool*>(into) = head.value == 21;
            return {};
        case Kind::kBlob: {
            if (head.major != CborMajor::kBytes) return Wrong(path, "a byte string");
            ASSIGN_OR_RETURN(static_cast<Blob*>(into)->bytes, reader_.ReadString(head));
            return {};
        }
        case Kind::kTimestamp: return ReadTimestamp(head, into, path);
        case Kind::kStructure: return ReadStructure(head, *shape.structure, into, path, depth);
        case Kind::kList: return ReadList(head, *shape.list, into, path, depth);
        case Kind::kMap: return ReadMap(head, *shape.map, into, path, depth);
        case Kind::kDocument:
        case Kind::kStream:
        case Kind::kEventStream: break;
    }
    return Wrong(path, "something CBOR can carry");
}

Result<void> ShapeReader::ReadStructure(const CborHead& head, const Structure& structure, void* into,
                                        const std::string& path, int depth) {
    if (head.major != CborMajor::kMap) return Wrong(path, "a map");
    size_t hint = 0;
    std::bitset<Structure::kMaxMembers> seen;
    auto path_of = [&](const Member& member) {
        return path.empty() ? std::string(member.name) : path + "." + std::string(member.name);
    };
    for (uint64_t done = 0;; ++done) {
        ASSIGN_OR_RETURN(bool more, reader_.HasNext(head, done));
        if (!more) break;
        ASSIGN_OR_RETURN(CborHead key_head, reader_.ReadHead());
        ASSIGN_OR_RETURN(std::string key, ReadText(key_head, path));
        ASSIGN_OR_RETURN(CborHead item, reader_.ReadHead());
        if (item.IsNull()) continue;
        const Member* member = structure.FindBody(key, hint);
        if (member == nullptr) {
            RETURN_IF_ERROR(reader_.Skip(item, depth + 1));
            continue;
        }
        seen.set(static_cast<size_t>(member - structure.members.data()));
        RETURN_IF_ERROR(ReadValue(item, *member->shape, member->Emplace(into), path_of(*member), depth + 1));
    }
    for (size_t i = 0; i < structure.members.size(); ++i) {
        const Member& member = structure.members[i];
        if (member.required && member.place == Place::kBody && !seen.test(i)) missing_.push_back(path_of(member));
    }
    return {};
}

Result<void> ShapeReader::ReadList(const CborHead& head, const ListType& type, void* into, const std::string& path,
                                   int depth) {
    if (head.major != CborMajor::kArray) return Wrong(path, "a list");
    type.ops->clear(into);
    for (uint64_t done = 0;; ++done) {
        ASSIGN_OR_RETURN(bool more, reader_.HasNext(head, done));
        if (!more) return {};
        ASSIGN_OR_RETURN(CborHead item, reader_.ReadHead());
        std::string item_path = fmt::format("{}.{}.member", path, done + 1);
        RETURN_IF_ERROR(ReadValue(item, *type.element, type.ops->append(into), item_path, depth + 1));
    }
}

Result<void> ShapeReader::ReadMap(const CborHead& head, const MapType& type, void* into, const std::string& path,
                                  int depth) {
    if (head.major != CborMajor::kMap) return Wrong(path, "a map");
    type.ops->clear(into);
    for (uint64_t done = 0;; ++done) {
        ASSIGN_OR_RETURN(bool more, reader_.HasNext(head, done));
        if (!more) return {};
        ASSIGN_OR_RETURN(CborHead key_head, reader_.ReadHead());
        ASSIGN_OR_RETURN(std::string key, ReadText(key_head, path));
        ASSIGN_OR_RETURN(CborHead item, reader_.ReadHead());
        if (item.IsNull()) continue;
        RETURN_IF_ERROR(ReadValue(item, *type.value, type.ops->emplace(into, key), path + "." + key, depth + 1));
    }
}

void WriteValue(const Shape& shape, const void* value, std::string& out);

struct MapWriting {
    const MapType& type;
    std::string& out;
};

void WriteEntry(void* state, const std::string& key, const void* value) {
    auto& writing = *static_cast<MapWriting*>(state);
    codec::AppendCborText(key, writing.out);
    WriteValue(*writing.type.value, value, writing.out);
}

void WriteValue(const Shape& shape, const void* value, std::string& out) {
    switch (shape.kind) {
        case Kind::kString: codec::AppendCborText(*static_cast<const std::string*>(value), out); return;
        case Kind::kInteger: codec::AppendCborInteger(*static_cast<const int32_t*>(value), out); return;
        case Kind::kLong: codec::AppendCborInteger(*static_cast<const int64_t*>(value), out); return;
        case Kind::kDouble: codec::AppendCborDouble(*static_cast<const double*>(value), out); return;
        case Kind::kBoolean: codec::AppendCborBool(*static_cast<const bool*>(value), out); return;
        case Kind::kBlob: codec::AppendCborBytes(static_cast<const Blob*>(value)->bytes, out); return;
        case Kind::kTimestamp:
            codec::AppendCborHead(CborMajor::kTag, 1, out);
            codec::AppendCborInteger(base::ToUnixMs(*static_cast<const Timestamp*>(value)), out);
            return;
        case Kind::kStructure: WriteCborMembers(*shape.structure, value, out); return;
        case Kind::kList: {
            const ListType& type = *shape.list;
            size_t size = type.ops->size(value);
            codec::AppendCborHead(CborMajor::kArray, size, out);
            for (size_t i = 0; i < size; ++i) WriteValue(*type.element, type.ops->at(value, i), out);
            return;
        }
        case Kind::kMap: {
            MapWriting writing{*shape.map, out};
            codec::AppendCborHead(CborMajor::kMap, shape.map->ops->size(value), out);
            shape.map->ops->each(value, &writing, WriteEntry);
            return;
        }
        case Kind::kDocument:
        case Kind::kStream:
        case Kind::kEventStream: out.push_back(static_cast<char>(0xf6)); return;
    }
}

// The value of a member that the body carries, or null.
const void* BodyValue(const Member& member, const void* structure) {
    if (member.place != Place::kBody) return nullptr;
    if (member.shape->kind == Kind::kStream || member.shape->kind == Kind::kEventStream) return nullptr;
    return member.Get(structure);
}

void WriteJsonValue(const boost::json::value& value, std::string& out) {
    switch (value.kind()) {
        case boost::json::kind::string: codec::AppendCborText(std::string_view(value.get_string()), out); return;
        case boost::json::kind::int64: codec::AppendCborInteger(value.get_int64(), out); return;
        case boost::json::kind::uint64: codec::AppendCborHead(CborMajor::kUnsigned, value.get_uint64(), out); return;
        case boost::json::kind::double_: codec::AppendCborDouble(value.get_double(), out); return;
        case boost::json::kind::bool_: codec::AppendCborBool(value.get_bool(), out); return;
        case boost::json::kind::null: out.push_back(static_cast<char>(0xf6)); return;
        case boost::json::kind::array:
            codec::AppendCborHead(CborMajor::kArray, value.get_array().size(), out);
            for (const auto& item : value.get_array()) WriteJsonValue(item, out);
            return;
        case boost::json::kind::object:
            codec::AppendCborHead(CborMajor::kMap, value.get_object().size(), out);
            for (const auto& member : value.get_object()) {
                codec::AppendCborText(std::string_view(member.key()), out);
                WriteJsonValue(member.value(), out);
            }
            return;
    }
}

}  // namespace

std::string CborErrorBody(const ServiceError& error, std::string_view message_member) {
    boost::json::object body = error.members;
    body["__type"] = error.code;
    body[message_member] = error.message;
    std::string out;
    WriteJsonValue(body, out);
    return out;
}

Result<void> ReadCborMembers(base::ByteView bytes, const Structure& structure, void* value,
                             std::vector<std::string>& missing) {
    return ShapeReader(bytes, missing).ReadWhole(structure, value);
}

void WriteCborMembers(const Structure& structure, const void* value, std::string& out) {
    uint64_t count = 0;
    for (const Member& member : structure.members) count += BodyValue(member, value) != nullptr ? 1 : 0;
    codec::AppendCborHead(CborMajor::kMap, count, out);
    for (const Member& member : structure.members) {
        const void* at = BodyValue(member, value);
        if (at == nullptr) continue;
        codec::AppendCborText(member.wire, out);
        WriteValue(*member.shape, at, out);
    }
}

}  // namespace wellhead::api
