"""Small images, made of files without an engine, as OCI layouts."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def write(folder, files, tag="latest", **config):
    """Writes an image of one layer into `folder`: `files` has, for each path, its bytes and its mode.

    Returns the digest of its manifest. The same files make the same digest.
    """
    layer = archive(files)
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    compressed = keep(folder, "application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(layer, 1, mtime=0))
    described = {"architecture": "amd64", "os": "linux", "config": config,
                 "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}}
    return finish(folder, described, [compressed], tag)


def another(layout, folder, name):
    """A copy of an image with one more label, so that its digest differs."""
    shutil.copytree(layout, folder)

    def read(descriptor):
        return json.loads((folder / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes())

    manifest = read(json.loads((folder / "index.json").read_text())["manifests"][0])
    described = read(manifest["config"])
    described["config"].setdefault("Labels", {})["name"] = name
    return finish(folder, described, manifest["layers"], "latest")


def keep(folder, kind, content):
    """Writes a blob. Returns its descriptor."""
    digest = hashlib.sha256(content).hexdigest()
    (folder / "blobs/sha256" / digest).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}


def finish(folder, described, layers, tag):
    config = keep(folder, "application/vnd.oci.image.config.v1+json", json.dumps(described).encode())
    manifest = keep(folder, MANIFEST, json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}).encode())
    manifest["annotations"] = {"org.opencontainers.image.ref.name": tag}
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
