"""The release to pack: its program, version, architecture and time. All file names follow from these."""

import os
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

PACKAGING = Path(__file__).resolve().parent.parent
SOURCE = PACKAGING.parent

# The machine number in an ELF file, with the names that Debian, Docker and Go, RPM, and Rust use for it.
ARCHITECTURES = {
    62: ("amd64", "x86_64", "x86_64-unknown-linux-gnu"),
    183: ("arm64", "aarch64", "aarch64-unknown-linux-gnu"),
}


class Refused(Exception):
    """Packing is not possible; the text says why."""


@dataclass(frozen=True)
class Release:
    binary: Path
    version: str
    architecture: str
    rpm_architecture: str
    target: str
    # Seconds since 1970; the time of every file.
    epoch: int
    # The commit, or None outside a repository.
    revision: "str | None"

    @staticmethod
    def of(binary, version=None):
        """Finds out the facts about a program. `version` may append something after a + to its version."""
        machine = elf_machine(binary)
        if machine not in ARCHITECTURES:
            raise Refused(f"{binary} is no program for amd64 or arm64 on Linux")
        said = run([binary, "version"]).split()[-1]
        version = version or said
        if version != said and not version.startswith(f"{said}+"):
            raise Refused(f"{binary} says that it is {said}, not {version}")
        if not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?(\+[0-9A-Za-z.]+)?", version):
            raise Refused(f"{version} is no version that packages can have")
        return Release(binary, version, *ARCHITECTURES[machine], epoch(), revision())

    @property
    def stem(self):
        return f"gangplank-{self.version}-{self.architecture}"


def program(profile):
    """Builds the program with one of Cargo's profiles. Returns its path."""
    return Path(run([PACKAGING / "program", "--profile", profile]).strip())


def run(command, **options):
    """The output of a command. Its errors go to the terminal."""
    try:
        return subprocess.run(
            [str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True, **options
        ).stdout
    except subprocess.CalledProcessError as error:
        raise Refused(f"{Path(command[0]).name} failed: {error.stdout.strip()}") from error
    except OSError as error:
        raise Refused(str(error)) from error


def elf_machine(file):
    """The machine number of a 64-bit little-endian ELF file; None for any other file."""
    with open(file, "rb") as opened:
        head = opened.read(20)
    if len(head) < 20 or head[:6] != b"\x7fELF\x02\x01":
        return None
    return struct.unpack_from("<H", head, 18)[0]


def epoch():
    """SOURCE_DATE_EPOCH, else the time of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct")
    if not given:
        raise Refused("this is no git repository: set SOURCE_DATE_EPOCH to the time that files are to have")
    return int(given)


def revision():
    return git("rev-parse", "HEAD") or None


def git(*words):
    # A checkout may belong to another user, as in a container of a CI.
    told = subprocess.run(
        ["git", "-c", f"safe.directory={SOURCE}", "-C", str(SOURCE), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() if told.returncode == 0 else ""
