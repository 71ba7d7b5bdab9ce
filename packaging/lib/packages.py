"""The packages for Debian and for RPM. nfpm makes both from one description (nfpm.yaml), on any machine."""

import json
import os
from pathlib import Path

import installed
from archive import Entry, compressed
from release import PACKAGING, run

ZSH = {"deb": "share/zsh/vendor-completions", "rpm": "share/zsh/site-functions"}


def write(release, parts, work, folder, kind):
    files = {f"usr/{path}": entry for path, entry in installed.everything(release, parts, "/usr", ZSH[kind]).items()}
    if kind == "deb":
        files[f"usr/{installed.DOC}/copyright"] = Entry((PACKAGING / "deb/copyright").read_bytes())
        files["usr/share/lintian/overrides/gangplank"] = Entry((PACKAGING / "deb/lintian-overrides").read_bytes())
        files[f"usr/{installed.DOC}/changelog.gz"] = Entry(compressed(installed.debian_changelog(release)))
    files["etc/gangplank/gangplank.toml"] = Entry(installed.settings(release))

    contents = [content(path, entry, work) for path, entry in sorted(files.items())]
    contents.append({"dst": "/etc/gangplank", "type": "dir", "file_info": {"mode": 0o755}})
    description = work / "nfpm.yaml"
    # JSON is YAML.
    description.write_text((PACKAGING / "nfpm.yaml").read_text() + f"contents: {json.dumps(contents)}\n")

    tools = Path(run([PACKAGING / "tools/install", "packing"]).strip())
    names = {
        "deb": f"gangplank_{release.version}_{release.architecture}.deb",
        "rpm": f"gangplank-{release.version}-1.{release.rpm_architecture}.rpm",
    }
    told = {
        "VERSION": release.version,
        "ARCH": release.architecture,
        "SOURCE_DATE_EPOCH": str(release.epoch),
    }
    run(
        [tools / "nfpm", "package", "--config", description, "--packager", kind, "--target", folder / names[kind]],
        # The paths of scripts are relative to this folder.
        cwd=PACKAGING,
        env={**os.environ, **told},
    )


def content(path, entry, work):
    """A file in the form of nfpm. Its bytes are put into the folder `work`."""
    if entry.link is not None:
        return {"src": entry.link, "dst": f"/{path}", "type": "symlink"}
    source = work / path
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(entry.content)
    about = {"src": str(source), "dst": f"/{path}", "file_info": {"mode": entry.mode, "owner": "root", "group": "root"}}
    if path.startswith("etc/"):
        about["type"] = "config|noreplace"
    return about
