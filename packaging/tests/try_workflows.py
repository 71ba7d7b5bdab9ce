"""The workflows of GitHub, as far as they can be checked without GitHub."""

import re

from harness import PACKAGING, SOURCE, expect, folder, needs, run, trial

WORKFLOWS = SOURCE / ".github/workflows"


@trial("workflows: actionlint and shellcheck find nothing")
def lint(bench):
    needs("shellcheck", "shellcheck")
    files = sorted(WORKFLOWS.glob("*.yml"))
    expect({"ci.yml", "release.yml"} <= {file.name for file in files}, str(files))
    run(bench.actionlint, "-no-color", *files)
    scripts = [
        PACKAGING / name for name in ("program", "tools/install", "tests/run", "tests/debian-root", "release-notes")
    ]
    run("shellcheck", *scripts, *sorted((PACKAGING / "deb").glob("p*")))
    run("shellcheck", "--shell=sh", *sorted((PACKAGING / "rpm").iterdir()))


@trial("workflows: every action is pinned by its commit, and no job has rights that it did not ask for")
def pinned(_):
    for file in WORKFLOWS.glob("*.yml"):
        text = file.read_text()
        for used in re.findall(r"uses: *(\S+)", text):
            expect(used.startswith("./") or re.search(r"@[0-9a-f]{40}$", used), f"{file.name}: {used} is not pinned")
        expect(re.search(r"^permissions: \{\}$", text, re.M), f"{file.name} does not take all rights away first")


@trial("release notes: of a version that CHANGELOG.md has, and of no other")
def notes(bench):
    with folder() as work:
        changes = work / "CHANGELOG.md"
        changes.write_text(
            f"# Changelog\n\n## Unreleased\n\nlater\n\n## {bench.version} - 2026-12-01\n\n- this\n\n## 0.0.1\n\n- before\n"
        )
        told = run(PACKAGING / "release-notes", f"v{bench.version}", changes)
        expect(told.strip() == "- this", told)
        told = run(PACKAGING / "release-notes", "v9.9.9", changes, ok=(1,))
        expect("9.9.9" in told, told)
        changes.write_text("# Changelog\n\n## Unreleased\n\nlater\n")
        told = run(PACKAGING / "release-notes", f"v{bench.version}", changes, ok=(1,))
        expect("has no section" in told, told)
