"""shapes.h, shapes_N.cc: the constant tables of src/api/shape.h."""

from emit_types import NOTICE
from model import ModelError, quote

SHAPES_PER_FILE = 120
KINDS = {"string": "kString", "character": "kString", "integer": "kInteger", "long": "kLong", "float": "kDouble",
         "double": "kDouble", "boolean": "kBoolean", "blob": "kBlob", "timestamp": "kTimestamp", "list": "kList",
         "map": "kMap", "structure": "kStructure"}
PLACES = {"uri": "kUri", "querystring": "kQuery", "header": "kHeader", "headers": "kHeaderMap",
          "statusCode": "kStatusCode"}
FORMATS = {"iso8601": "kIso8601", "rfc822": "kHttpDate", "unixTimestamp": "kEpochSeconds"}


def own_shape(model, name):
    """Whether the shape gets a table of its own; other scalars share api::shapes::k<Kind>."""
    shape = model.shapes[name]
    return shape["type"] in ("list", "map", "structure") or model.has_constraint(name) or "timestampFormat" in shape


def shape_reference(model, member):
    name = member["shape"]
    shape = model.shapes[name]
    if shape["type"] == "blob" and (member.get("streaming") or shape.get("streaming")):
        return "&api::shapes::kStream"
    if shape.get("document"):
        return "&api::shapes::kDocument"
    if shape["type"] == "timestamp" and "timestampFormat" in member:
        return "&api::shapes::" + FORMATS[member["timestampFormat"]].replace("k", "kTimestamp", 1)
    if not own_shape(model, name):
        return "&api::shapes::" + KINDS[shape["type"]]
    return f"&shapes::{name}"


def tables(model):
    return [name for name in sorted(model.reachable())
            if own_shape(model, name) and not model.shapes[name].get("document")
            and not model.shapes[name].get("exception")]


def header(model):
    text = "#pragma once\n" + NOTICE.format(name=model.name)
    text += '\n#include "api/shape.h"\n\n'
    text += f"namespace wellhead::apis::{model.namespace}::shapes {{\n\n"
    text += "".join(f"extern const api::Shape {name};\n" for name in tables(model))
    text += "\n".join(["", *(f"extern const api::Structure {name}_structure;" for name in model.structures), ""])
    return text + f"\n}}  // namespace wellhead::apis::{model.namespace}::shapes\n"


def sources(model):
    names = tables(model)
    count = max(1, (len(names) + SHAPES_PER_FILE - 1) // SHAPES_PER_FILE)
    size = (len(names) + count - 1) // count
    return [source(model, names[i * size:(i + 1) * size]) for i in range(count)]


def source(model, names):
    text = NOTICE.format(name=model.name)
    text += f'#include "apis/{model.folder}/shapes.h"\n\n'
    text += '#include <cstddef>\n\n#include "api/pattern.h"\n#include "api/shape_ops.h"\n'
    if any(model.is_event_stream(reference) for name in names for reference in [name, *model.references(name)]):
        text += '#include "api/event_ops.h"\n'
    if any(model.member_type(name, member)[0] == "api::StreamBody" for name in names if name in model.structures
           for member in model.shapes[name]["members"]):
        text += '#include "api/service.h"\n'
    text += '#include "api/standard_shapes.h"\n'
    text += f'#include "apis/{model.folder}/types.h"\n\n'
    text += '#pragma GCC diagnostic ignored "-Winvalid-offsetof"\n\n'
    text += f"namespace wellhead::apis::{model.namespace} {{\n\n"
    patterns = {}
    for name in names:
        pattern = model.shapes[name].get("pattern")
        if pattern is not None and pattern not in patterns:
            patterns[pattern] = f"pattern_{len(patterns)}"
    if patterns:
        text += "namespace {\n"
        for pattern, variable in patterns.items():
            text += f"constinit api::Pattern {variable}({quote(pattern)});\n"
        text += "}  // namespace\n\n"
    for name in names:
        text += table(model, name, patterns)
    return text + f"}}  // namespace wellhead::apis::{model.namespace}\n"


def table(model, name, patterns):
    shape = model.shapes[name]
    text = ""
    fields = [("kind", f"api::Kind::{KINDS[shape['type']]}")]
    if "timestampFormat" in shape:
        fields.append(("timestamp", f"api::TimestampFormat::{FORMATS[shape['timestampFormat']]}"))
    if name in model.constrained:
        fields.append(("constrained", "true"))
    fields.append(("name", quote(name)))
    if model.has_constraint(name):
        text += constraint(model.namespace, name, shape, patterns)
        fields.append(("constraint", f"&{name}_constraint"))
    if model.is_event_stream(name):
        text += event_stream(model, name)
        fields[0] = ("kind", "api::Kind::kEventStream")
        fields.append(("events", f"&{name}_events"))
    elif shape["type"] == "structure":
        text += structure(model, name)
        fields.append(("structure", f"&shapes::{name}_structure"))
    elif shape["type"] == "list":
        text += list_type(model, name)
        fields.append(("list", f"&{name}_list"))
    elif shape["type"] == "map":
        text += map_type(model, name)
        fields.append(("map", f"&{name}_map"))
    body = ", ".join(f".{key} = {value}" for key, value in fields)
    return text + f"constinit const api::Shape shapes::{name} = {{{body}}};\n\n"


def limit(name, value):
    if isinstance(value, float):
        if value != int(value):
            raise ModelError(f"{name}: a fraction as a limit")
        value = int(value)
    return f"{value}LL"


def constraint(namespace, name, shape, patterns):
    fields = [f".{key} = {limit(name, shape[key])}" for key in ("min", "max") if key in shape]
    if "pattern" in shape:
        fields.append(f".pattern = &{patterns[shape['pattern']]}")
    if "enum" in shape:
        fields.append(f".values = {namespace}::{name}::kValues")
    return f"static constinit const api::Constraint {name}_constraint = {{{', '.join(fields)}}};\n"


def structure(model, name):
    shape = model.shapes[name]
    rows = [member_row(model, name, member) for member in shape["members"]]
    text = ""
    if len(rows) > 128:
        raise ModelError(f"{name}: more than 128 members")
    if rows:
        text += f"static constinit const api::Member {name}_members[] = {{\n"
        text += "".join(f"    {row},\n" for row in rows) + "};\n"
    fields = [f".name = {quote(name)}"]
    if rows:
        fields.append(f".members = {name}_members")
    if "payload" in shape:
        fields.append(f".payload = {list(shape['members']).index(shape['payload'])}")
    if shape.get("union"):
        fields.append(".is_union = true")
    if any("location" not in member for member in shape["members"].values()):
        fields.append(".has_body = true")
    if "locationName" in shape:
        fields.append(f".xml_name = {quote(shape['locationName'])}")
    if "xmlNamespace" in shape:
        fields.append(f".xml_namespace = {quote(shape['xmlNamespace']['uri'])}")
    fields.append(f".create = api::CreateValue<{model.namespace}::{name}>, "
                  f".destroy = api::DestroyValue<{model.namespace}::{name}>")
    return text + f"constinit const api::Structure shapes::{name}_structure = {{{', '.join(fields)}}};\n"


def member_row(model, owner, member_name):
    shape = model.shapes[owner]
    member = shape["members"][member_name]
    place = PLACES[member["location"]] if "location" in member else "kBody"
    wire = member.get("locationName", member_name)
    if place in ("kHeader", "kHeaderMap"):
        wire = wire.lower()
    target = model.shapes[member["shape"]]
    _, hold = model.member_type(owner, member_name)
    fields = [f".name = {quote(member_name)}", f".wire = {quote(wire)}", f".shape = {shape_reference(model, member)}",
              f".offset = offsetof({model.namespace}::{owner}, {model.field(member_name)})"]
    if hold:
        fields.append(f".hold = &{hold}")
    if place != "kBody":
        fields.append(f".place = api::Place::{place}")
    if member_name in shape.get("required", []):
        fields.append(".required = true")
    if member.get("flattened") or target.get("flattened"):
        fields.append(".flattened = true")
    for key, field in (("xmlAttribute", "xml_attribute"), ("jsonvalue", "json_value"),
                       ("idempotencyToken", "idempotency_token")):
        if member.get(key):
            fields.append(f".{field} = true")
    namespace = member.get("xmlNamespace", target.get("xmlNamespace"))
    if namespace:
        if "prefix" in namespace:
            fields.append(f".xml_prefix = {quote(namespace['prefix'])}")
        fields.append(f".xml_namespace = {quote(namespace['uri'])}")
    return "{" + ", ".join(fields) + "}"


def list_type(model, name):
    shape = model.shapes[name]
    element = shape["member"]
    fields = [f".element = {shape_reference(model, element)}",
              f".element_name = {quote(element.get('locationName', '' if shape.get('flattened') else 'member'))}"]
    if shape.get("flattened"):
        fields.append(".flattened = true")
    fields.append(f".ops = &api::kListOps<{model.cpp_type(element['shape'])}>")
    return f"static constinit const api::ListType {name}_list = {{{', '.join(fields)}}};\n"


def map_type(model, name):
    shape = model.shapes[name]
    fields = [f".key = {shape_reference(model, shape['key'])}", f".value = {shape_reference(model, shape['value'])}",
              f".key_name = {quote(shape['key'].get('locationName', 'key'))}",
              f".value_name = {quote(shape['value'].get('locationName', 'value'))}"]
    if shape.get("flattened"):
        fields.append(".flattened = true")
    fields.append(f".ops = &api::kMapOps<{model.cpp_type(shape['value']['shape'])}>")
    return f"static constinit const api::MapType {name}_map = {{{', '.join(fields)}}};\n"


def event_stream(model, name):
    events = set(model.events_of(name))
    rows = [(member, reference["shape"]) for member, reference in model.shapes[name]["members"].items()
            if reference["shape"] in events]
    text = f"static constinit const api::EventType {name}_event_types[] = {{\n"
    text += "".join(f"    {{{quote(member)}, &shapes::{target}_structure}},\n" for member, target in rows) + "};\n"
    return text + (f"static constinit const api::EventStreamType {name}_events = "
                   f"{{{name}_event_types, &api::kEventOps<{name}>}};\n")
