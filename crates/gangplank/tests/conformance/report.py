"""One line per check, and the count at the end."""

import http.client
import re

LONG_WORD = re.compile(r"([\w-]{12})[\w-]{28,}")


class Failure(Exception):
    """The registry's answer is wrong."""


class Refused(Exception):
    """The registry does not offer this, and says so in a way the specification allows."""


class Report:
    def __init__(self, only="", strict=False):
        self.passed = self.failed = self.skipped = 0
        self._only = only
        self._strict = strict
        self._outcomes = {}

    def check(self, name, action, *args, needs=None):
        """Runs `action(*args)` as the check `name`. Returns its result, or None if the check fails or is skipped.

        The check is skipped if the check named by `needs` did not pass.
        """
        if self._only and not name.startswith(self._only):
            return None
        if needs and self._outcomes.get(needs, "ok") != "ok":
            return self.skip(name, f"needs {needs}")
        try:
            result = action(*args)
        except Refused as refusal:
            if self._strict:
                return self._count("FAIL", name, str(refusal))
            return self.skip(name, str(refusal))
        except Failure as failure:
            return self._count("FAIL", name, str(failure))
        except (OSError, http.client.HTTPException, LookupError, ValueError, TypeError, AttributeError) as error:
            return self._count("FAIL", name, f"{type(error).__name__}: {error}")
        self._count("ok", name, "")
        return result

    def skip(self, name, why):
        self._count("skip", name, why)

    def _count(self, outcome, name, detail):
        self.passed += outcome == "ok"
        self.failed += outcome == "FAIL"
        self.skipped += outcome == "skip"
        self._outcomes[name] = outcome
        detail = LONG_WORD.sub(r"\1…", " ".join(detail.split()))
        print(f"{outcome:4}  {name}  {detail[:400]}".rstrip(), flush=True)

    def close(self):
        """Prints the closing line and gives the exit status."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def expect(condition, complaint):
    if not condition:
        raise Failure(complaint)


def each(items, action):
    """Runs `action` for every item. Reports all failures together, the first three in words."""
    complaints = []
    for item in items:
        try:
            action(item)
        except Failure as failure:
            complaints.append(str(failure))
    if complaints:
        more = f" (and {len(complaints) - 3} more)" if len(complaints) > 3 else ""
        raise Failure("; ".join(complaints[:3]) + more)
