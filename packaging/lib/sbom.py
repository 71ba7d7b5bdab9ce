"""The parts of the program, as CycloneDX 1.5 in JSON."""

import hashlib
import json
import uuid
from datetime import datetime, timezone
from urllib.parse import quote


def write(release, parts, folder):
    binary = hashlib.sha256(release.binary.read_bytes()).hexdigest()
    (root,) = [part for part in parts.values() if part.name == "gangplank"]
    program = component(root, "application")
    program["version"] = release.version
    program["hashes"] = [{"alg": "SHA-256", "content": binary}]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # The same program gets the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{root.repository}#{release.stem}-{binary}')}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(release.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": program,
            "properties": [{"name": "cargo:target", "value": release.target}],
        },
        "components": [component(part, "library") for part in parts.values() if part is not root],
        "dependencies": [
            {"ref": reference(part), "dependsOn": [reference(parts[need]) for need in part.needs]}
            for part in parts.values()
        ],
    }
    (folder / f"{release.stem}.cdx.json").write_text(json.dumps(document, indent=1) + "\n")


def component(part, kind):
    about = {
        "type": kind,
        "bom-ref": reference(part),
        "name": part.name,
        "version": part.version,
        "licenses": [{"expression": part.licence}],
    }
    if part.description:
        about["description"] = " ".join(part.description.split())
    if part.sha256:
        about["purl"] = reference(part)
        about["hashes"] = [{"alg": "SHA-256", "content": part.sha256}]
    if part.repository:
        about["externalReferences"] = [{"type": "vcs", "url": part.repository}]
    return about


def reference(part):
    return f"pkg:cargo/{quote(part.name)}@{quote(part.version)}"
