"""layout.py DIR: an image of one small layer as an OCI layout, made without an engine."""

import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile

PREFIX = "application/vnd.oci.image"


def main():
    folder = pathlib.Path(sys.argv[1])
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def add(kind, data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"{PREFIX}.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    text = b"hello\n"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("hello.txt")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    plain = packed.getvalue()
    layer = add("layer.v1.tar+gzip", gzip.compress(plain, mtime=0))
    diff_id = "sha256:" + hashlib.sha256(plain).hexdigest()
    rootfs = {"type": "layers", "diff_ids": [diff_id]}
    config = add("config.v1+json", json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode())
    manifest = {"schemaVersion": 2, "mediaType": f"{PREFIX}.manifest.v1+json", "config": config, "layers": [layer]}
    top = add("manifest.v1+json", json.dumps(manifest).encode())
    top["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


main()
