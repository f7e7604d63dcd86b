#!/usr/bin/env python3
"""Makes apis/<service>.json, the facts of an AWS API, from the data directory of a botocore release.

    apis/import.py <site-packages>/botocore/data [service ...]

Takes the operations that operations.json names and the shapes reachable from them; no prose. The names (and for REST
APIs the routes) of all other operations are kept as "unserved", so that a call of one is refused by its name.
"""

import gzip
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

METADATA = ["apiVersion", "endpointPrefix", "jsonVersion", "protocol", "serviceId", "signingName", "targetPrefix",
            "xmlNamespace"]
SHAPE = ["type", "required", "min", "max", "pattern", "enum", "payload", "streaming", "eventstream", "event", "union",
         "exception", "document", "flattened", "timestampFormat", "xmlNamespace", "locationName", "wrapper", "sparse"]
REFERENCE = ["shape", "location", "locationName", "streaming", "flattened", "xmlNamespace", "xmlAttribute", "jsonvalue",
             "idempotencyToken", "timestampFormat", "eventpayload", "eventheader"]


def load(data, service):
    versions = sorted(p for p in (data / service).iterdir() if p.is_dir())
    with gzip.open(versions[-1] / "service-2.json.gz") as file:
        return json.load(file)


def pick(source, keys):
    return {key: source[key] for key in keys if key in source and source[key] is not False}


def namespace_of(value):
    return {"uri": value} if isinstance(value, str) else value


def reference(source):
    out = pick(source, REFERENCE)
    if "xmlNamespace" in out:
        out["xmlNamespace"] = namespace_of(out["xmlNamespace"])
    return out


def shape_facts(source):
    out = pick(source, SHAPE)
    if "xmlNamespace" in out:
        out["xmlNamespace"] = namespace_of(out["xmlNamespace"])
    if out.get("type") == "structure" and not source.get("document"):
        out["members"] = {name: reference(member) for name, member in source.get("members", {}).items()}
    for part in ("member", "key", "value"):
        if part in source:
            out[part] = reference(source[part])
    if source.get("exception"):
        error = pick(source.get("error", {}), ["code", "httpStatusCode", "senderFault"])
        if error:
            out["error"] = error
        if source.get("fault"):
            out["fault"] = True
    return out


def operation_facts(source):
    out = {"http": pick(source.get("http", {}), ["method", "requestUri", "responseCode"])}
    for part in ("input", "output"):
        if part in source:
            out[part] = pick(source[part], ["shape", "locationName", "resultWrapper"])
            if "xmlNamespace" in source[part]:
                out[part]["xmlNamespace"] = namespace_of(source[part]["xmlNamespace"])
    if source.get("errors"):
        out["errors"] = [error["shape"] for error in source["errors"]]
    if source.get("authtype") == "none":
        out["unsigned"] = True
    return out


def references_of(shape):
    for member in shape.get("members", {}).values():
        yield member["shape"]
    for part in ("member", "key", "value"):
        if part in shape:
            yield shape[part]["shape"]


def reachable(shapes, roots):
    seen, queue = set(), list(roots)
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue.extend(references_of(shapes[name]))
    return seen


def import_service(model, names):
    missing = sorted(set(names) - set(model["operations"]))
    if missing:
        sys.exit(f"not in the model: {', '.join(missing)}")
    operations = {name: operation_facts(model["operations"][name]) for name in sorted(names)}
    shapes = {name: shape_facts(shape) for name, shape in model["shapes"].items()}
    # Every error of the service is kept: they are few, and some are returned by operations that do not list them.
    roots = [name for name, shape in shapes.items() if shape.get("exception")]
    for operation in operations.values():
        roots += [operation[part]["shape"] for part in ("input", "output") if part in operation]
    keep = reachable(shapes, roots)
    rest = model["metadata"]["protocol"].startswith("rest")
    unserved = {}
    for name, operation in sorted(model["operations"].items()):
        if name not in operations:
            http = operation["http"]
            unserved[name] = f"{http['method']} {http['requestUri']}" if rest else ""
    return {"metadata": pick(model["metadata"], METADATA), "operations": operations,
            "shapes": {name: shapes[name] for name in sorted(keep)}, "unserved": unserved}


def write(path, facts):
    """One line an operation or shape: small, and a change reads well in a diff."""
    def line(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    parts = []
    for section in ("metadata", "unserved"):
        parts.append(f'"{section}":{line(facts[section])}')
    for section in ("operations", "shapes"):
        rows = ",\n".join(f'{line(name)}:{line(value)}' for name, value in facts[section].items())
        parts.append(f'"{section}":{{\n{rows}\n}}')
    path.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    data = pathlib.Path(arguments[0])
    operations = json.loads((HERE / "operations.json").read_text())
    for service in arguments[1:] or operations:
        write(HERE / f"{service}.json", import_service(load(data, service), operations[service]))


if __name__ == "__main__":
    main(sys.argv[1:])
