"""Packs a program, and runs all trials on what comes out."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import harness
from bench import Bench

# Their order is the order of the trials.
import try_files  # noqa: F401
import try_unit  # noqa: F401
import try_deb  # noqa: F401
import try_tarball  # noqa: F401
import try_rpm  # noqa: F401
import try_image  # noqa: F401
import try_compose  # noqa: F401
import try_workflows  # noqa: F401


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--program", type=Path)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--tools", type=Path, required=True)
    arguments.add_argument("--root", type=Path, required=True)
    given = arguments.parse_args()
    program = given.program or Path(harness.run(harness.PACKAGING / "program", "--profile", "release").split()[-1])
    with tempfile.TemporaryDirectory(prefix="gangplank-packaging-trials-") as work:
        with Bench(program.resolve(), given.tools, given.root, Path(work)) as bench:
            return harness.run_all(bench, given.only)


sys.exit(1 if main() else 0)
