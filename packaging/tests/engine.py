"""A Docker daemon for the trials, in its own folder."""

import contextlib
import os
import subprocess

from harness import Skipped, hermetic, needs, process, run, said, wait_until, Failed


class Engine(contextlib.AbstractContextManager):
    def __init__(self, folder):
        needs("dockerd", "docker.io")
        if os.geteuid() != 0:
            raise Skipped("only root can start dockerd")
        self.folder, self.client = folder, needs("docker", "docker.io")
        for name in ("home", "tmp"):
            (folder / name).mkdir(parents=True)
        self.socket = f"unix://{folder}/socket"
        # The trials (run) have prepared networks and a firewall for these addresses.
        self.command = [
            "dockerd", f"--host={self.socket}", f"--data-root={folder}/data", f"--exec-root={folder}/exec",
            f"--pidfile={folder}/pid", "--bip=10.218.0.1/24", "--storage-driver=vfs", "--default-address-pool=base=10.217.0.0/16,size=24",
        ]  # fmt: skip

    @property
    def environment(self):
        return hermetic(self.folder / "home", DOCKER_HOST=self.socket, DOCKER_CLI_HINTS="false")

    def __enter__(self):
        environment = hermetic(self.folder, TMPDIR=str(self.folder / "tmp"))
        self.daemon = process(*self.command, log=self.folder / "log", env=environment)
        started = self.daemon.__enter__()

        def is_up():
            if started.poll() is not None:
                raise Failed(f"dockerd ended: {said(self.folder / 'log')[-2000:]}")
            return self._try("info").returncode == 0

        try:
            wait_until(is_up, "dockerd's start")
        except Failed:
            self.daemon.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        for kind in ("container", "network", "volume"):
            if kind == "container":
                containers = self._try("ps", "--all", "--quiet").stdout.split()
                if containers:
                    self._try("rm", "--force", "--volumes", *containers)
            else:
                self._try(kind, "prune", "--force")
        self.daemon.__exit__(None, None, None)

    def _try(self, *words):
        command = [self.client, *map(str, words)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def run(self, *words, ok=(0,)):
        return run(self.client, *words, ok=ok, env=self.environment)
