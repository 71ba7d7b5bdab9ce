"""Properties of all packed files."""

import filecmp
import json
import re

from harness import SOURCE, Failed, expect, folder, needs, run, trial


@trial("the same program packed twice gives the same bytes")
def same_bytes(bench):
    first = bench.packed
    with folder() as work:
        second = bench.pack(work / "again")
        names = sorted(str(file.relative_to(first)) for file in first.rglob("*") if file.is_file())
        again = sorted(str(file.relative_to(second)) for file in second.rglob("*") if file.is_file())
        expect(names == again, f"other files: {set(names) ^ set(again)}")
        expect(len(names) > 10, f"only {names}")
        _, differ, errors = filecmp.cmpfiles(first, second, names, shallow=False)
        expect(not differ and not errors, f"these differ: {differ + errors}")


@trial("SHA256SUMS names every file and holds")
def checksums(bench):
    told = run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=bench.packed)
    files = {file.name for file in bench.packed.iterdir() if file.is_file()} - {"SHA256SUMS"}
    expect({line.split(":")[0] for line in told.splitlines()} == files, f"not all of {files}: {told}")


@trial("the program wants no glibc newer than 2.34, as the packages say")
def glibc_floor(bench):
    needs("objdump", "binutils")
    wanted = set(re.findall(r"GLIBC_(\d+)\.(\d+)", run("objdump", "-T", bench.program)))
    newest = max((int(major), int(minor)) for major, minor in wanted)
    expect(newest <= (2, 34), f"it wants {newest}")
    said = (SOURCE / "packaging/nfpm.yaml").read_text()
    expect("libc6 (>= 2.34)" in said and "GLIBC_2.34" in said, "nfpm.yaml names another version")


@trial("the list of parts is CycloneDX and names what the program is made of")
def list_of_parts(bench):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = bench.artefact("*.cdx.json").read_text()
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    expect(wrong is None, f"the schema refuses it: {wrong}")
    document = json.loads(text)
    names = {part["name"] for part in document["components"]}
    expect(
        {"rustls", "rusqlite", "libsqlite3-sys", "aws-lc-sys", "gangplank-core"} <= names,
        f"something is missing: {names}",
    )
    strangers = names & {"proptest", "libtest-mimic", "cc", "serde_derive", "gangplank-testkit"}
    expect(not strangers, f"these are in no program: {strangers}")
    unknown = [
        part["name"]
        for part in document["components"]
        if "hashes" not in part and not part["name"].startswith("gangplank-")
    ]
    expect(not unknown, f"downloaded, and without a digest: {unknown}")
    digest = run("sha256sum", bench.program).split()[0]
    expect(document["metadata"]["component"]["hashes"][0]["content"] == digest, "it is about another program")


@trial("the licences of all crates go with the program")
def notices(bench):
    told = run("sh", "-c", f"tar -xzOf {bench.artefact('*.tar.gz')} --wildcards '*/third-party-licences.gz' | zcat")
    parts = json.loads(bench.artefact("*.cdx.json").read_text())["components"]
    missing = [part["name"] for part in parts if "purl" in part and f"{part['name']}@{part['version']}  " not in told]
    expect(not missing, f"not named: {missing}")
    expect("Permission is hereby granted" in told and "Redistribution and use" in told, "there are no texts")


@trial("completions are what each shell reads")
def completions(bench):
    with folder() as work:
        for shell, package in (("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")):
            needs(shell, package)
            script = work / shell
            script.write_text(bench.gangplank("generate", "completions", shell))
            run(shell, "--no-execute" if shell == "fish" else "-n", script)


@trial("lintian finds nothing in the .deb")
def lintian(bench):
    needs("lintian", "lintian")
    told = run(
        "lintian",
        "--allow-root",
        "--fail-on=error,warning",
        "--tag-display-limit=0",
        bench.artefact("*.deb"),
        ok=(0, 2),
    )
    lines = [line for line in told.splitlines() if line[:2] in ("E:", "W:")]
    if lines:
        raise Failed("\n".join(lines))
