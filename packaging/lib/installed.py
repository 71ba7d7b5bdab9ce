"""The files of an installation, by their paths below its prefix (/usr or /usr/local)."""

import functools
import subprocess
import tempfile
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path

from archive import Entry, compressed
from notices import notices
from release import PACKAGING, SOURCE, run

DOC = "share/doc/gangplank"
# Other names of the program. The name decides what it does.
LINKS = ("lightsailctl", "docker-credential-gangplank", "gangplank-credential-provider")


def program(release):
    """The program and its other names."""
    found = {"bin/gangplank": Entry(release.binary.read_bytes(), mode=0o755)}
    found.update({f"bin/{name}": Entry(link="gangplank") for name in LINKS})
    return found


def licences(parts):
    found = {f"{DOC}/{name}": Entry((SOURCE / name).read_bytes()) for name in ("LICENSE-APACHE", "LICENSE-MIT")}
    found[f"{DOC}/third-party-licences.gz"] = Entry(compressed(notices(parts).encode()))
    return found


def everything(release, parts, prefix, zsh):
    """All files. `prefix` is where the unit finds the program, `zsh` the folder of zsh's completions."""
    found = {**program(release), **licences(parts), **manual_pages(release)}
    completions = {
        "bash": "share/bash-completion/completions/gangplank",
        "fish": "share/fish/vendor_completions.d/gangplank.fish",
        "zsh": f"{zsh}/_gangplank",
    }
    for shell, path in completions.items():
        found[path] = Entry(run([release.binary, "generate", "completions", shell]).encode())
    for name in ("README.md", "CHANGELOG.md"):
        found[f"{DOC}/{name}.gz"] = Entry(compressed((SOURCE / name).read_bytes()))
    unit = (PACKAGING / "systemd/gangplank.service").read_text().replace("/usr/bin/", f"{prefix}/bin/")
    unit = unit.replace("/usr/share/", f"{prefix}/share/")
    found["lib/systemd/system/gangplank.service"] = Entry(unit.encode())
    found["lib/sysusers.d/gangplank.conf"] = Entry((PACKAGING / "systemd/sysusers.conf").read_bytes())
    for file in sorted((PACKAGING / "systemd/drop-ins").iterdir()):
        text = file.read_text().replace("/usr/bin/", f"{prefix}/bin/")
        found[f"{DOC}/systemd/{file.name}"] = Entry(text.encode())
    return found


@functools.cache
def manual_pages(release):
    with tempfile.TemporaryDirectory() as folder:
        run([release.binary, "generate", "man", folder], stderr=subprocess.DEVNULL)
        return {
            f"share/man/man1/{page.name}.gz": Entry(compressed(page.read_bytes())) for page in Path(folder).iterdir()
        }


def settings(release):
    """/etc/gangplank/gangplank.toml: the program's sample, below a comment about the service."""
    head = (
        "# The service names its data directory itself, /var/lib/gangplank, and data-dir below does not count for it:\n"
        "# share/doc/gangplank/systemd/data-elsewhere.conf says how to have another one. `systemctl restart gangplank`\n"
        "# takes what is changed here.\n"
        "#\n"
    )
    return (head + run([release.binary, "generate", "config"])).encode()


def debian_changelog(release):
    """The changelog in the form that Debian's tools read. CHANGELOG.md has the changes."""
    date = format_datetime(datetime.fromtimestamp(release.epoch, timezone.utc))
    return (
        f"gangplank ({debian_version(release)}) stable; urgency=medium\n\n"
        "  * What changed is in CHANGELOG.md.gz, beside this file.\n\n"
        f" -- The Gangplank developers <gangplank@users.noreply.github.com>  {date}\n"
    ).encode()


def debian_version(release):
    """A pre-release sorts before its release only if a tilde marks it."""
    return release.version.replace("-", "~")
