#!/usr/bin/env python3
"""Writes lightsail-shapes.json: the facts of botocore's Lightsail model that the descriptions of this crate are held
against. Names, types and constraints only; no documentation. Run by hand when a new botocore has been installed:

    python3 crates/api/tests/extract-shapes.py
"""

import gzip
import json
import os
import pathlib

import botocore

OPERATIONS = """
    CreateCertificate CreateContainerService CreateContainerServiceDeployment
    CreateContainerServiceRegistryLogin DeleteCertificate DeleteContainerImage DeleteContainerService
    GetCertificates GetContainerAPIMetadata GetContainerImages GetContainerLog
    GetContainerServiceDeployments GetContainerServiceMetricData GetContainerServicePowers GetContainerServices
    RegisterContainerImage TagResource UntagResource UpdateContainerService
""".split()
CONSTRAINTS = ("min", "max", "pattern", "enum")


def load():
    path = os.path.join(os.path.dirname(botocore.__file__), "data/lightsail/2016-11-28/service-2.json")
    with gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb") as file:
        return json.load(file)


def facts(shape):
    """The kept facts about one shape of the model."""
    kept = {"type": shape["type"]}
    kept |= {key: shape[key] for key in CONSTRAINTS if key in shape}
    kept |= {key: shape[key]["shape"] for key in ("member", "key", "value") if key in shape}
    if shape["type"] == "structure":
        required = shape.get("required", [])
        kept["members"] = [
            {"name": name, "shape": member["shape"], "required": name in required}
            for name, member in shape.get("members", {}).items()
        ]
    return kept


def collect(shapes, name, found):
    """Adds the shape of that name, and every shape that it contains."""
    if name in found:
        return
    found[name] = facts(shapes[name])
    parts = [member["shape"] for member in found[name].get("members", [])]
    parts += [found[name][key] for key in ("member", "key", "value") if key in found[name]]
    for part in parts:
        collect(shapes, part, found)


def main():
    model = load()
    found, operations = {}, {}
    for name in OPERATIONS:
        operation = model["operations"][name]
        operations[name] = {
            "input": operation["input"]["shape"],
            "output": operation["output"]["shape"],
            "errors": [error["shape"] for error in operation["errors"]],
        }
        collect(model["shapes"], operations[name]["input"], found)
        collect(model["shapes"], operations[name]["output"], found)

    lines = lambda entries: ",\n".join(f"{json.dumps(key)}: {json.dumps(entries[key])}" for key in entries)
    text = (
        f'{{"botocore": "{botocore.__version__}", "targetPrefix": "{model["metadata"]["targetPrefix"]}",\n'
        f'"operations": {{\n{lines(operations)}\n}},\n"shapes": {{\n{lines(found)}\n}}}}\n'
    )
    pathlib.Path(__file__).with_name("lightsail-shapes.json").write_text(text)


if __name__ == "__main__":
    main()
