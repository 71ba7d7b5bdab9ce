"""The common code of all trials: names, lines of outcome, and help with processes and folders."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PACKAGING = TESTS.parent
SOURCE = PACKAGING.parent
REQUIRED = os.environ.get("GANGPLANK_REQUIRE_CLIENTS") == "1"

_trials = []


class Skipped(Exception):
    """The trial needs something that is not installed."""


class Failed(Exception):
    """A check of a trial failed."""


def trial(words):
    """Makes a function a trial with this description."""

    def add(function):
        _trials.append((words, function))
        return function

    return add


def run_all(bench, wanted):
    """Runs the trials whose descriptions contain the wanted words. Returns how many failed."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for words, function in _trials:
        if wanted and wanted not in words:
            continue
        started = time.monotonic()
        outcome, why = "passed", ""
        try:
            function(bench)
        except Skipped as skipped:
            outcome, why = ("failed" if REQUIRED else "skipped"), f": {skipped}"
        except (Failed, OSError, AssertionError, subprocess.SubprocessError, LookupError, ValueError) as failed:
            outcome, why = "failed", f": {failed}"
            if not isinstance(failed, Failed):
                traceback.print_exc()
        counts[outcome] += 1
        print(f"packaging: {outcome}: {words} ({time.monotonic() - started:.1f} s){why}", flush=True)
    print("packaging: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()), flush=True)
    return counts["failed"]


def needs(program, package):
    """The path of a program. If it is missing, the trial is skipped."""
    found = shutil.which(program)
    if not found:
        raise Skipped(f"there is no {program}: apt-get install {package}")
    return found


def run(*command, ok=(0,), text_in="", **options):
    """The output of a command, both streams. Fails if the status is not the expected one."""
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        input=text_in, check=False, **options
    )  # fmt: skip
    if done.returncode not in ok:
        raise Failed(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def expect(truth, words):
    if not truth:
        raise Failed(words)


def wait_until(ready, what, seconds=60):
    """Waits until `ready()` returns a true value, and returns this value."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := ready():
            return found
        time.sleep(0.1)
    raise Failed(f"{what} did not happen within {seconds} s")


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


@contextlib.contextmanager
def folder():
    """A folder that is removed at the end, even if files in it belong to other users."""
    path = Path(tempfile.mkdtemp(prefix="gangplank-trial-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def process(*command, log, stop=signal.SIGTERM, **options):
    """A process that ends with the block. Its output goes to the file `log`."""
    with open(log, "w") as opened:
        started = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=opened, stderr=opened, **options
        )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.send_signal(stop)
            try:
                started.wait(60)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def hermetic(home, **more):
    """An environment without the variables of the user who runs this."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}


def said(file):
    return Path(file).read_text(errors="replace") if Path(file).exists() else ""


def log(words):
    print(words, file=sys.stderr, flush=True)
