"""The things that trials use: the packed files, the program of a server, and a separate Debian."""

import contextlib
import functools
import json

from harness import PACKAGING, Failed, hermetic, run
from machine import Machine


class Bench(contextlib.ExitStack):
    def __init__(self, given, work):
        """`given` are the arguments of trials.py, `work` is an empty folder."""
        super().__init__()
        self.program, self.root, self.work = given.program.resolve(), given.root, work
        self.compose, self.actionlint = given.compose, given.actionlint
        self.given = given.packed and given.packed.resolve()
        self.version = run(self.program, "version", env=hermetic(work)).split()[-1]

    def pack(self, folder, version=None):
        more = ["--version", version] if version else []
        run(PACKAGING / "build", "--binary", self.program, *more, folder)
        return folder

    @functools.cached_property
    def packed(self):
        return self.given or self.pack(self.work / "packed")

    @functools.cached_property
    def newer(self):
        """The same packages with a later version."""
        return self.pack(self.work / "newer", f"{self.version}+trial.1")

    def artefact(self, pattern, folder=None):
        found = sorted((folder or self.packed).glob(pattern))
        if len(found) != 1:
            raise Failed(f"{len(found)} files are {pattern}")
        return found[0]

    @functools.cached_property
    def debian(self):
        """A booted Debian, the same for all trials."""
        return self.enter_context(Machine(self.root, self.work / "debian"))

    def gangplank(self, *words, home=None, **variables):
        return run(self.program, *words, env=hermetic(home or self.work, **variables))

    def push(self, layout, *words, **variables):
        """Pushes a layout and registers it on the service web. Returns the image's name."""
        told = self.gangplank(
            "push", f"oci:{layout}", "--service-name", "web", "--label", "app", "--create-service", "-q", *words,
            **variables,
        )  # fmt: skip
        return told.split()[-1]

    def pull_login(self, *words, **variables):
        told = self.gangplank(
            "registry-login", "create", "--service-name", "web", "--output", "json", *words, **variables
        )
        return json.loads(told)
