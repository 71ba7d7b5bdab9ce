"""The kinds of content that a registry must accept. The suite pushes, lists, pulls and deletes each kind."""

import os

from content import EMPTY, FOREIGN, Manifest, Pack, digest_of
from registry import IMAGE

ONE = "application/vnd.example.conformance.one"
TWO = "application/vnd.example.conformance.two"
OCTETS = "application/octet-stream"


def all_packs(sparse):
    packs = [images(), uncompressed(), large(), index(), nested(), empty_index(), artifact(), artifact_index(),
             artifact_without_layers(), referrers(), index_referrers(), referrer_of_nothing(), inline_data(),
             foreign_layers(), unknown_fields(), no_layers(), sha512(), tag_parameters("sha256"),
             tag_parameters("sha512")]
    return packs + ([sparse_image(), sparse_index()] if sparse else [])


def images():
    pack = Pack("image")
    pack.tag("image", pack.image())
    return pack


def uncompressed():
    pack = Pack("uncompressed image")
    pack.tag("uncompressed", pack.image([pack.layer(compressed=False), pack.layer(compressed=False)]))
    return pack


def large():
    """A manifest of almost four megabytes, which a registry should accept."""
    pack = Pack("large manifest")
    pack.tag("large", pack.image(annotations={f"large-annotation-{i}": "A" * 10_000 for i in range(390)}))
    return pack


def index():
    pack = Pack("index")
    pack.tag("index", pack.index_of_images())
    return pack


def nested():
    pack = Pack("index of indexes")
    pack.tag("nested", pack.index([pack.index_of_images(), pack.index_of_images()]))
    return pack


def empty_index():
    pack = Pack("empty index")
    pack.tag("empty-index", pack.index([]))
    return pack


def artifact():
    pack = Pack("artifact")
    pack.tag("artifact", pack.artifact(ONE))
    return pack


def artifact_index():
    pack = Pack("index of artifacts")
    pack.tag("artifact-index", pack.index_of_artifacts(ONE))
    return pack


def artifact_without_layers():
    """The config and the only layer are the same empty object."""
    pack = Pack("artifact without layers")
    pack.tag("no-content", pack.artifact(ONE, content=b"{}", media_type=EMPTY))
    return pack


def notes():
    return {"org.example.conformance": "hello", f"org.example.{os.urandom(4).hex()}": os.urandom(8).hex()}


def referrers():
    pack = Pack("referrers")
    subject = pack.tag("subject", pack.image()).descriptor()
    pack.image(subject=subject)
    pack.tag("first", pack.artifact(ONE, subject=subject, annotations=notes()))
    pack.tag("second", pack.artifact(TWO, media_type=OCTETS, subject=subject, annotations=notes()))
    return pack


def index_referrers():
    pack = Pack("index referring to an index")
    subject = pack.tag("subject-index", pack.index_of_images()).descriptor()
    pack.tag("referring-index", pack.index_of_artifacts(ONE, subject=subject, annotations=notes()))
    return pack


def referrer_of_nothing():
    pack = Pack("referrer of nothing")
    subject = {"mediaType": IMAGE, "digest": digest_of(os.urandom(32)), "size": 123}
    pack.tag("referrer", pack.artifact(ONE, subject=subject, annotations=notes()))
    return pack


def inline_data():
    pack = Pack("data in descriptors", inline=True)
    pack.tag("inline", pack.image())
    return pack


def foreign_layers():
    """Two layers that exist only at their `urls`, and one that is pushed."""
    pack = Pack("non-distributable layers")
    layers = []
    for media_type, size in ((FOREIGN + "+gzip", 123456), (FOREIGN, 12345)):
        digest = digest_of(os.urandom(256))
        url = "https://store.example.com/blobs/" + digest.replace(":", "/")
        layers.append({"mediaType": media_type, "digest": digest, "size": size, "urls": [url]})
    pack.tag("foreign", pack.image([*layers, pack.layer()]))
    return pack


def unknown_fields():
    pack = Pack("unknown fields", unknown_fields=True)
    pack.tag("unknown-fields", pack.index_of_images())
    return pack


def no_layers():
    pack = Pack("no layers")
    pack.tag("no-layers", pack.image([]))
    return pack


def sha512():
    """Content that is pushed by digest only, because a push by tag cannot name the algorithm."""
    pack = Pack("sha512", algorithm="sha512")
    pack.index_of_images()
    return pack


def tag_parameters(algorithm):
    """The topmost manifest gets two tags, and each other one gets one. The push by digest names them."""
    pack = Pack(f"tag parameters, {algorithm}", algorithm=algorithm, tag_parameters=True)
    pack.tag(f"param-{algorithm}", pack.index_of_images())
    for number, manifest in enumerate(pack.manifests):
        pack.tag(f"param-{algorithm}-{number}", manifest)
    return pack


def sparse_image():
    pack = Pack("sparse image")
    image = pack.tag("sparse-image", pack.image())
    del pack.blobs[image.document["layers"][0]["digest"]]
    return pack


def sparse_index():
    pack = Pack("sparse index")
    absent = {"mediaType": IMAGE, "digest": digest_of(os.urandom(1024)), "size": 1024}
    pack.tag("sparse-index", pack.index([pack.image(), absent]))
    return pack


def wrong_digest():
    """A manifest under a wrong digest."""
    pack = Pack("manifest under another digest")
    image = pack.image()
    pack.manifests = [Manifest(image.body + b"  ", image.digest)]
    return pack


def one_image():
    pack = Pack("image with one layer")
    pack.image([pack.layer()])
    return pack
