// Remote clients of the query protocol: a form out, XML back.

#include "api/remote_query.h"

#include <fmt/format.h>

#include "api/remote.h"
#include "api/uri.h"
#include "api/xml_shape.h"
#include "codec/form.h"
#include "codec/xml.h"

namespace wellhead::api {

namespace {

void AddField(const std::string& name, std::string_view value, std::string& form) {
    if (!form.empty()) form += '&';
    form += codec::PercentEncode(name);
    form += '=';
    form += codec::PercentEncode(value);
}

void WriteMembers(const Structure& structure, const void* value, const std::string& prefix, std::string& form);
void WriteValue(const Shape& shape, const void* value, bool flattened, const std::string& name, std::string& form);

struct EntryWriting {
    const MapType* map;
    const std::string* base;
    std::string* form;
    size_t index = 0;
};

void WriteEntry(void* state, const std::string& key, const void* value) {
    auto& writing = *static_cast<EntryWriting*>(state);
    std::string entry = fmt::format("{}.{}", *writing.base, ++writing.index);
    AddField(fmt::format("{}.{}", entry, writing.map->key_name), key, *writing.form);
    WriteValue(*writing.map->value, value, false, fmt::format("{}.{}", entry, writing.map->value_name), *writing.form);
}

void WriteList(const ListType& list, const void* value, bool flattened, const std::string& name, std::string& form) {
    std::string base = name;
    if (!flattened) base += fmt::format(".{}", list.element_name);
    size_t size = list.ops->size(value);
    // An empty list is its bare name.
    if (size == 0) AddField(name, "", form);
    for (size_t i = 0; i < size; ++i) {
        WriteValue(*list.element, list.ops->at(value, i), false, fmt::format("{}.{}", base, i + 1), form);
    }
}

void WriteValue(const Shape& shape, const void* value, bool flattened, const std::string& name, std::string& form) {
    switch (shape.kind) {
        case Kind::kStructure: WriteMembers(*shape.structure, value, name + ".", form); return;
        case Kind::kList: WriteList(*shape.list, value, flattened || shape.list->flattened, name, form); return;
        case Kind::kMap: {
            std::string base = flattened || shape.map->flattened ? name : name + ".entry";
            EntryWriting writing{shape.map, &base, &form};
            shape.map->ops->each(value, &writing, WriteEntry);
            return;
        }
        default: AddField(name, WriteScalar(shape, value, TimestampFormat::kIso8601), form); return;
    }
}

void WriteMembers(const Structure& structure, const void* value, const std::string& prefix, std::string& form) {
    for (const Member& member : structure.members) {
        const void* at = member.Get(value);
        if (at == nullptr) continue;
        WriteValue(*member.shape, at, member.flattened, prefix + std::string(member.wire), form);
    }
}

class QueryInvoker final : public Invoker {
  public:
    QueryInvoker(const Model& model, Transport& transport) : model_(model), transport_(transport) {}

    env::Task<Outcome<void>> Invoke(const Operation& operation, const CallContext&, void* input,
                                    void* output) override {
        WireRequest request;
        request.method = "POST";
        request.path = "/";
        request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
        std::string form;
        AddField("Action", operation.name, form);
        AddField("Version", model_.api_version, form);
        WriteMembers(*operation.input, input, "", form);
        request.body = MakeByteStream(std::move(form));
        auto response = co_await transport_.Send(model_.signing_name, std::move(request));
        if (!response) co_return std::unexpected(TransportError(response.error()));
        auto body = co_await BodyOf(*response);
        if (!body) co_return std::unexpected(TransportError(body.error()));
        auto root = codec::ParseXml(*body);
        if (response->status >= 300) {
            co_return std::unexpected(ErrorOf(response->status, root ? &*root : nullptr));
        }
        if (!root) co_return std::unexpected(RemoteError(502, "SerializationException", root.error().message));
        std::string wrapper = operation.result_wrapper.empty() ? fmt::format("{}Result", operation.name)
                                                               : std::string(operation.result_wrapper);
        const codec::XmlElement* result = root->Child(wrapper);
        if (result == nullptr) co_return Outcome<void>();
        std::vector<std::string> missing;
        auto read = ReadXmlMembers(*result, *operation.output, output, "", missing);
        if (!read) co_return std::unexpected(RemoteError(502, "SerializationException", read.error().message));
        co_return Outcome<void>();
    }

  private:
    static ServiceError ErrorOf(int status, const codec::XmlElement* root) {
        const codec::XmlElement* error = root == nullptr ? nullptr : root->Child("Error");
        auto text = [&](std::string_view name) -> std::string_view {
            const codec::XmlElement* child = error == nullptr ? nullptr : error->Child(name);
            return child == nullptr ? std::string_view() : std::string_view(child->text);
        };
        return RemoteError(status, text("Code"), text("Message"));
    }

    const Model& model_;
    Transport& transport_;
};

}  // namespace

std::unique_ptr<Invoker> MakeQueryInvoker(const Model& model, Transport& transport) {
    return std::make_unique<QueryInvoker>(model, transport);
}

}  // namespace wellhead::api
