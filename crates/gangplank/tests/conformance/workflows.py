"""The older suite: four workflows, one after the other. Each removes what it has made.

The suite runs twice: once it deletes manifests before blobs, and once blobs before manifests. Its users may choose
either order.
"""

import json
import uuid
from urllib.parse import urlsplit

import uploads
from content import EMPTY, Blob, Manifest
from manifests import ask_referrers, tags_of
from registry import IMAGE, INDEX, OCTETS
from report import Refused, expect

ACCEPT = [("Accept", IMAGE)]
IMPOSSIBLE = ".INVALID_MANIFEST_NAME"
NOTE = "org.example.conformance.note"
CODES = {"BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN",
         "MANIFEST_INVALID", "MANIFEST_UNKNOWN", "MANIFEST_UNVERIFIED", "NAME_INVALID", "NAME_UNKNOWN",
         "SIZE_INVALID", "TAG_INVALID", "UNAUTHORIZED", "DENIED", "UNSUPPORTED", "TOOMANYREQUESTS"}


def run(report, registry, repo, other):
    for manifests_first in (True, False):
        order = "manifests deleted first" if manifests_first else "blobs deleted first"
        for workflow in (pull, push, discover, manage):
            Workflow(report, registry, repo, other, f"workflow {workflow.__name__}, {order}").run(
                workflow, manifests_first)


class Workflow:
    """Requests and checks in one repository, and what has to be deleted in the end."""

    def __init__(self, report, registry, repo, other, name):
        self.report, self.registry, self.repo, self.name = report, registry, repo, name
        # The older suite mounts into a repository that does not exist, unless it is told to do otherwise.
        self.other = other or f"conformance-{uuid.uuid4()}"
        self.layer = Blob.random(180)
        self.blobs_to_delete, self.manifests_to_delete = [], []

    def run(self, workflow, manifests_first):
        workflow(self)
        clear = [("manifests", self.clear_manifests), ("blobs", self.clear_blobs)]
        for what, action in clear if manifests_first else reversed(clear):
            self.check(f"clear up {what}", action)

    def check(self, name, action, *args):
        return self.report.check(f"{self.name}/{name}", action, *args)

    def answers(self, name, want, method, kind, reference, headers=ACCEPT):
        url = self.registry.url(f"/v2/{self.repo}/{kind}/{reference}")
        self.check(name, self.registry.ask, method, url, want, headers)

    def image(self, layers=None, **more):
        """A new image. Its config and layer are pushed, and every descriptor has an unknown field."""
        config = Blob.of(json.dumps({"architecture": "amd64", "os": "linux", "author": str(uuid.uuid4()),
                                     "rootfs": {"type": "layers", "diff_ids": []}}, indent="\t").encode())
        layers = [describe(self.layer, "application/vnd.oci.image.layer.v1.tar+gzip")] if layers is None else layers
        self.push(config, self.layer)
        return config, Manifest.of({"schemaVersion": 2, "mediaType": IMAGE, "layers": layers, "config": describe(
            config, "application/vnd.oci.image.config.v1+json", newUnspecifiedField="aGVsbG8gd29ybGQ="), **more})

    def push(self, *blobs):
        for blob in blobs:
            uploads.in_post_and_put(self.registry, self.repo, blob)
            if blob not in self.blobs_to_delete:
                self.blobs_to_delete.append(blob)

    def put(self, manifest, reference=None, media_type=None):
        content_type = ("Content-Type", media_type or manifest.media_type)
        url = self.registry.manifest(self.repo, reference or manifest.digest)
        created = self.registry.ask("PUT", url, 201, [content_type], manifest.body)
        created.location()
        if manifest.digest not in self.manifests_to_delete:
            self.manifests_to_delete.append(manifest.digest)
        if manifest.subject:
            created.must_say("OCI-Subject", manifest.subject)
        return created

    def clear_manifests(self):
        for digest in self.manifests_to_delete:
            self.registry.ask("DELETE", self.registry.manifest(self.repo, digest), (*range(200, 300), 405))

    def clear_blobs(self):
        """Deletes the blobs. Each must still exist: no blob may be deleted with the manifests that named it."""
        for blob in self.blobs_to_delete:
            self.registry.ask("DELETE", self.registry.blob(self.repo, blob.digest), (*range(200, 300), 405))


def describe(blob, media_type, **more):
    return {"mediaType": media_type, "digest": blob.digest, "size": len(blob.data),
            "newUnspecifiedField": None, **more}


def pull(w):
    images = w.check("setup: push the blobs of two images", lambda: (w.image(), w.image()))
    if not images:
        return
    (config, first), (_, second) = images
    w.check("setup: tag the first", w.put, first, "tagtest0")
    w.check("setup: put the second by digest", w.put, second)
    unknown = Blob.random(11).digest
    for method in ("HEAD", "GET"):
        w.answers(f"{method} of an unknown blob", 404, method, "blobs", unknown)
        w.answers(f"{method} of a blob", 200, method, "blobs", config.digest)
        w.answers(f"{method} of an impossible tag", 404, method, "manifests", IMPOSSIBLE, ())
        w.answers(f"{method} of a manifest", 200, method, "manifests", first.digest)
        w.answers(f"{method} of another manifest", 200, method, "manifests", second.digest)
        w.answers(f"{method} by tag", 200, method, "manifests", "tagtest0")
    for method in ("GET", "PUT"):
        w.check(f"{method} under a malformed digest has an error with a code", has_code, w, method)


def has_code(w, method):
    url = w.registry.manifest(w.repo, "sha256:totallywrong")
    answer = w.registry.ask(method, url, (400, 404), [("Content-Type", IMAGE)], b"blablabla")
    if answer.status == 400:
        codes = [error["code"] for error in answer.json()["errors"]]
        expect(codes and codes[0] in CODES, f"{answer}: codes {codes}")


def push(w):
    blob, unknown = Blob.random(42), Blob.random(11)
    w.check("streamed", uploads.streamed, w.registry, w.repo, blob)
    w.answers("GET of an unknown blob", 404, "GET", "blobs", unknown.digest)
    w.check("single POST, then GET", single_post, w)
    w.check("chunks, resumed from an old Location", resumed_chunks, w)
    w.check("mount without source of what nobody has", mount_unknown, w, unknown)
    w.check("mount", mount, w, blob)
    w.check("mount without source", mount_anywhere, w, blob)
    w.answers("GET of an impossible tag", 404, "GET", "manifests", IMPOSSIBLE, ())
    w.blobs_to_delete.append(blob)
    made = w.check("push an image's blobs", w.image)
    if not made:
        return
    tag_four_times(w, made[1])
    w.check("no layers, and no mediaType", without_media_type, w)
    w.answers("GET of the manifest", 200, "GET", "manifests", made[1].digest)


def tag_four_times(w, image):
    for number in range(4):
        w.check(f"tag test{number}", w.put, image, f"test{number}")


def single_post(w):
    blob = Blob.random(200)
    url = w.registry.uploads(w.repo, [("digest", blob.digest)])
    answer = w.registry.ask("POST", url, (201, 202), [OCTETS], blob.data)
    answer.location()
    w.registry.ask("GET", w.registry.blob(w.repo, blob.digest), 200 if answer.status == 201 else 404)
    if answer.status == 202:
        raise Refused("a single POST only opens a session")
    w.blobs_to_delete.append(blob)


def resumed_chunks(w):
    ask = w.registry.ask
    first_answer = uploads.open_session(w.registry, w.repo)
    half = max(22, int(first_answer.header("OCI-Chunk-Min-Length") or 0))
    blob = Blob.random(2 * half - 2)
    first, second = blob.data[:half], blob.data[half:]
    chunk = [OCTETS, uploads.content_range(half, second)]
    ask("PATCH", first_answer.location(), 416, chunk, second)

    opened = uploads.open_session(w.registry, w.repo).location()
    start = [OCTETS, uploads.content_range(0, first)]
    ask("PATCH", opened, 202, start, first).must_say("Range", f"0-{half - 1}")
    ask("PATCH", opened, 416, start, first)
    status = ask("GET", opened, 204)
    status.must_say("Range", f"0-{half - 1}")
    answer = ask("PATCH", status.location(), 202, chunk, second)
    uploads.close(w.registry, answer.location(), blob, None)
    w.blobs_to_delete.append(blob)


def mount_unknown(w, blob):
    w.registry.ask("POST", w.registry.uploads(w.other, [("mount", blob.digest)]), 202).location()


def mount(w, blob):
    params = [("mount", blob.digest), ("from", w.repo)]
    answer = w.registry.ask("POST", w.registry.uploads(w.other, params), (201, 202))
    path = urlsplit(answer.location()).path
    if answer.status == 202:
        expect(path.startswith(f"/v2/{w.other}/blobs/uploads/"), f"{answer}: Location is {path}")
        raise Refused("the mount became an upload session")
    expect(path == f"/v2/{w.other}/blobs/{blob.digest}", f"{answer}: Location is {path}")
    w.registry.ask("GET", answer.location(), 200)


def mount_anywhere(w, blob):
    answer = w.registry.ask("POST", w.registry.uploads(w.other, [("mount", blob.digest)]), (201, 202))
    w.registry.ask("DELETE", w.registry.blob(w.other, blob.digest))
    if answer.status == 202:
        raise Refused("the mount became an upload session")


def without_media_type(w):
    _, image = w.image(layers=[])
    document = {key: value for key, value in image.document.items() if key != "mediaType"}
    w.put(Manifest.of(document), "emptylayer", IMAGE)


def discover(w):
    made = w.check("setup: push an image's blobs", w.image)
    if not made:
        return
    tag_four_times(w, made[1])
    family = w.check("setup: referrers before and after their subject", Family, w)

    w.check("tags are listed", lambda: expect(len(tags_of(w.registry, w.repo, want=200)) >= 4, "fewer than four tags"))
    w.check("tags?n", first_tags, w)
    w.check("tags?n&last", next_tags, w)
    nothing = Blob.random(11).digest
    w.check("referrers of nothing", lambda: shows(w, nothing, [], {}))
    if family:
        w.check("referrers", lambda: shows(w, family.subject, family.all, {}))
        kind = {"artifactType": Family.BAGEL}
        w.check("referrers by type", lambda: shows(w, family.subject, family.bagels, kind))
        w.check("referrers of what is absent", lambda: shows(w, family.absent, [family.of_absent], {}))


class Family:
    """Pushes six manifests with a subject: three before the subject, two after it, one whose subject never comes."""

    BAGEL, CROISSANT, STAND = ("application/vnd.example.bagel", "application/vnd.example.croissant",
                               "application/vnd.example.stand")

    def __init__(self, w):
        self.w = w
        self.empty = Blob.of(b"{}")
        bagel, croissant = Blob.random(33), Blob.random(38)
        w.push(self.empty, bagel, croissant)
        _, subject = w.image()
        _, absent = w.image()
        self.subject, self.absent = subject.digest, absent.digest

        before = [self.by_config(bagel, self.BAGEL, subject), self.by_layer(bagel, self.BAGEL, subject, "layer a")]
        index = self.put({"schemaVersion": 2, "mediaType": INDEX, "artifactType": self.STAND,
                          "manifests": [manifest.descriptor() for manifest in before],
                          "subject": subject.descriptor(), "annotations": {NOTE: "index"}})
        w.put(subject, "tagtest0")
        after = [self.by_config(croissant, self.CROISSANT, subject),
                 self.by_layer(croissant, self.CROISSANT, subject, "layer b")]
        self.of_absent = self.by_layer(croissant, self.CROISSANT, absent, None)
        self.all, self.bagels = [*before, index, *after], before

    def by_config(self, content, kind, subject):
        return self.put({"schemaVersion": 2, "mediaType": IMAGE, "config": describe(content, kind),
                         "layers": [describe(self.empty, EMPTY)], "subject": subject.descriptor(),
                         "annotations": {NOTE: f"config {kind}"}})

    def by_layer(self, content, kind, subject, note):
        notes = {"annotations": {NOTE: note}} if note else {}
        return self.put({"schemaVersion": 2, "mediaType": IMAGE, "artifactType": kind,
                         "config": describe(self.empty, EMPTY), "layers": [describe(content, kind)],
                         "subject": subject.descriptor(), **notes})

    def put(self, document):
        manifest = Manifest.of(document)
        self.w.put(manifest)
        return manifest


def shows(w, subject, manifests, params):
    """Checks that the list has exactly these referrers, with exactly their annotations."""
    answer, shown = ask_referrers(w.registry, w.repo, subject, list(params.items()))
    if params:
        if not answer.header("OCI-Filters-Applied"):
            raise Refused("the filter was not applied")
        answer.must_say("OCI-Filters-Applied", "artifactType")
    told = {descriptor["digest"]: descriptor.get("annotations") or {} for descriptor in shown}
    right = {manifest.digest: manifest.as_referrer()["annotations"] for manifest in manifests}
    expect(len(told) == len(shown) and told == right, f"{answer}: shows {len(shown)} referrers, not those {len(right)}")


def first_tags(w):
    half = len(tags_of(w.registry, w.repo, want=200)) // 2
    tags = tags_of(w.registry, w.repo, [("n", half)], 200)
    expect(half > 1 and len(tags) == half, f"tags/list?n={half} has {len(tags)} tags")
    return tags


def next_tags(w):
    tags = first_tags(w)
    more = tags_of(w.registry, w.repo, [("n", len(tags)), ("last", tags[-1])], 200)
    expect(0 < len(more) <= len(tags) and not set(more) & set(tags), f"after {tags} comes {more}")


def manage(w):
    made = w.check("setup: push an image's blobs", w.image)
    if not made:
        return
    config, image = made
    w.check("setup: tag it", w.put, image, "tagtest0")
    before = w.check("setup: count tags", lambda: len(tags_of(w.registry, w.repo, want=200)))
    w.check("delete the tag", delete_tag, w)
    w.answers("delete the manifest", (202, 404), "DELETE", "manifests", image.digest)
    w.answers("GET of the deleted manifest", 404, "GET", "manifests", image.digest)
    w.check("fewer tags", lambda: expect(len(tags_of(w.registry, w.repo, want=200)) < before, "as many tags as before"))
    for name, blob in (("config", config), ("layer", w.layer)):
        w.answers(f"delete the {name}", 202, "DELETE", "blobs", blob.digest)
        w.answers(f"GET of the deleted {name}", 404, "GET", "blobs", blob.digest)
    w.manifests_to_delete.clear()
    w.blobs_to_delete.clear()


def delete_tag(w):
    answer = w.registry.ask("DELETE", w.registry.manifest(w.repo, "tagtest0"), (202, 400, 405))
    if answer.status == 400:
        codes = [error["code"] for error in answer.json()["errors"]]
        expect(codes[:1] == ["UNSUPPORTED"], f"{answer}: codes {codes}")
    if answer.status != 202:
        raise Refused("tags cannot be deleted")
