"""The facts of one API as the generator sees them: names, C++ types, order of declaration, what is recursive."""

import re

KEYWORDS = set("""alignas alignof and asm auto bool break case catch char class const constexpr continue default delete
do double else enum explicit export extern false float for friend goto if inline int long mutable namespace new
noexcept not nullptr operator or private protected public register return short signed sizeof static struct switch
template this throw true try typedef typeid typename union unsigned using virtual void volatile while xor""".split())

SCALARS = {"string": "std::string", "character": "std::string", "integer": "int32_t", "long": "int64_t",
           "float": "double", "double": "double", "boolean": "bool", "blob": "api::Blob",
           "timestamp": "api::Timestamp"}
DEFAULTS = {"int32_t": " = 0", "int64_t": " = 0", "double": " = 0", "bool": " = false"}


class ModelError(Exception):
    pass


def pascal(name):
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name) if part)


def merge(base, patch):
    """Applies a correction: dictionaries merge, null removes, anything else replaces."""
    for key, value in patch.items():
        if value is None:
            base.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value


class Operation:
    def __init__(self, name, facts, input_shape, output_shape):
        self.name = name
        self.facts = facts
        self.input = input_shape
        self.output = output_shape


class Model:
    def __init__(self, name, facts, corrections):
        merge(facts, corrections.get("patch", {}))
        self.name = name
        self.folder = name.replace("-", "_")
        self.namespace = self.folder
        self.api = pascal(name) + "Api"
        self.metadata = facts["metadata"]
        self.shapes = facts["shapes"]
        self.unserved = facts.get("unserved", {})
        self.validation_error = corrections.get("validation_error", "ValidationException")
        self.strict_enums = corrections.get("strict_enums", True)
        self.extra_errors = corrections.get("errors", {})
        self.operations = [self._operation(name, op) for name, op in sorted(facts["operations"].items())]
        self.structures = self._reachable_structures()
        self.component = self._components()
        self.ordered = self._order()
        self.constrained = self._constrained()

    def _operation(self, name, facts):
        shapes = []
        for part in ("input", "output"):
            if part in facts:
                shapes.append(facts[part]["shape"])
                continue
            made = f"{name}{part.capitalize()}"
            self.shapes.setdefault(made, {"type": "structure", "members": {}})
            if self.shapes[made]["type"] != "structure" or self.shapes[made]["members"]:
                raise ModelError(f"{made} is taken")
            shapes.append(made)
        return Operation(name, facts, *shapes)

    # What a shape refers to directly.
    def references(self, name):
        shape = self.shapes[name]
        found = [member["shape"] for member in shape.get("members", {}).values()]
        found += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
        return found

    def reachable(self):
        seen, queue = set(), [s for op in self.operations for s in (op.input, op.output)]
        while queue:
            name = queue.pop()
            if name not in seen:
                seen.add(name)
                queue += self.references(name)
        return seen

    def is_structure(self, name):
        shape = self.shapes[name]
        return shape["type"] == "structure" and not shape.get("document")

    def is_event_stream(self, name):
        return bool(self.shapes[name].get("eventstream"))

    def _reachable_structures(self):
        return [name for name in sorted(self.reachable())
                if self.is_structure(name) and not self.shapes[name].get("exception")
                and not self.is_event_stream(name)]

    def struct_edges(self, name):
        """The structures below a structure, through lists and maps."""
        found, queue, seen = [], self.references(name), set()
        while queue:
            at = queue.pop(0)
            if at in seen:
                continue
            seen.add(at)
            if self.is_structure(at):
                if self.is_event_stream(at):
                    queue += self.events_of(at)
                elif not self.shapes[at].get("exception"):
                    found.append(at)
            else:
                queue += self.references(at)
        return found

    def _components(self):
        """Tarjan's strongly connected components: structure -> component number."""
        index, low, stack, on, component = {}, {}, [], set(), {}

        def visit(node):
            index[node] = low[node] = len(index)
            stack.append(node)
            on.add(node)
            for below in self.struct_edges(node):
                if below not in index:
                    visit(below)
                    low[node] = min(low[node], low[below])
                elif below in on:
                    low[node] = min(low[node], index[below])
            if low[node] == index[node]:
                while True:
                    top = stack.pop()
                    on.discard(top)
                    component[top] = index[node]
                    if top == node:
                        break

        for name in self.structures:
            if name not in index:
                visit(name)
        return component

    def _order(self):
        done, out = set(), []

        def visit(node):
            if node in done:
                return
            done.add(node)
            for below in self.struct_edges(node):
                visit(below)
            out.append(node)

        for name in self.structures:
            visit(name)
        return out

    def recursive(self, owner, shape):
        """A direct member of this shape closes a cycle and is boxed."""
        return self.is_structure(shape) and self.component.get(owner) == self.component.get(shape)

    def _constrained(self):
        """The shapes that have a constraint in or below them."""
        names = sorted(self.reachable())
        marked = {name for name in names if self.has_constraint(name) or self.shapes[name].get("union")}
        while True:
            more = {name for name in names if name not in marked
                    and any(below in marked for below in self.references(name))}
            if not more:
                return marked
            marked |= more

    def has_constraint(self, name):
        return any(key in self.shapes[name] for key in ("min", "max", "pattern", "enum"))

    def events_of(self, name):
        """The structures that are events of an event stream; its exceptions are errors."""
        return [member["shape"] for member in self.shapes[name]["members"].values()
                if not self.shapes[member["shape"]].get("exception")]

    def cpp_type(self, name):
        shape = self.shapes[name]
        kind = shape["type"]
        if shape.get("document"):
            return "api::Document"
        if kind == "structure":
            return f"{self.namespace}::{name}"
        if kind == "list":
            element = self.cpp_type(shape["member"]["shape"])
            if element == "bool":
                raise ModelError(f"{name}: a list of booleans is not supported")
            return f"std::vector<{element}>"
        if kind == "map":
            return f"std::map<std::string, {self.cpp_type(shape['value']['shape'])}>"
        if kind not in SCALARS:
            raise ModelError(f"{name}: unknown type {kind}")
        return SCALARS[kind]

    def member_type(self, owner, member_name):
        """(C++ type of the member, HoldOps expression or None)."""
        shape = self.shapes[owner]
        member = shape["members"][member_name]
        target = self.shapes[member["shape"]]
        if target["type"] == "blob" and (member.get("streaming") or target.get("streaming")):
            return "api::StreamBody", "api::kStreamHold<api::StreamBody>"
        if self.is_event_stream(member["shape"]):
            type_name = f"api::EventStream<{self.namespace}::{member['shape']}>"
            return type_name, f"api::kStreamHold<{type_name}>"
        value = self.cpp_type(member["shape"])
        if self.recursive(owner, member["shape"]):
            return f"std::shared_ptr<{value}>", f"api::kBoxed<{value}>"
        if member_name in shape.get("required", []):
            return value, None
        return f"std::optional<{value}>", f"api::kOptional<{value}>"

    def field(self, member_name):
        return member_name + "_" if member_name in KEYWORDS else member_name

    def errors(self):
        """Shape or code name -> (code, status, message member), of modelled and added errors."""
        found = {}
        for name, shape in self.shapes.items():
            if not shape.get("exception"):
                continue
            error = shape.get("error", {})
            status = error.get("httpStatusCode", 500 if shape.get("fault") else 400)
            message = next((m for m in shape.get("members", {}) if m.lower() == "message"), "message")
            found[name] = (error.get("code", name), status, message)
        for name, status in self.extra_errors.items():
            found[name] = (name, status, "message")
        return dict(sorted(found.items()))


def constant_name(value):
    """kCreating for CREATING, kS3ObjectCreatedAll for s3:ObjectCreated:*."""
    out = ""
    for part in re.findall(r"[A-Za-z0-9]+|\*", value):
        if part == "*":
            part = "All"
        elif part.upper() == part:
            part = part[:1] + part[1:].lower()
        if out and out[-1].isdigit() and part[0].isdigit():
            out += "_"
        out += part[:1].upper() + part[1:]
    return "k" + (out or "Empty")


def enum_constants(values):
    used, out = {"kValues"}, []
    for value in values:
        name = constant_name(value)
        while name in used:
            name += "_"
        used.add(name)
        out.append((name, value))
    return out


def quote(text):
    """A C++ string literal, ASCII only."""
    out = '"'
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out += "\\" + char
        elif 32 <= byte < 127:
            out += char
        else:
            out += f"\\{byte:03o}"
    return out + '"'
