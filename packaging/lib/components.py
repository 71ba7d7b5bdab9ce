"""The crates that a program consists of, as Cargo resolves them for its target."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from release import SOURCE, run


@dataclass
class Component:
    name: str
    version: str
    licence: str
    # Our own crates have none, because they were not downloaded.
    sha256: "str | None"
    folder: Path
    authors: list = field(default_factory=list)
    repository: "str | None" = None
    description: "str | None" = None
    # The keys of its dependencies.
    needs: list = field(default_factory=list)

    @property
    def key(self):
        return f"{self.name}@{self.version}"


def components_of(release):
    """All components by key, sorted; the program itself is "gangplank@..."."""
    told = json.loads(
        run(
            ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", release.target],
            cwd=SOURCE,
        )
    )
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    checksums = checksums_of((SOURCE / "Cargo.lock").read_text())
    (root,) = [id for id, package in packages.items() if package["name"] == "gangplank"]

    found, waiting = {}, [root]
    while waiting:
        id = waiting.pop()
        if id in found:
            continue
        package = packages[id]
        needs = [dependency["pkg"] for dependency in nodes[id]["deps"] if linked(dependency, packages)]
        waiting += needs
        found[id] = Component(
            package["name"],
            package["version"],
            (package["license"] or "NOASSERTION").replace("/", " OR "),
            checksums.get((package["name"], package["version"])),
            Path(package["manifest_path"]).parent,
            package["authors"],
            package["repository"],
            package["description"],
            sorted(f"{packages[need]['name']}@{packages[need]['version']}" for need in needs),
        )
    return {part.key: part for part in sorted(found.values(), key=lambda part: (part.name, part.version))}


def linked(dependency, packages):
    """Whether a dependency becomes a part of the program. Dependencies of tests and builds do not, and macros do not."""
    if all(kind["kind"] is not None for kind in dependency["dep_kinds"]):
        return False
    return not any("proc-macro" in target["kind"] for target in packages[dependency["pkg"]]["targets"])


def checksums_of(lock):
    """The SHA-256 of each downloaded crate, from Cargo.lock."""
    found = {}
    for entry in lock.split("[[package]]")[1:]:
        of = dict(re.findall(r'^(name|version|checksum) = "(.*)"$', entry, re.M))
        if "checksum" in of:
            found[of["name"], of["version"]] = of["checksum"]
    return found
