#include "api/rest_client.h"

#include "api/rest_binding.h"
#include "api/service.h"
#include "api/uri.h"
#include "api/values.h"
#include "api/xml_shape.h"

namespace wellhead::api {

namespace {

void AppendQuery(std::string_view name, std::string_view value, std::string& query) {
    if (!query.empty()) query += '&';
    query += UriEncode(name, false);
    query += '=';
    query += UriEncode(value, false);
}

struct QueryMapWriting {
    const Shape& shape;
    std::string& query;
};

void WriteQueryEntry(void* state, const std::string& key, const void* value) {
    auto& writing = *static_cast<QueryMapWriting*>(state);
    if (writing.shape.kind != Kind::kList) {
        AppendQuery(key, WriteScalar(writing.shape, value, TimestampFormat::kIso8601), writing.query);
        return;
    }
    const ListType& list = *writing.shape.list;
    for (size_t i = 0; i < list.ops->size(value); ++i) {
        AppendQuery(key, WriteScalar(*list.element, list.ops->at(value, i), TimestampFormat::kIso8601), writing.query);
    }
}

void WriteQueryMember(const Member& member, const void* at, std::string& query) {
    const Shape& shape = *member.shape;
    if (shape.kind == Kind::kMap) {
        QueryMapWriting writing{*shape.map->value, query};
        shape.map->ops->each(at, &writing, WriteQueryEntry);
        return;
    }
    if (shape.kind != Kind::kList) {
        AppendQuery(member.wire, WriteScalar(shape, at, TimestampFormat::kIso8601), query);
        return;
    }
    for (size_t i = 0; i < shape.list->ops->size(at); ++i) {
        AppendQuery(member.wire, WriteScalar(*shape.list->element, shape.list->ops->at(at, i), TimestampFormat::kIso8601),
                    query);
    }
}

// The template's path with the values of its labels: "/{Bucket}/{Key+}".
base::Result<std::string> FillPath(std::string_view pattern, const Structure& structure, const void* input) {
    std::string path;
    while (!pattern.empty()) {
        size_t open = pattern.find('{');
        path += pattern.substr(0, open);
        if (open == pattern.npos) break;
        size_t close = pattern.find('}', open);
        std::string_view label = pattern.substr(open + 1, close - open - 1);
        pattern.remove_prefix(close + 1);
        bool greedy = label.ends_with('+');
        if (greedy) label.remove_suffix(1);
        std::string text;
        for (const Member& member : structure.members) {
            const void* at = member.place == Place::kUri && member.wire == label ? member.Get(input) : nullptr;
            if (at != nullptr) text = WriteScalar(*member.shape, at, TimestampFormat::kIso8601);
        }
        if (text.empty()) {
            return base::Fail(base::ErrorCode::kInvalidArgument, std::string(label) + " must not be empty");
        }
        path += UriEncode(text, greedy);
    }
    return path;
}

}  // namespace

base::Result<WireRequest> MakeRestRequest(const Operation& operation, const void* input) {
    WireRequest request;
    request.method = operation.method;
    size_t question = operation.uri.find('?');
    ASSIGN_OR_RETURN(request.path, FillPath(operation.uri.substr(0, question), *operation.input, input));
    if (question != operation.uri.npos) request.query = operation.uri.substr(question + 1);
    for (const Member& member : operation.input->members) {
        const void* at = member.place == Place::kQuery ? member.Get(input) : nullptr;
        if (at != nullptr) WriteQueryMember(member, at, request.query);
    }
    // Headers are written the same way in both directions.
    WireResponse headers;
    WriteRestMembers(*operation.input, input, headers);
    request.headers = std::move(headers.headers);
    request.body = MakeByteStream({});
    return request;
}

base::Result<void> ReadRestAnswer(const Structure& output, const WireResponse& response, void* value) {
    WireRequest headers;
    headers.headers = response.headers;
    std::vector<std::string> missing;
    RETURN_IF_ERROR(ReadRestMembers(output, RestMatch(), headers, value, missing));
    for (const Member& member : output.members) {
        if (member.place == Place::kStatusCode) *static_cast<int32_t*>(member.Emplace(value)) = response.status;
    }
    return {};
}

bool TakeRawPayload(const Member& payload, void* input, WireRequest& request) {
    const Kind kind = payload.shape->kind;
    if (kind != Kind::kStream && kind != Kind::kBlob && kind != Kind::kString) return false;
    if (payload.Get(input) == nullptr) return true;
    void* at = const_cast<void*>(payload.Get(input));
    bool typed = false;
    for (const auto& [name, value] : request.headers) typed = typed || name == "content-type";
    if (!typed) {
        request.headers.emplace_back("content-type",
                                     kind == Kind::kString ? "text/plain" : "application/octet-stream");
    }
    if (kind == Kind::kStream) request.body = std::move(*static_cast<StreamBody*>(at));
    if (kind == Kind::kBlob) request.body = MakeByteStream(std::move(static_cast<Blob*>(at)->bytes));
    if (kind == Kind::kString) request.body = MakeByteStream(std::move(*static_cast<std::string*>(at)));
    return true;
}

bool PutRawPayload(const Member& payload, base::Bytes body, void* output) {
    if (payload.shape->kind == Kind::kBlob) {
        static_cast<Blob*>(payload.Emplace(output))->bytes = std::move(body);
        return true;
    }
    if (payload.shape->kind == Kind::kString) {
        *static_cast<std::string*>(payload.Emplace(output)) = std::move(body);
        return true;
    }
    return false;
}

}  // namespace wellhead::api
