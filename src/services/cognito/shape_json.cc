#include "services/cognito/shape_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_to.hpp>

#include "apis/cognito_idp/shapes.h"
#include "base/check.h"
#include "codec/base64.h"

namespace wellhead::services::cognito {

namespace json = boost::json;
namespace idp = apis::cognito_idp;
using api::Kind;
using api::Shape;

namespace {

template <class T>
const T& As(const void* value) {
    return *static_cast<const T*>(value);
}
template <class T>
T& As(void* value) {
    return *static_cast<T*>(value);
}

json::value Write(const Shape& shape, const void* value);

json::value WriteStructure(const api::Structure& structure, const void* value) {
    json::object out;
    for (const api::Member& member : structure.members) {
        const void* at = member.Get(value);
        if (at != nullptr) out[member.name] = Write(*member.shape, at);
    }
    return out;
}

json::value Write(const Shape& shape, const void* value) {
    switch (shape.kind) {
        case Kind::kString: return json::string(As<std::string>(value));
        case Kind::kInteger: return As<int32_t>(value);
        case Kind::kLong: return As<int64_t>(value);
        case Kind::kDouble: return As<double>(value);
        case Kind::kBoolean: return As<bool>(value);
        case Kind::kBlob: return json::string(codec::EncodeBase64(As<api::Blob>(value).bytes));
        case Kind::kTimestamp: return base::ToUnixUs(As<api::Timestamp>(value));
        case Kind::kStructure: return WriteStructure(*shape.structure, value);
        case Kind::kList: {
            json::array out;
            for (size_t i = 0; i < shape.list->ops->size(value); ++i) {
                out.push_back(Write(*shape.list->element, shape.list->ops->at(value, i)));
            }
            return out;
        }
        case Kind::kMap: {
            struct State {
                const Shape& element;
                json::object out;
            } state{*shape.map->value, {}};
            shape.map->ops->each(value, &state, [](void* opaque, const std::string& key, const void* element) {
                auto* into = static_cast<State*>(opaque);
                into->out[key] = Write(into->element, element);
            });
            return std::move(state.out);
        }
        case Kind::kDocument:
        case Kind::kStream:
        case Kind::kEventStream: break;
    }
    CHECK(!"a user pool has no documents or streams");
    return nullptr;
}

void Read(const Shape& shape, const json::value& json, void* out) {
    switch (shape.kind) {
        case Kind::kString: As<std::string>(out) = json::value_to<std::string>(json); return;
        case Kind::kInteger: As<int32_t>(out) = json.to_number<int32_t>(); return;
        case Kind::kLong: As<int64_t>(out) = json.to_number<int64_t>(); return;
        case Kind::kDouble: As<double>(out) = json.to_number<double>(); return;
        case Kind::kBoolean: As<bool>(out) = json.as_bool(); return;
        case Kind::kBlob:
            As<api::Blob>(out).bytes = codec::DecodeBase64(json.as_string()).value_or(base::Bytes());
            return;
        case Kind::kTimestamp: As<api::Timestamp>(out) = base::FromUnixUs(json.to_number<int64_t>()); return;
        case Kind::kStructure:
            for (const api::Member& member : shape.structure->members) {
                const json::value* value = json.as_object().if_contains(member.name);
                if (value != nullptr) Read(*member.shape, *value, member.Emplace(out));
            }
            return;
        case Kind::kList:
            for (const json::value& element : json.as_array()) {
                Read(*shape.list->element, element, shape.list->ops->append(out));
            }
            return;
        case Kind::kMap:
            for (const auto& [key, value] : json.as_object()) {
                Read(*shape.map->value, value, shape.map->ops->emplace(out, std::string(key)));
            }
            return;
        case Kind::kDocument:
        case Kind::kStream:
        case Kind::kEventStream: break;
    }
    CHECK(!"a user pool has no documents or streams");
}

}  // namespace

json::value ShapeToJson(const idp::UserPoolType& value) { return Write(idp::shapes::UserPoolType, &value); }
json::value ShapeToJson(const idp::UserPoolClientType& value) { return Write(idp::shapes::UserPoolClientType, &value); }
json::value ShapeToJson(const idp::GroupType& value) { return Write(idp::shapes::GroupType, &value); }
json::value ShapeToJson(const idp::ResourceServerType& value) { return Write(idp::shapes::ResourceServerType, &value); }

void ShapeFromJson(const json::value& json, idp::UserPoolType& out) { Read(idp::shapes::UserPoolType, json, &out); }
void ShapeFromJson(const json::value& json, idp::UserPoolClientType& out) {
    Read(idp::shapes::UserPoolClientType, json, &out);
}
void ShapeFromJson(const json::value& json, idp::GroupType& out) { Read(idp::shapes::GroupType, json, &out); }
void ShapeFromJson(const json::value& json, idp::ResourceServerType& out) {
    Read(idp::shapes::ResourceServerType, json, &out);
}

}  // namespace wellhead::services::cognito
