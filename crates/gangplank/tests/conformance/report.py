"""One line per check, and the count at the end."""

from contextlib import contextmanager


class Failure(Exception):
    """The registry answered, and the answer is wrong."""


class Refused(Exception):
    """The registry said, in a way the specification allows, that it does not offer this."""


class Report:
    def __init__(self, only=""):
        self.passed = self.failed = self.skipped = 0
        self._only = only
        self._outcome = {}

    def wants(self, name):
        return name.startswith(self._only) or self._only.startswith(name)

    def skip(self, name, why):
        self.skipped += 1
        self._print("skip", name, why)

    @contextmanager
    def check(self, name, needs=()):
        """Runs the block as the check `name`.

        A check that needs one that did not pass is skipped, by its first request: see `Needs`.
        """
        missing = [need for need in needs if self._outcome.get(need) != "ok"]
        try:
            if missing:
                raise Refused(f"needs {missing[0]}")
            yield
        except Failure as error:
            self.failed += 1
            self._print("FAIL", name, str(error))
        except Refused as error:
            self.skip(name, str(error))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.failed += 1
            self._print("FAIL", name, f"{type(error).__name__}: {error}")
        else:
            self.passed += 1
            self._print("ok", name, "")

    def _print(self, outcome, name, detail):
        self._outcome[name] = outcome
        print(f"{outcome:4}  {name}  {detail}".rstrip(), flush=True)

    def close(self):
        """Prints the closing line; what the process should exit with."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0
