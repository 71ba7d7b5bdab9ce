"""Which name is at which address: for the node by its file of hosts, for Pods by a name server that reads the same."""

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
        """Adds names with their addresses, or moves them to others."""
        with self._lock:
            self._known |= names
            text = "".join(f"{address} {name}\n" for name, address in self._known.items())
            # Written in place, because it is mounted over the machine's own file, and never empty for a reader.
            with open(self._file, "r+") as file:
                file.write(text)
                file.truncate()
