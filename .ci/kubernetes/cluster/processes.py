"""Starts the programs of a cluster, each with a log, waits for them, and checks whether they are alive."""

import subprocess
import time


class Dead(Exception):
    """A program ended, or does not get ready."""


class Processes:
    def __init__(self, logs):
        self._logs = logs
        self._running = {}

    def start(self, name, command, **environment):
        log = open(self._logs / f"{name}.log", "ab")
        self._running[name] = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=environment or None, start_new_session=True)
        log.close()

    def stop(self, name):
        process = self._running.pop(name)
        process.terminate()
        process.wait(timeout=30)

    def wait_until(self, name, ready, patience=120):
        """Waits until `ready()` is true. If it never is, the error has the last output of `name`."""
        end = time.monotonic() + patience
        while not ready():
            ended = self._running[name].poll() is not None
            if ended or time.monotonic() > end:
                raise Dead(f"{name} {'ended' if ended else 'is not ready'}: {self.last_words(name)}")
            time.sleep(0.2)

    def last_words(self, name, lines=5):
        text = (self._logs / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def ran(command, **options):
    """Whether a command succeeds. Its output is ignored."""
    command = [str(word) for word in command]
    return subprocess.run(command, capture_output=True, timeout=60, **options).returncode == 0
