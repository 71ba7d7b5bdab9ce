"""Blobs: every way to push, mount, fetch, fetch in part, and delete, under each digest algorithm."""

from functools import partial

import uploads
from content import Blob
from registry import OCTETS
from report import Refused, expect

SMALL = 512
THREE_CHUNKS = 3 * uploads.CHUNK - 5


def head_blob(registry, repo, blob):
    answer = registry.ask("HEAD", registry.blob(repo, blob.digest), 200)
    describes(answer, blob)
    expect(not answer.body, f"{answer}: a HEAD with a body")


def get_blob(registry, repo, blob):
    answer = registry.ask("GET", registry.blob(repo, blob.digest), 200)
    describes(answer, blob)
    expect(answer.body == blob.data, f"{answer}: other bytes than were pushed")


def describes(answer, blob):
    answer.must_say("Content-Length", str(len(blob.data)))
    answer.must_say("Docker-Content-Digest", blob.digest)


def delete_blob(registry, repo, blob):
    answer = registry.ask("DELETE", registry.blob(repo, blob.digest), (202, 404, 405))
    if answer.status == 405:
        raise Refused("blobs cannot be deleted")
    registry.ask("HEAD", registry.blob(repo, blob.digest), 404)


def run(report, registry, repo, other, algorithm):
    group = f"{algorithm} blobs"
    missing = Blob.random(SMALL, algorithm)
    report.check(f"{group}/get missing", registry.ask, "GET", registry.blob(repo, missing.digest), 404)

    chunks = uploads.in_chunks
    for name, size, push in (
        ("single POST", SMALL, uploads.in_one_post),
        ("POST and PUT", SMALL, uploads.in_post_and_put),
        ("one chunk", SMALL, chunks),
        ("stream", SMALL, uploads.streamed),
        ("three chunks", THREE_CHUNKS, chunks),
        ("last chunk in the PUT", THREE_CHUNKS, partial(chunks, last_in_put=True)),
        ("chunks out of order", THREE_CHUNKS, partial(chunks, disorder=True)),
        ("chunks out of order, last in the PUT", THREE_CHUNKS, partial(chunks, disorder=True, last_in_put=True)),
    ):
        pushed_and_kept(report, registry, repo, f"{group}/{name}", Blob.random(size, algorithm), push)

    mounts(report, registry, repo, other, group, algorithm)
    report.check(f"{group}/cancelled", cancelled, registry, repo)
    ranges(report, registry, repo, group, Blob.random(2048, algorithm))

    for name, data in (("empty", b""), ("{}", b"{}")):
        pushed_and_kept(report, registry, repo, f"{group}/{name}", Blob.of(data, algorithm), uploads.in_post_and_put)
    report.check(f"{group}/empty/single POST", empty_in_one_post, registry, repo, Blob.of(b"", algorithm))

    for name, push in {**uploads.WAYS, "last chunk in the PUT": partial(chunks, last_in_put=True)}.items():
        spoiled = Blob.random(THREE_CHUNKS, algorithm).spoiled()
        report.check(f"{group}/wrong digest/{name}", refused, registry, repo, spoiled, push)


def pushed_and_kept(report, registry, repo, name, blob, push):
    report.check(name, push, registry, repo, blob)
    kept(report, registry, repo, name, blob)


def kept(report, registry, repo, name, blob):
    report.check(f"{name}/head", head_blob, registry, repo, blob, needs=name)
    report.check(f"{name}/get", get_blob, registry, repo, blob, needs=name)
    report.check(f"{name}/delete", delete_blob, registry, repo, blob)


def empty_in_one_post(registry, repo, blob):
    """Pushes an empty blob without a length. The answer has to be for a whole blob, and not for a session."""
    url = registry.uploads(repo, [("digest", blob.digest)])
    answer = registry.ask("POST", url, (201, 202), [OCTETS], b"", unsized=True)
    if answer.status == 202:
        raise Refused("a single POST only opens a session")
    uploads.settle(registry, answer, blob)
    delete_blob(registry, repo, blob)


def refused(registry, repo, blob, push):
    push(registry, repo, blob, spoiled=True)
    registry.ask("HEAD", registry.blob(repo, blob.digest), 404)


def cancelled(registry, repo):
    session = uploads.open_session(registry, repo)
    registry.ask("DELETE", session.location(), 204)


def mounts(report, registry, repo, other, group, algorithm):
    for name, source in (("mount", other), ("mount, no source named", None)):
        blob = Blob.random(SMALL, algorithm)
        report.check(f"{group}/{name}", mounted, registry, repo, blob, other, source)
        kept(report, registry, repo, f"{group}/{name}", blob)
        report.check(f"{group}/{name}/delete at the source", delete_blob, registry, other, blob)
    blob = Blob.random(SMALL, algorithm)
    report.check(f"{group}/mount of what is not there", not_mounted, registry, repo, blob, other)
    kept(report, registry, repo, f"{group}/mount of what is not there", blob)


def mounted(registry, repo, blob, other, source):
    uploads.in_post_and_put(registry, other, blob)
    if not uploads.mount(registry, repo, blob, source):
        raise Refused("the mount became an upload session")


def not_mounted(registry, repo, blob, other):
    expect(not uploads.mount(registry, repo, blob, other), "a blob was mounted that nobody has pushed")


def ranges(report, registry, repo, group, blob):
    name = f"{group}/ranges"
    size = len(blob.data)
    report.check(name, uploads.in_post_and_put, registry, repo, blob)
    for asked, first, last in (
        ("500-1499", 500, 1499),
        ("500-", 500, size - 1),
        ("-500", size - 500, size - 1),
        ("2000-5000", 2000, size - 1),
    ):
        report.check(f"{name}/{asked}", part, registry, repo, blob, asked, first, last, needs=name)
    for asked in ("500-0", "5000-10000"):
        report.check(f"{name}/{asked}", no_part, registry, repo, blob, asked, needs=name)
    report.check(f"{name}/delete", delete_blob, registry, repo, blob)


def part(registry, repo, blob, asked, first, last):
    answer = ask_part(registry, repo, blob, asked, 206)
    expect(answer.body == blob.data[first:last + 1], f"{answer}: other bytes than {first}-{last}")
    answer.must_say("Content-Length", str(last - first + 1))
    told = answer.header("Content-Range")
    right = [f"bytes {first}-{last}/{total}" for total in (len(blob.data), "*")]
    expect(told in right, f"{answer}: Content-Range is {told!r}, not {right[0]!r}")


def no_part(registry, repo, blob, asked):
    ask_part(registry, repo, blob, asked, 416)


def ask_part(registry, repo, blob, asked, want):
    url = registry.blob(repo, blob.digest)
    answer = registry.ask("GET", url, (want, 200), [("Range", f"bytes={asked}")])
    if answer.status == 200:
        expect(answer.body == blob.data, f"{answer}: neither the part nor the whole")
        raise Refused("the whole blob came for a part")
    return answer
