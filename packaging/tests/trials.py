"""Packs a program, and runs all trials on the packed files."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import harness
from bench import Bench

# Trials run in this order.
import try_files  # noqa: F401
import try_unit  # noqa: F401
import try_deb  # noqa: F401
import try_tarball  # noqa: F401
import try_rpm  # noqa: F401
import try_image  # noqa: F401
import try_compose  # noqa: F401
import try_replicas  # noqa: F401
import try_page  # noqa: F401
import try_workflows  # noqa: F401


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program", type=Path)
    arguments.add_argument("--packed", type=Path, help="what packaging/build made of it; else it is packed first")
    arguments.add_argument("--only", default="", help="the trials whose words contain this")
    arguments.add_argument("--compose", type=Path, required=True)
    arguments.add_argument("--actionlint", type=Path, required=True)
    arguments.add_argument("--root", type=Path, required=True)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="gangplank-packaging-trials-") as work:
        with Bench(given, Path(work)) as bench:
            return harness.run_all(bench, given.only)


sys.exit(1 if main() else 0)
