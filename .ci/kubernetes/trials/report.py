"""One line for each trial, and the count at the end."""

import re
import time

# Texts that look like passwords are shortened.
LONG_WORD = re.compile(r"([\w-]{12})[\w-]{28,}")


class Report:
    def __init__(self, only):
        self._only = only
        self._outcomes = {"ok": [], "FAIL": [], "skip": []}

    def wants(self, names):
        """Whether any of these trials is requested."""
        return not self._only or any(name.startswith(only) for name in names for only in self._only)

    def try_one(self, name, trial, world, needs):
        """Runs a trial if all trials that it needs have passed."""
        missing = [need for need in needs if need not in self._outcomes["ok"]]
        if missing:
            return self._tell("skip", name, 0, f"needs {', '.join(missing)}")
        began = time.monotonic()
        try:
            trial(world)
        except Exception as failure:  # Whatever it is, the others are tried.
            return self._tell("FAIL", name, time.monotonic() - began, f"{type(failure).__name__}: {failure}")
        return self._tell("ok", name, time.monotonic() - began, "")

    def _tell(self, outcome, name, seconds, detail):
        self._outcomes[outcome].append(name)
        detail = LONG_WORD.sub(r"\1…", " ".join(detail.split()))
        print(f"{outcome:4}  {name}  ({seconds:.1f} s)  {detail[:1500]}".rstrip(), flush=True)

    def close(self):
        """Prints the closing line and gives the exit status."""
        counts = {outcome: len(names) for outcome, names in self._outcomes.items()}
        print(f"kubernetes: {counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
        return 0 if counts["ok"] and not counts["FAIL"] + counts["skip"] else 1
