"""A small image to push: one layer, one file, as an OCI layout."""

import json
import os
import sys

from harness import PACKAGING

sys.path.insert(0, str(PACKAGING / "lib"))

from archive import Entry, compressed, tar
from layout import Layout


def small(folder, architecture="amd64"):
    """Writes a new image; no two have the same digest."""
    layout = Layout(folder)
    layer = tar({"file": Entry(os.urandom(4096))}, 0)
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": ["/file"]},
        "rootfs": {"type": "layers", "diff_ids": [layout.digest(layer)]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.add("application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
        "layers": [layout.add("application/vnd.oci.image.layer.v1.tar+gzip", compressed(layer))],
        "annotations": {},
    }
    entry = layout.add(manifest["mediaType"], json.dumps(manifest).encode())
    entry["platform"] = {"architecture": architecture, "os": "linux"}
    layout.finish(entry, "latest")
    return folder
