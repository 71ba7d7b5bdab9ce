"""The unit: how few rights it gives, and whether the server works with them."""

import re

from harness import PACKAGING, Failed, expect, folder, free_port, hermetic, needs, process, run, said, trial, wait_until
from layouts import small

UNIT = PACKAGING / "systemd/gangplank.service"


@trial("the unit is exposed by 1.2 at most")
def exposure(_):
    needs("systemd-analyze", "systemd")
    told = run("systemd-analyze", "security", "--offline=true", UNIT)
    level = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", told)[1])
    expect(level <= 1.2, f"it is {level}")


@trial("systemd finds nothing wrong with the unit and its drop-ins")
def verified(bench):
    with folder() as work:
        root = work / "root"
        run("cp", "--archive", "--reflink=auto", bench.root, root)
        run("dpkg-deb", "--extract", bench.artefact("*.deb"), root)
        for drop_in in sorted((PACKAGING / "systemd/drop-ins").iterdir()):
            beside = root / "etc/systemd/system/gangplank.service.d"
            beside.mkdir(parents=True, exist_ok=True)
            (beside / drop_in.name).write_text(drop_in.read_text())
        told = run("systemd-analyze", "verify", "--man=no", f"--root={root}", "gangplank.service")
        # Other units of Debian are not our concern.
        ours = [line for line in told.splitlines() if "gangplank" in line]
        expect(not ours, "\n".join(ours))


@trial("the server makes no system call that the unit forbids")
def system_calls(bench):
    needs("strace", "strace")
    allowed = calls("@system-service") - calls("@privileged") - calls("@resources")
    expect(len(allowed) > 150, f"only {len(allowed)} calls are allowed")
    with folder() as work:
        port, trace = free_port(), work / "trace"
        home = work / "home"
        home.mkdir()
        run("chown", "-R", "65534:65534", work)
        # The server does not run as root here, because SQLite does more as root.
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        with process(
            *as_nobody, "strace", "--follow-forks", "--quiet=all", "--output", trace, bench.program, "serve",
            "--listen", f"127.0.0.1:{port}", "--data-dir", work / "data", "--engine", "none",
            log=work / "log", env=hermetic(home),
        ) as strace:  # fmt: skip
            wait_until(lambda: "listening on" in said(work / "log"), "the server's start")
            bench.push(small(work / "layout"), "--data-dir", work / "data")
            bench.gangplank("services", "--data-dir", work / "data")
            bench.gangplank("gc", "--data-dir", work / "data")
            server = int(run("pgrep", "--parent", strace.pid).split()[0])
            run("kill", "-HUP", server)
            run("kill", "-TERM", server)
            strace.wait(60)
        made = {match[1] for match in re.finditer(r"^\d+ +(\w+)\(", said(trace), re.M)}
        expect({"fdatasync", "accept4", "renameat2", "rename"} & made, f"nothing was traced: {made}")
        refused = made - allowed
        if refused:
            raise Failed(f"the unit forbids {sorted(refused)}")


def calls(group):
    """The system calls in a group of systemd, and in the groups that it contains."""
    found = set()
    for line in run("systemd-analyze", "--no-pager", "syscall-filter", group).splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found
