"""The Helm chart as Helm packs it: an archive of a folder `gangplank/`."""

import re

from archive import Entry, compressed, tar
from release import PACKAGING, Refused


def write(release, folder):
    source = PACKAGING / "chart"
    entries = {}
    for file in sorted(source.rglob("*")):
        inside = file.relative_to(source)
        if file.is_file() and (str(inside) == ".helmignore" or not any(part.startswith(".") for part in inside.parts)):
            entries[f"gangplank/{inside}"] = Entry(file.read_bytes())
    about = entries["gangplank/Chart.yaml"]
    about.content = of_release(about.content.decode(), release.version).encode()
    (folder / f"gangplank-{release.version}.tgz").write_bytes(compressed(tar(entries, release.epoch)))


def of_release(text, version):
    """Chart.yaml with the release's version. Unlike the program's version, it may have a +."""
    for name in ("version", "appVersion"):
        said = re.search(rf'^{name}: *"?([^"\s]+)"?$', text, re.M)
        if not said or version.split("+")[0] != said[1]:
            raise Refused(f"packaging/chart/Chart.yaml has not {name} {version.split('+')[0]}")
        text = text.replace(said[0], f'{name}: "{version}"' if name == "appVersion" else f"{name}: {version}")
    return text
