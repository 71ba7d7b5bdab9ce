"""The container image: the program, its libraries and certificates, written as an OCI layout without an engine."""

import json
from datetime import datetime, timezone
from pathlib import Path

import installed
from archive import Entry, compressed, tar
from layout import Layout
from loaded import loaded
from release import Refused

USER = 65532
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def write(release, parts, _work, folder):
    layer = tar(root(release, parts), release.epoch)
    layout = Layout(folder / "image")
    config = {
        "created": datetime.fromtimestamp(release.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "architecture": release.architecture,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"5000/tcp": {}},
            # These are variables, so that every command in the container uses them, and -e can change them.
            "Env": [
                "PATH=/usr/bin",
                "GANGPLANK_LISTEN=0.0.0.0:5000",
                "GANGPLANK_DATA_DIR=/data",
            ],
            "Entrypoint": ["/usr/bin/gangplank"],
            # Without TLS the server refuses to listen beyond loopback, and says what to do.
            "Cmd": ["serve"],
            # Docker's own field. No specification has it, and other engines leave it out.
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/gangplank", "ping"],
                "Interval": 5_000_000_000,
                "Timeout": 6_000_000_000,
                "StartPeriod": 60_000_000_000,
            },
            "Volumes": {"/data": {}},
            "WorkingDir": "/",
            "Labels": labels(release),
        },
        "rootfs": {"type": "layers", "diff_ids": [layout.digest(layer)]},
        "history": [{"created_by": "packaging/build", "comment": "gangplank and what it loads"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.add("application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
        "layers": [layout.add("application/vnd.oci.image.layer.v1.tar+gzip", compressed(layer))],
        "annotations": labels(release),
    }
    entry = layout.add(manifest["mediaType"], json.dumps(manifest).encode())
    entry["platform"] = {"architecture": release.architecture, "os": "linux"}
    layout.finish(entry, release.version)
    # One file for `gangplank push oci-archive:` and `skopeo copy oci-archive:`.
    (folder / f"gangplank-{release.version}-{release.architecture}.image.tar").write_bytes(
        tar(layout.files(), release.epoch)
    )


def root(release, parts):
    files = {
        f"usr/{path}": entry for path, entry in {**installed.program(release), **installed.licences(parts)}.items()
    }
    try:
        files[AUTHORITIES[1:]] = Entry(Path(AUTHORITIES).read_bytes())
    except OSError as error:
        raise Refused(f"the image needs the package ca-certificates of this machine: {error}") from error
    files.update(loaded(release.binary))
    files["etc/passwd"] = Entry(
        f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin\n".encode()
    )
    files["etc/group"] = Entry(f"root:x:0:\nnonroot:x:{USER}:\n".encode())
    # Names are looked up in /etc/hosts first and at a name server then, as on other systems.
    files["etc/nsswitch.conf"] = Entry(b"hosts: files dns\n")
    files["home/nonroot"] = Entry.folder(0o700, USER)
    files["data"] = Entry.folder(0o700, USER)
    files["tmp"] = Entry.folder(0o1777)
    return files


def labels(release):
    said = {
        "org.opencontainers.image.title": "gangplank",
        "org.opencontainers.image.description": "container registry whose logins are temporary and push-only",
        "org.opencontainers.image.source": "https://github.com/gangplank-registry/gangplank",
        "org.opencontainers.image.version": release.version,
        "org.opencontainers.image.licenses": "Apache-2.0 OR MIT",
    }
    if release.revision:
        said["org.opencontainers.image.revision"] = release.revision
    return said
