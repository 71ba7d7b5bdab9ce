"""What a trial expects, said so that a failure explains itself."""

import time

from cluster import Failure


def expect(true, otherwise):
    if not true:
        raise Failure(otherwise)


def refused(done, *words):
    """A command failed, and said these words."""
    said = done.stdout + done.stderr
    expect(done.returncode != 0, f"it succeeded: {said[-300:]}")
    for word in words:
        expect(word in said, f"{word!r} is not said: {said[-600:]}")


def soon(true, otherwise, patience=60):
    """Waits until something holds. `otherwise` is a text, or makes one."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise Failure(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.2)
