"""Manifests and tags: a pack is pushed, listed, asked for, pulled and deleted again."""

import os
from functools import partial

import packs
import uploads
from blobs import delete_blob, get_blob, head_blob
from content import digest_of
from registry import BOTH_MANIFESTS, INDEX
from report import Refused, each, expect

MALFORMED = "sha256:baddigeststring"


def run(report, registry, repo, sparse):
    for pack in packs.all_packs(sparse):
        whole_life(report, registry, repo, pack)
    if not sparse:
        report.skip("sparse image", "not asked for: --sparse")
        report.skip("sparse index", "not asked for: --sparse")
    never_pushed(report, registry, repo)
    wrong_digest(report, registry, repo)
    malformed_digest(report, registry, repo)


def whole_life(report, registry, repo, pack):
    def step(name, action, *args, needs=None):
        report.check(f"{pack.name}/{name}", action, *args, needs=needs and f"{pack.name}/{needs}")

    def every(action, items):
        return each, items, partial(action, registry, repo)

    blobs, tags = pack.blobs.values(), pack.tags.items()
    step("push blobs", *every(uploads.in_post_and_put, blobs))
    step("push by digest", *every(put_by_digest, [(pack, manifest) for manifest in pack.manifests]))
    if not pack.tag_parameters and tags:
        step("push by tag", *every(put_by_tag, tags))
    pushed = "push by tag" if tags and not pack.tag_parameters else "push by digest"
    step("list tags", list_tags, registry, repo, pack, needs=pushed)
    for verb, of_manifest, of_blob in (("head", head_manifest, head_blob), ("get", get_manifest, get_blob)):
        if tags:
            step(f"{verb} by tag", *every(of_manifest, tags), needs=pushed)
        step(f"{verb} by digest", *every(of_manifest, [(m.digest, m) for m in pack.manifests]), needs="push by digest")
        step(f"{verb} blobs", *every(of_blob, blobs), needs="push blobs")
    for subject, expected in referrers_of(pack).items():
        step("list referrers", list_referrers, registry, repo, subject, expected, needs="push by digest")
        for kind in sorted({shown.get("artifactType") for shown in expected}):
            step(f"list referrers of type {kind}", list_referrers_of_type, registry, repo, subject, kind, expected,
                 needs="push by digest")
    delete_pack(step, every, pack)


def delete_pack(step, every, pack):
    """Deletes in an order in which nothing refers to deleted content: tags, indexes, images, blobs."""
    if pack.tags:
        step("delete tags", *every(delete_manifest, pack.tags))
    step("delete manifests", *every(delete_manifest, [manifest.digest for manifest in reversed(pack.manifests)]))
    step("delete blobs", *every(delete_blob, pack.blobs.values()))


def put_by_digest(registry, repo, pack_and_manifest):
    pack, manifest = pack_and_manifest
    tags = [tag for tag, tagged in pack.tags.items() if pack.tag_parameters and tagged is manifest]
    created = put(registry, repo, manifest.digest, manifest, [("tag", tag) for tag in tags])
    told = {tag.strip() for header in created.headers("OCI-Tag") for tag in header.split(",")}
    untold = [tag for tag in tags if tag not in told]
    if untold:
        raise Refused(f"{created}: OCI-Tag does not name {', '.join(untold)}")


def put_by_tag(registry, repo, tag_and_manifest):
    tag, manifest = tag_and_manifest
    put(registry, repo, tag, manifest)


def put(registry, repo, reference, manifest, params=()):
    """Pushes a manifest without its length, as Go's client does."""
    content_type = ("Content-Type", manifest.media_type)
    url = registry.manifest(repo, reference, params)
    created = registry.ask("PUT", url, 201, [content_type], manifest.body, unsized=True)
    created.must_say("Docker-Content-Digest", manifest.digest)
    if manifest.subject:
        created.must_say("OCI-Subject", manifest.subject)
    fetched = registry.ask("GET", created.location(), 200, BOTH_MANIFESTS)
    is_manifest(fetched, manifest)
    expect(fetched.body == manifest.body, f"{fetched}: other bytes than were pushed")
    return created


def is_manifest(answer, manifest):
    answer.must_say("Content-Type", manifest.media_type)
    answer.must_say("Content-Length", str(len(manifest.body)))
    answer.must_say("Docker-Content-Digest", manifest.digest)


def head_manifest(registry, repo, reference_and_manifest):
    reference, manifest = reference_and_manifest
    answer = registry.ask("HEAD", registry.manifest(repo, reference), 200, BOTH_MANIFESTS)
    is_manifest(answer, manifest)
    expect(not answer.body, f"{answer}: a HEAD with a body")


def get_manifest(registry, repo, reference_and_manifest):
    reference, manifest = reference_and_manifest
    answer = registry.ask("GET", registry.manifest(repo, reference), 200, BOTH_MANIFESTS)
    is_manifest(answer, manifest)
    expect(answer.body == manifest.body, f"{answer}: other bytes than were pushed")


def delete_manifest(registry, repo, reference):
    answer = registry.ask("DELETE", registry.manifest(repo, reference), (202, 404, 400, 405))
    if answer.status in (400, 405):
        raise Refused(f"{answer}: cannot be deleted")
    registry.ask("HEAD", registry.manifest(repo, reference), 404, BOTH_MANIFESTS)


def tags_of(registry, repo, params=(), want=(200, 404)):
    answer = registry.ask("GET", registry.url(f"/v2/{repo}/tags/list", params), want)
    return (answer.json().get("tags") or []) if answer.status == 200 else []


def list_tags(registry, repo, pack):
    tags = tags_of(registry, repo)
    missing = set(pack.tags) - set(tags)
    expect(not missing, f"tags/list lacks {', '.join(sorted(missing))}")
    if len(tags) < 2:
        return
    tags.sort()
    middle = len(tags) // 2
    last = tags[middle - 1]
    after = tags_of(registry, repo, [("last", last)])
    expect(sorted(after) == tags[middle:], f"tags/list?last={last} is {sorted(after)}, not {tags[middle:]}")


def referrers_of(pack):
    found = {}
    for manifest in pack.manifests:
        if manifest.subject:
            found.setdefault(manifest.subject, []).append(manifest.as_referrer())
    return found


def ask_referrers(registry, repo, subject, params=()):
    answer = registry.ask("GET", registry.url(f"/v2/{repo}/referrers/{subject}", params), 200)
    answer.must_say("Content-Type", INDEX)
    index = answer.json()
    expect(index.get("mediaType") == INDEX and index.get("schemaVersion") == 2, f"{answer}: not an image index")
    expect(isinstance(index.get("manifests"), list), f"{answer}: manifests is not a list")
    return answer, index["manifests"]


def list_referrers(registry, repo, subject, expected):
    answer, shown = ask_referrers(registry, repo, subject)
    shows(answer, shown, expected)


def list_referrers_of_type(registry, repo, subject, kind, expected):
    answer, shown = ask_referrers(registry, repo, subject, [("artifactType", kind)])
    applied = [name.strip() for header in answer.headers("OCI-Filters-Applied") for name in header.split(",")]
    if "artifactType" not in applied:
        shows(answer, shown, expected)
        raise Refused(f"{answer}: no OCI-Filters-Applied: artifactType")
    shows(answer, shown, [descriptor for descriptor in expected if descriptor.get("artifactType") == kind])
    others = {descriptor.get("artifactType") for descriptor in shown} - {kind}
    expect(not others, f"{answer}: also shows {others}")


def shows(answer, shown, expected):
    def same(one, other):
        plain = all(one.get(key) == other.get(key) for key in ("mediaType", "digest", "size", "artifactType"))
        return plain and (one.get("annotations") or {}).items() >= other["annotations"].items()

    for descriptor in expected:
        found = any(same(one, descriptor) for one in shown)
        expect(found, f"{answer}: lacks {descriptor['digest'][:19]}… as it was pushed, among {len(shown)}")


def never_pushed(report, registry, repo):
    for name, reference in (("digest", digest_of(os.urandom(1024))), ("tag", f"missing-{os.urandom(8).hex()}")):
        url = registry.manifest(repo, reference)
        report.check(f"manifest never pushed/get by {name}", registry.ask, "GET", url, 404, BOTH_MANIFESTS)


def wrong_digest(report, registry, repo):
    pack = packs.wrong_digest()
    refused_under(report, registry, repo, pack, pack.manifests[0].digest)


def malformed_digest(report, registry, repo):
    pack = packs.one_image()
    pack.name = "manifest under a malformed digest"
    refused_under(report, registry, repo, pack, MALFORMED)
    url = registry.manifest(repo, MALFORMED)
    report.check(f"{pack.name}/get", registry.ask, "GET", url, (404, 400), BOTH_MANIFESTS)


def refused_under(report, registry, repo, pack, reference):
    def step(name, action, *args):
        report.check(f"{pack.name}/{name}", action, *args)

    def every(action, items):
        return each, items, partial(action, registry, repo)

    manifest = pack.manifests[0]
    content_type = ("Content-Type", manifest.media_type)
    step("push blobs", *every(uploads.in_post_and_put, pack.blobs.values()))
    step("push", registry.ask, "PUT", registry.manifest(repo, reference), 400, [content_type], manifest.body, True)
    delete_pack(step, every, pack)
