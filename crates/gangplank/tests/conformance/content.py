"""The content to push: random blobs, images, indexes and artifacts, different in every run."""

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
from dataclasses import dataclass, field

from registry import IMAGE, INDEX

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
EMPTY = "application/vnd.oci.empty.v1+json"
PLATFORMS = ("amd64", "arm64")


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@dataclass(frozen=True)
class Blob:
    data: bytes
    digest: str

    @classmethod
    def of(cls, data, algorithm="sha256"):
        return cls(data, digest_of(data, algorithm))

    @classmethod
    def random(cls, size, algorithm="sha256"):
        return cls.of(os.urandom(size), algorithm)

    def spoiled(self):
        """Makes other bytes under the same digest."""
        return Blob(self.data + b" and more", self.digest)


@dataclass(frozen=True)
class Manifest:
    body: bytes
    digest: str

    @classmethod
    def of(cls, document, algorithm="sha256"):
        body = json.dumps(document, separators=(",", ":")).encode()
        return cls(body, digest_of(body, algorithm))

    @property
    def document(self):
        return json.loads(self.body)

    @property
    def media_type(self):
        return self.document.get("mediaType", IMAGE)

    @property
    def subject(self):
        return self.document.get("subject", {}).get("digest")

    def descriptor(self, **more):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body), **more}

    def as_referrer(self):
        """The descriptor that the list of referrers must have for it."""
        document = self.document
        shown = self.descriptor(annotations=document.get("annotations", {}))
        artifact_type = document.get("artifactType") or document.get("config", {}).get("mediaType")
        return {**shown, "artifactType": artifact_type} if artifact_type else shown


@dataclass
class Pack:
    """Blobs, manifests (children first) and tags that belong together."""

    name: str
    algorithm: str = "sha256"
    inline: bool = False
    unknown_fields: bool = False
    blobs: dict = field(default_factory=dict)
    manifests: list = field(default_factory=list)
    tags: dict = field(default_factory=dict)
    tag_parameters: bool = False

    def add(self, data, media_type):
        blob = Blob.of(data, self.algorithm)
        self.blobs[blob.digest] = blob
        found = {"mediaType": media_type, "digest": blob.digest, "size": len(data)}
        return {**found, "data": base64.b64encode(data).decode()} if self.inline else found

    def layer(self, compressed=True):
        data = layer_bytes()
        return self.add(gzip.compress(data), LAYER + "+gzip") if compressed else self.add(data, LAYER)

    def image(self, layers=None, architecture="amd64", **more):
        layers = [self.layer(), self.layer()] if layers is None else layers
        config = {"author": "conformance", "architecture": architecture, "os": "linux",
                  "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}
        config = self.add(json.dumps(self._strange(config)).encode(), CONFIG)
        return self._keep({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers, **more})

    def artifact(self, artifact_type, content=None, media_type=None, **more):
        config = self.add(b"{}", EMPTY)
        layer = self.add(os.urandom(2048) if content is None else content, media_type or artifact_type)
        return self._keep({"schemaVersion": 2, "mediaType": IMAGE, "artifactType": artifact_type,
                           "config": config, "layers": [layer], **more})

    def index(self, children, **more):
        """An index of `children`: manifests, or descriptors of content that does not exist."""
        descriptors = [child.descriptor() if isinstance(child, Manifest) else child for child in children]
        return self._keep({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors, **more})

    def index_of_images(self, **more):
        images = [self.image(architecture=name) for name in PLATFORMS]
        return self.index([image.descriptor(platform={"os": "linux", "architecture": name})
                           for image, name in zip(images, PLATFORMS)], **more)

    def index_of_artifacts(self, artifact_type, **more):
        children = [self.artifact(artifact_type) for _ in PLATFORMS]
        return self.index(children, artifactType=artifact_type, **more)

    def tag(self, name, manifest):
        self.tags[name] = manifest
        return manifest

    def _keep(self, document):
        manifest = Manifest.of(self._strange(document), self.algorithm)
        self.manifests.append(manifest)
        return manifest

    def _strange(self, document):
        """The document, with an unknown field if the pack asks for one."""
        strange = {f"org.{os.urandom(8).hex()}": os.urandom(8).hex()} if self.unknown_fields else {}
        return {**document, **strange}


def layer_bytes():
    """A tar archive with one small file of random content."""
    content = b"lucky number %d\n" % int.from_bytes(os.urandom(7), "big")
    member = tarfile.TarInfo("./conformance.txt")
    member.size = len(content)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
