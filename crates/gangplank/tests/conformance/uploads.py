"""The ways to push a blob. Each ends with a blob at its Location, or raises an error."""

from registry import OCTETS, with_query
from report import Failure, Refused, expect

CHUNK = 1024


def open_session(registry, repo, params=()):
    return registry.ask("POST", registry.uploads(repo, params), 202)


def in_one_post(registry, repo, blob, spoiled=False):
    url = registry.uploads(repo, [("digest", blob.digest)])
    answer = registry.ask("POST", url, (400, 202) if spoiled else (201, 202), [OCTETS], blob.data)
    if answer.status == 202:
        close(registry, answer.location(), blob, blob.data, spoiled)
        raise Refused("a single POST only opens a session")
    if not spoiled:
        settle(registry, answer, blob)


def in_post_and_put(registry, repo, blob, spoiled=False):
    session = open_session(registry, repo)
    close(registry, session.location(), blob, blob.data, spoiled)


def streamed(registry, repo, blob, spoiled=False):
    session = open_session(registry, repo)
    session = registry.ask("PATCH", session.location(), 202, [OCTETS], blob.data, unsized=True)
    close(registry, session.location(), blob, None, spoiled)


def in_chunks(registry, repo, blob, spoiled=False, last_in_put=False, disorder=False):
    """Pushes three chunks if the blob is large enough. With `disorder`, a misplaced chunk precedes each right one."""
    session = open_session(registry, repo)
    size = chunk_size(session, len(blob.data))
    url = session.location()
    for start in range(0, len(blob.data), size):
        if disorder:
            url = misplace(registry, url, blob, start, size, last_in_put)
        chunk = blob.data[start:start + size]
        if last_in_put and start + size >= len(blob.data):
            return close(registry, url, blob, chunk, spoiled, content_range(start, chunk))
        answer = registry.ask("PATCH", url, 202, [OCTETS, content_range(start, chunk)], chunk)
        answer.must_say("Range", f"0-{start + len(chunk) - 1}")
        url = answer.location()
    return close(registry, url, blob, None, spoiled)


def chunk_size(session, total):
    least = session.header("OCI-Chunk-Min-Length")
    expect(least is None or least.isdigit(), f"{session}: OCI-Chunk-Min-Length is {least!r}")
    return min(max(total // 3 + 1, CHUNK, int(least or 0)), total)


def content_range(start, chunk):
    return ("Content-Range", f"{start}-{start + len(chunk) - 1}")


def misplace(registry, url, blob, offset, size, may_put):
    """Sends a chunk that does not begin at `offset`. It must be refused, and the session must continue at `offset`."""
    start = offset + size if offset + size < len(blob.data) else 0
    chunk = blob.data[start:start + size]
    method, target = "PATCH", url
    if may_put and start + len(chunk) == len(blob.data):
        method, target = "PUT", with_query(url, [("digest", blob.digest)])
    registry.ask(method, target, 416, [OCTETS, content_range(start, chunk)], chunk)
    status = registry.ask("GET", target, 204)
    received = status.header("Range") or ""
    if offset:
        status.must_say("Range", f"0-{offset - 1}")
    expect(received.startswith("0-"), f"{status}: Range is {received!r}")
    return status.location() if status.header("Location") else url


def close(registry, url, blob, data, spoiled=False, *headers):
    url = with_query(url, [("digest", blob.digest)])
    if spoiled:
        registry.ask("PUT", url, 400, [OCTETS, *headers], data)
        return
    # Go sends an empty body without its length.
    unsized = data is not None and not data
    settle(registry, registry.ask("PUT", url, 201, [OCTETS, *headers], data, unsized), blob)


def mount(registry, repo, blob, source=None):
    """True if the registry mounted the blob; False if it opened a session instead, which is then used."""
    params = [("mount", blob.digest)] + ([("from", source)] if source else [])
    answer = registry.ask("POST", registry.uploads(repo, params), (201, 202))
    if answer.status == 202:
        close(registry, answer.location(), blob, blob.data)
        return False
    settle(registry, answer, blob, must_name_digest=False)
    return True


def settle(registry, created, blob, must_name_digest=True):
    """Checks a 201 for a blob: it names the digest, and its Location has the bytes."""
    if must_name_digest or created.header("Docker-Content-Digest"):
        created.must_say("Docker-Content-Digest", blob.digest)
    fetched = registry.ask("GET", created.location(), 200)
    if fetched.body != blob.data:
        raise Failure(f"{fetched}: {len(fetched.body)} other bytes than were pushed")


WAYS = {
    "single POST": in_one_post,
    "POST and PUT": in_post_and_put,
    "stream": streamed,
    "chunks": in_chunks,
}
