"""An OCI image layout: a folder of blobs by digest, and an index that names the first manifest."""

import hashlib
import json

from archive import Entry

INDEX = "application/vnd.oci.image.index.v1+json"


class Layout:
    def __init__(self, folder):
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)

    @staticmethod
    def digest(content):
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def add(self, media_type, content):
        """Adds a blob; returns its descriptor."""
        digest = self.digest(content)
        (self.folder / "blobs" / digest.replace(":", "/")).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def finish(self, entry, name):
        """Names the manifest that the layout is about."""
        named = {**entry, "annotations": {"org.opencontainers.image.ref.name": name}}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (self.folder / "index.json").write_text(json.dumps(index))

    def files(self):
        found = sorted(file for file in self.folder.rglob("*") if file.is_file())
        return {str(file.relative_to(self.folder)): Entry(file.read_bytes()) for file in found}
