"""The expectations of a trial, with messages that explain a failure."""

import time

from cluster import Failure


def expect(true, otherwise):
    if not true:
        raise Failure(otherwise)


def refused(done, *words):
    """Checks that a command failed with these words."""
    said = done.stdout + done.stderr
    expect(done.returncode != 0, f"it succeeded: {said[-300:]}")
    for word in words:
        expect(word in said, f"{word!r} is not said: {said[-600:]}")


def soon(true, otherwise, patience=60):
    """Waits until something is true. `otherwise` is the text of the error, or a function that makes it."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise Failure(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.2)
