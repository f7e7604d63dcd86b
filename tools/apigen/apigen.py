#!/usr/bin/env python3
"""Generates C++ from the facts of an AWS API (apis/<service>.json).

    apigen.py FACTS --corrections FILE --out DIR    writes DIR/apis/<name>/*
    apigen.py FACTS --corrections FILE --list       prints the .cc files that would be written

The output is a function of the input alone. A file is touched only when its contents change.
"""

import argparse
import json
import pathlib
import sys

import emit_shapes
import emit_types
import emit_service
from model import Model


def outputs(model):
    files = {}
    files["types.h"] = emit_types.types_header(model)
    files["errors.h"] = emit_types.errors_header(model)
    files["errors.cc"] = emit_types.errors_source(model)
    files["shapes.h"] = emit_shapes.header(model)
    for index, text in enumerate(emit_shapes.sources(model)):
        files[f"shapes_{index}.cc"] = text
    files["api.h"] = emit_service.api_header(model)
    files["service.h"] = emit_service.service_header(model)
    files["client.h"] = emit_service.client_header(model)
    files["operations.h"] = emit_service.operations_header(model)
    files["model.cc"] = emit_service.model_source(model)
    for index, text in enumerate(emit_service.operation_sources(model)):
        files[f"operations_{index}.cc"] = text
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=pathlib.Path)
    parser.add_argument("--corrections", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    corrections = {}
    if arguments.corrections:
        corrections = json.loads(arguments.corrections.read_text(encoding="utf-8"))
    name = arguments.facts.stem
    facts = json.loads(arguments.facts.read_text(encoding="utf-8"))
    model = Model(name, facts, corrections.get(name, {}))
    files = outputs(model)
    if arguments.list:
        print("\n".join(file for file in files if file.endswith(".cc")))
        return
    if not arguments.out:
        sys.exit("apigen: --out or --list")
    folder = arguments.out / "apis" / model.folder
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        path = folder / file
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
