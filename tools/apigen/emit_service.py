"""api.h: the interface; service.h, client.h: its two bindings; model.cc, operations_N.cc: what carries them."""

from emit_types import NOTICE
from model import quote

OPERATIONS_PER_FILE = 24
PROTOCOLS = {"json": "kJson", "rest-json": "kRestJson", "rest-xml": "kRestXml", "query": "kQuery"}


def open_namespace(model):
    return f"namespace wellhead::apis::{model.namespace} {{\n\n"


def close_namespace(model):
    return f"}}  // namespace wellhead::apis::{model.namespace}\n"


def api_header(model):
    text = "#pragma once\n" + NOTICE.format(name=model.name)
    text += f"""// {model.metadata.get('serviceId', model.name)} as an interface. An implementation overrides what it serves;
// the rest answers that the operation is not served.

#include "api/service.h"
#include "apis/{model.folder}/types.h"

namespace wellhead::api {{
class Invoker;
}}

"""
    text += open_namespace(model)
    text += f"// All methods thread-safe. The context outlives the call.\nclass {model.api} {{\n  public:\n"
    text += f"    {model.api}() = default;\n    virtual ~{model.api}() = default;\n"
    for op in model.operations:
        text += f"    virtual env::Task<api::Outcome<{op.output}>> {op.name}(\n"
        text += f"        const api::CallContext& context, {op.input} input);\n"
    text += f"\n  protected:\n    explicit {model.api}(api::Invoker* invoker) : invoker_(invoker) {{}}\n"
    text += "\n  private:\n    api::Invoker* invoker_ = nullptr;\n};\n\n"
    return text + close_namespace(model)


def service_header(model):
    text = "#pragma once\n" + NOTICE.format(name=model.name)
    text += f"""
#include <memory>

#include "api/wire.h"
#include "apis/{model.folder}/api.h"

"""
    text += open_namespace(model)
    text += f"// The service outlives neither api nor anything it borrows.\nstd::unique_ptr<api::Service> MakeService({model.api}& api);\n\n"
    return text + close_namespace(model)


def client_header(model):
    text = "#pragma once\n" + NOTICE.format(name=model.name)
    text += f"""
#include <memory>
#include <string>

#include "api/wire.h"
#include "apis/{model.folder}/api.h"

"""
    text += open_namespace(model)
    text += f"""// Calls go out through transport, which outlives the client. A failure to send is an error with code
// "ServiceUnavailable" and status 503, or "RequestTimeout" and 408.
std::unique_ptr<{model.api}> MakeClient(api::Transport& transport, std::string region);

"""
    return text + close_namespace(model)


def operations_header(model):
    text = "#pragma once\n" + NOTICE.format(name=model.name)
    text += '\n#include "api/shape.h"\n\n'
    text += open_namespace(model)
    text += f"extern const api::Operation kOperations[{len(model.operations)}];\nextern const api::Model kModel;\n\n"
    return text + close_namespace(model)


def operation_chunks(model):
    count = max(1, (len(model.operations) + OPERATIONS_PER_FILE - 1) // OPERATIONS_PER_FILE)
    size = (len(model.operations) + count - 1) // count
    numbered = list(enumerate(model.operations))
    return [numbered[i * size:(i + 1) * size] for i in range(count)]


def operation_sources(model):
    texts = []
    for number, chunk in enumerate(operation_chunks(model)):
        text = NOTICE.format(name=model.name)
        text += f'#include "api/call.h"\n#include "apis/{model.folder}/api.h"\n'
        text += f'#include "apis/{model.folder}/operations.h"\n\n'
        text += open_namespace(model)
        for index, op in chunk:
            text += f"env::Task<api::Outcome<{op.output}>> {model.api}::{op.name}(\n"
            text += f"    const api::CallContext& context, {op.input} input) {{\n"
            text += f"    return api::Forward<{op.output}>(invoker_, kOperations[{index}], context, std::move(input));\n}}\n"
        text += f"\nextern const api::CallFunction kCalls{number}[] = {{\n"
        for _, op in chunk:
            text += f"    api::CallMethod<{model.api}, {op.input}, {op.output}, &{model.api}::{op.name}>,\n"
        text += "};\n\n"
        texts.append(text + close_namespace(model))
    return texts


def operation_row(model, op):
    http = op.facts.get("http", {})
    fields = [f".name = {quote(op.name)}", f".method = {quote(http.get('method', 'POST'))}",
              f".uri = {quote(http.get('requestUri', '/'))}"]
    if http.get("responseCode", 200) != 200:
        fields.append(f".status = {http['responseCode']}")
    if op.facts.get("unsigned"):
        fields.append(".unsigned_allowed = true")
    fields.append(f".input = &shapes::{op.input}_structure")
    fields.append(f".output = &shapes::{op.output}_structure")
    given = op.facts.get("input", {})
    if "locationName" in given:
        fields.append(f".input_xml_name = {quote(given['locationName'])}")
    if "xmlNamespace" in given:
        fields.append(f".input_xml_namespace = {quote(given['xmlNamespace']['uri'])}")
    if "resultWrapper" in op.facts.get("output", {}):
        fields.append(f".result_wrapper = {quote(op.facts['output']['resultWrapper'])}")
    return "{" + ", ".join(fields) + "}"


def tables(model):
    text = f"constinit const api::Operation kOperations[{len(model.operations)}] = {{\n"
    text += "".join(f"    {operation_row(model, op)},\n" for op in model.operations) + "};\n\n"
    text += "namespace {\n"
    if model.unserved:
        text += "constinit const api::Unserved kUnserved[] = {\n"
        for name, route in model.unserved.items():
            method, _, uri = route.partition(" ")
            text += f"    {{{quote(name)}, {quote(method)}, {quote(uri)}}},\n"
        text += "};\n\n"
    if model.errors():
        text += "constinit const api::ErrorShape kErrors[] = {\n"
        seen = set()
        for code, status, message in model.errors().values():
            if code not in seen:
                seen.add(code)
                text += f"    {{{quote(code)}, {status}, {quote(message)}}},\n"
        text += "};\n"
    text += "}  // namespace\n\n"
    return text


def model_table(model):
    metadata = model.metadata
    fields = [("name", quote(model.name)), ("protocol", f"api::Protocol::{PROTOCOLS[metadata['protocol']]}"),
              ("signing_name", quote(metadata.get("signingName", metadata["endpointPrefix"])))]
    for key, field in (("targetPrefix", "target_prefix"), ("jsonVersion", "json_version"),
                       ("apiVersion", "api_version"), ("xmlNamespace", "xml_namespace")):
        if key in metadata:
            value = metadata[key]
            fields.append((field, quote(value["uri"] if isinstance(value, dict) else value)))
    fields.append(("validation_error", quote(model.validation_error)))
    if not model.strict_enums:
        fields.append(("strict_enums", "false"))
    fields.append(("operations", "kOperations"))
    if model.unserved:
        fields.append(("unserved", "kUnserved"))
    if model.errors():
        fields.append(("errors", "kErrors"))
    body = "".join(f"    .{key} = {value},\n" for key, value in fields)
    return f"constinit const api::Model kModel = {{\n{body}}};\n\n"


def model_source(model):
    chunks = operation_chunks(model)
    text = NOTICE.format(name=model.name)
    text += f'#include "api/call.h"\n#include "apis/{model.folder}/client.h"\n'
    text += f'#include "apis/{model.folder}/operations.h"\n#include "apis/{model.folder}/service.h"\n'
    text += f'#include "apis/{model.folder}/shapes.h"\n\n'
    text += open_namespace(model)
    text += tables(model) + model_table(model)
    for number, chunk in enumerate(chunks):
        text += f"extern const api::CallFunction kCalls{number}[{len(chunk)}];\n"
    text += f"""
std::unique_ptr<api::Service> MakeService({model.api}& api) {{
    std::vector<api::CallFunction> calls;
"""
    for number in range(len(chunks)):
        text += f"    calls.insert(calls.end(), std::begin(kCalls{number}), std::end(kCalls{number}));\n"
    text += f"""    return api::Bind(kModel, std::move(calls), &api);
}}

namespace {{

class RemoteClient final : public {model.api} {{
  public:
    explicit RemoteClient(std::unique_ptr<api::Invoker> invoker)
        : {model.api}(invoker.get()), owned_(std::move(invoker)) {{}}

  private:
    std::unique_ptr<api::Invoker> owned_;
}};

}}  // namespace

std::unique_ptr<{model.api}> MakeClient(api::Transport& transport, std::string region) {{
    return std::make_unique<RemoteClient>(api::MakeRemoteInvoker(kModel, transport, std::move(region)));
}}

"""
    return text + close_namespace(model)
