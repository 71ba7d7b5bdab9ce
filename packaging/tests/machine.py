"""A Debian that systemd has booted, in its own namespaces and without a network."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from harness import Failed, Skipped, needs, process, run, said, wait_until


class Machine:
    def __init__(self, root, folder):
        needs("systemd-nspawn", "systemd-container")
        if os.geteuid() != 0:
            raise Skipped("only root can boot a machine")
        self.folder, self.root, self.log = folder, folder / "root", folder / "console"
        folder.mkdir()
        run("cp", "--archive", "--reflink=auto", root, self.root)
        # The machine runs in its own cgroups, because systemd takes over the cgroups in which it is started.
        self.groups = Groups(f"gangplank-trial-{os.getpid()}")
        self.process = process(
            *self.groups.entered(), "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
            f"--machine=gangplank-trial-{os.getpid()}", "--directory", self.root, "--boot",
            log=self.log,
        )  # fmt: skip

    def __enter__(self):
        self.nspawn = self.process.__enter__()
        try:
            self.leader = wait_until(self._leader, "the first process of the machine")
            wait_until(lambda: (self.root / "run").is_dir() and self._is_up(), "the machine's start", 120)
        except Failed:
            self.__exit__()
            raise Failed(f"systemd did not start: {said(self.log)[-2000:]}") from None
        return self

    def __exit__(self, *_):
        self.process.__exit__(None, None, None)
        self.groups.remove()
        shutil.rmtree(self.root, ignore_errors=True)

    def _leader(self):
        children = said(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").split()
        if self.nspawn.poll() is not None:
            raise Failed("systemd-nspawn ended")
        return next((int(child) for child in children if said(f"/proc/{child}/comm").strip() == "systemd"), None)

    def _is_up(self):
        return self._try("systemctl", "is-system-running").strip() in ("running", "degraded")

    def _try(self, *command):
        return subprocess.run(self._inside(command), capture_output=True, text=True, check=False).stdout

    def _inside(self, command):
        enter = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root"]
        clean = [
            "env",
            "--chdir=/",
            "-i",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG=C.UTF-8",
        ]
        return [*enter, *clean, "HOME=/root", "DEBIAN_FRONTEND=noninteractive", *map(str, command)]

    def run(self, *command, ok=(0,)):
        """The output of a command in the machine."""
        return run(*self._inside(command), ok=ok)

    def near(self, *command, **options):
        """A program of the host, on the network of the machine."""
        return run("nsenter", f"--target={self.leader}", "--net", *command, **options)

    def put(self, file):
        """Copies a file of the host into the machine. Returns its path there."""
        target = self.root / "root" / Path(file).name
        if Path(file).is_dir():
            shutil.copytree(file, target, dirs_exist_ok=True)
        else:
            shutil.copy(file, target)
        return f"/root/{target.name}"

    def property(self, name):
        return self.run("systemctl", "show", "--value", f"--property={name}", "gangplank").strip()

    def is_ready(self):
        return self._try("gangplank", "ping").strip().endswith("is ready")

    def journal(self):
        return self.run("journalctl", "--no-pager", "--unit=gangplank", "--lines=15")

    def settle(self):
        """Waits until the server answers."""
        try:
            wait_until(self.is_ready, "the server's start", 60)
        except Failed:
            raise Failed(
                f"the server does not answer: {self.run('systemctl', 'status', 'gangplank', ok=range(9))}"
                f"{self.journal()}"
            ) from None
        # systemd would count a restart right after this as one too many.
        time.sleep(0.2)


class Groups:
    """Control groups of the same name, one in each hierarchy that systemd uses."""

    def __init__(self, name):
        tops = [Path("/sys/fs/cgroup") / part for part in ("", "systemd", "unified")]
        self.folders = [top / name for top in tops if (top / "cgroup.procs").exists()]
        for folder in self.folders:
            folder.mkdir(exist_ok=True)

    def entered(self):
        """The words to put before a command that is to run in the groups."""
        entering = "".join(f"echo $$ >{folder}/cgroup.procs && " for folder in self.folders)
        return ["sh", "-c", f'{entering}exec "$@"', "sh"]

    def remove(self):
        for folder in self.folders:
            for inner, _, _ in os.walk(folder, topdown=False):
                try:
                    os.rmdir(inner)
                except OSError:
                    # A process in the group has not ended yet. The group will soon be empty and does no harm.
                    continue
