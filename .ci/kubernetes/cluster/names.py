"""Names and their addresses. The node reads its hosts file, and Pods ask a name server that reads the same file."""

import threading


class Names:
    def __init__(self, file):
        self._file = file
        self._known = {"localhost": "127.0.0.1"}
        self._lock = threading.Lock()
        file.parent.mkdir()
        file.touch()
        self.set({})

    def set(self, names):
        """Adds names with their addresses. A name that exists gets the new address."""
        with self._lock:
            self._known |= names
            text = "".join(f"{address} {name}\n" for name, address in self._known.items())
            # The file is written in place, because it is mounted over the machine's own file. A reader never finds it
            # empty.
            with open(self._file, "r+") as file:
                file.write(text)
                file.truncate()
