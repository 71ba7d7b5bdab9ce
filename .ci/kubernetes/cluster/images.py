"""Small images, made of files without an engine, as OCI layouts."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def write(folder, files, tag="latest", **config):
    """Writes an image of one layer into `folder`: `files` has, for each path, its bytes and its mode.

    Returns the digest of its manifest. The same files make the same digest.
    """
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def keep(kind, content):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    layer = archive(files)
    compressed = keep("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(layer, 1, mtime=0))
    described = keep("application/vnd.oci.image.config.v1+json", json.dumps({
        "architecture": "amd64", "os": "linux", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }).encode())
    manifest = keep(MANIFEST, json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [compressed]}).encode())
    manifest["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return manifest["digest"]


def archive(files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size = mode, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def named(layout, name, into):
    """The archive of an image under a name, as containerd imports it."""
    subprocess.run(["skopeo", "copy", "--insecure-policy", f"oci:{layout}", f"docker-archive:{into}:{name}"],
                   check=True, capture_output=True)
    return into
