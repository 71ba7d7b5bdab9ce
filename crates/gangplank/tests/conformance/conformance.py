"""Does a registry do what the OCI distribution specification says?

Makes the checks of the OCI project's conformance suites in our own code, with the optional parts. It also checks some
things that these suites leave out. It needs only Python 3.11.

    python3 conformance.py --url http://127.0.0.1:5000 --username U --password P

The login must be allowed to push, pull, list and delete in both repositories.
"""

import argparse
import os

import blobs
import manifests
import spec
import workflows
from content import digest_of
from registry import Registry
from report import Report


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="http://HOST:PORT")
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--repository", default="conformance/repo1")
    parser.add_argument("--second-repository", default="conformance/repo2")
    parser.add_argument("--sparse", action="store_true",
                        help="also push manifests that name what is absent, which a registry may refuse")
    parser.add_argument("--strict", action="store_true",
                        help="a feature that the registry may leave out, and does, is a failure and not skipped")
    parser.add_argument("--forget-login", action="store_true",
                        help="wait for the challenge before every request, as the older suite's client does")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only the checks whose name begins so")
    return parser.parse_args()


def main():
    asked = arguments()
    report = Report(asked.only, asked.strict)
    repo, other = asked.repository, asked.second_repository
    login = (asked.username, asked.password)
    registry = Registry(asked.url, *login, remember_login=not asked.forget_login)

    report.check("ping", registry.ask, "GET", registry.url("/v2/"), 200)
    if report.failed:
        return report.close()
    for place, name in (("the repository", repo), ("an untouched repository", f"{repo}-{os.urandom(4).hex()}")):
        nothing = digest_of(os.urandom(9))
        report.check(f"empty/tags of {place}", manifests.tags_of, registry, name)
        report.check(f"empty/referrers in {place}", manifests.ask_referrers, registry, name, nothing)
    for algorithm in ("sha256", "sha512"):
        blobs.run(report, registry, repo, other, algorithm)
    manifests.run(report, registry, repo, asked.sparse)
    workflows.run(report, Registry(asked.url, *login, remember_login=False), repo, other)
    spec.run(report, registry, repo, other)
    return report.close()


if __name__ == "__main__":
    raise SystemExit(main())
