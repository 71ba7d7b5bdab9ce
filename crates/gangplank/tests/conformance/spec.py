"""Checks of the specification that neither of the two suites makes."""

from contextlib import contextmanager
from urllib.parse import urljoin

import uploads
from blobs import delete_blob, get_blob, head_blob
from content import Blob, Pack
from manifests import MALFORMED, ask_referrers, delete_manifest, put, tags_of
from registry import BOTH_MANIFESTS, OCTETS
from report import expect


def run(report, registry, repo, other):
    for name, action in (
        ("an unknown repository has no manifests", unknown_repository),
        ("a blob belongs to its repository", own_repository),
        ("a mounted blob outlives its deletion elsewhere", outlives),
        ("a closed session is gone", closed_session),
        ("a cancelled session is gone", cancelled_session),
        ("an empty session has a status", empty_session),
        ("a chunk is as long as it says", wrong_length),
        ("digest-algorithm=sha512", announced_algorithm),
        ("digest-algorithm=md5", unknown_algorithm),
        ("digest=md5:…", unknown_digest),
        ("tags?n=0", no_tags),
        ("tags, page by page", paged_tags),
        ("a deleted tag leaves its manifest", tag_deleted),
        ("a deleted manifest takes its tags along", manifest_deleted),
        ("a deleted referrer is no longer listed", referrer_deleted),
        ("referrers of a malformed digest", malformed_subject),
    ):
        report.check(f"specification/{name}", action, registry, repo, other)


def unknown_repository(registry, repo, other):
    registry.ask("GET", registry.manifest(repo + "/not/there", "latest"), 404, BOTH_MANIFESTS)


def own_repository(registry, repo, other):
    blob = Blob.random(100)
    uploads.in_post_and_put(registry, repo, blob)
    registry.ask("HEAD", registry.blob(other, blob.digest), 404)
    registry.ask("GET", registry.blob(other, blob.digest), 404)
    delete_blob(registry, repo, blob)


def outlives(registry, repo, other):
    blob = Blob.random(100)
    uploads.in_post_and_put(registry, other, blob)
    uploads.mount(registry, repo, blob, other)
    delete_blob(registry, other, blob)
    head_blob(registry, repo, blob)
    get_blob(registry, repo, blob)
    delete_blob(registry, repo, blob)


def closed_session(registry, repo, other):
    blob = Blob.random(100)
    place = uploads.open_session(registry, repo).location()
    uploads.close(registry, place, blob, blob.data)
    registry.ask("GET", place, 404)
    delete_blob(registry, repo, blob)


def cancelled_session(registry, repo, other):
    place = uploads.open_session(registry, repo).location()
    registry.ask("DELETE", place, 204)
    registry.ask("GET", place, 404)
    registry.ask("PATCH", place, 404, [OCTETS], b"late")


def empty_session(registry, repo, other):
    place = uploads.open_session(registry, repo).location()
    status = registry.ask("GET", place, 204)
    expect(status.header("Range"), f"{status}: no Range")
    registry.ask("DELETE", place, 204)


def wrong_length(registry, repo, other):
    place = uploads.open_session(registry, repo).location()
    registry.ask("PATCH", place, (400, 416), [OCTETS, ("Content-Range", "0-99")], b"ten bytes.")
    registry.ask("DELETE", place, 204)


def announced_algorithm(registry, repo, other):
    blob = Blob.random(100, "sha512")
    session = uploads.open_session(registry, repo, [("digest-algorithm", "sha512")])
    uploads.close(registry, session.location(), blob, blob.data)
    delete_blob(registry, repo, blob)


def unknown_algorithm(registry, repo, other):
    registry.ask("POST", registry.uploads(repo, [("digest-algorithm", "md5")]), 400)


def unknown_digest(registry, repo, other):
    blob = Blob.random(100, "md5")
    place = uploads.open_session(registry, repo).location()
    uploads.close(registry, place, blob, blob.data, True)


@contextmanager
def tagged_image(registry, repo, tags):
    """An image with these tags. It is deleted afterwards in any case."""
    pack = Pack("one image")
    image = pack.image([pack.layer()])
    for blob in pack.blobs.values():
        uploads.in_post_and_put(registry, repo, blob)
    try:
        for tag in tags:
            put(registry, repo, tag, image)
        yield image
    finally:
        registry.ask("DELETE", registry.manifest(repo, image.digest))


def no_tags(registry, repo, other):
    with tagged_image(registry, repo, ["a"]):
        answer = registry.ask("GET", registry.url(f"/v2/{repo}/tags/list", [("n", 0)]), 200)
        expect(answer.json().get("tags") == [], f"{answer}: {answer.body[:80]!r}")
        expect(not answer.header("Link"), f"{answer}: has a Link")


def paged_tags(registry, repo, other):
    """`Link` leads from page to page, and not beyond the last."""
    with tagged_image(registry, repo, ["a", "b", "c", "d-1", "d.1"]):
        every = tags_of(registry, repo, want=200)
        expect(every == sorted(every), f"not in order: {every}")
        url, seen = registry.url(f"/v2/{repo}/tags/list", [("n", 2)]), []
        while url and len(seen) <= len(every):
            answer = registry.ask("GET", url, 200)
            seen += answer.json()["tags"]
            url = next_page(answer)
        expect(seen == every, f"page by page {seen}, at once {every}")


def next_page(answer):
    link = answer.header("Link")
    if not link:
        return None
    expect(link.startswith("<") and link.endswith('>; rel="next"'), f"{answer}: Link is {link}")
    return urljoin(answer.url, link[1:link.index(">")])


def tag_deleted(registry, repo, other):
    with tagged_image(registry, repo, ["stays", "goes"]) as image:
        delete_manifest(registry, repo, "goes")
        for reference in ("stays", image.digest):
            registry.ask("GET", registry.manifest(repo, reference), 200, BOTH_MANIFESTS)


def manifest_deleted(registry, repo, other):
    with tagged_image(registry, repo, ["one", "two"]) as image:
        delete_manifest(registry, repo, image.digest)
        for tag in ("one", "two"):
            registry.ask("GET", registry.manifest(repo, tag), 404, BOTH_MANIFESTS)
        left = {"one", "two"} & set(tags_of(registry, repo))
        expect(not left, f"tags/list still has {left}")


def referrer_deleted(registry, repo, other):
    pack = Pack("referrer")
    subject = pack.image([pack.layer()])
    referrer = pack.artifact("application/vnd.example.note", subject=subject.descriptor())
    for blob in pack.blobs.values():
        uploads.in_post_and_put(registry, repo, blob)
    put(registry, repo, referrer.digest, referrer)
    expect(len(ask_referrers(registry, repo, subject.digest)[1]) == 1, "the referrer is not listed")
    delete_manifest(registry, repo, referrer.digest)
    expect(ask_referrers(registry, repo, subject.digest)[1] == [], "the deleted referrer is still listed")


def malformed_subject(registry, repo, other):
    registry.ask("GET", registry.url(f"/v2/{repo}/referrers/{MALFORMED}"), 400)
