"""The libraries of this machine that a program loads, with the facts that scanners and lawyers need."""

import re
import subprocess
from pathlib import Path

from archive import Entry
from release import Refused, run


def loaded(binary):
    """The libraries at the paths where the program's loader looks, with their licences and their packages."""
    files, packages = {}, {"ca-certificates"}
    for path in libraries(run(["ldd", binary])):
        real = Path(path).resolve()
        files[path.lstrip("/")] = Entry(real.read_bytes(), mode=0o755)
        packages.add(owner(path, real))
    for package in sorted(packages):
        copyright = Path(f"/usr/share/doc/{package}/copyright")
        files[str(copyright)[1:]] = Entry(copyright.read_bytes())
        # Scanners that support images without dpkg read these.
        files[f"var/lib/dpkg/status.d/{package}"] = Entry(run(["dpkg-query", "--status", package]).encode())
    files["etc/os-release"] = Entry(Path("/etc/os-release").read_bytes())
    return files


def libraries(told):
    """The paths in the output of ldd. The kernel's own library has none."""
    if "not found" in told:
        raise Refused(f"a library is missing here:\n{told}")
    return re.findall(r"(/\S+) \(0x", told)


def owner(path, real):
    """The Debian package of a file. dpkg may know the file by its path before /usr was merged."""
    for candidate in (path, str(real), f"/usr{path}", str(real).removeprefix("/usr")):
        try:
            return run(["dpkg-query", "--search", candidate], stderr=subprocess.DEVNULL).split(":")[0]
        except Refused:
            continue
    raise Refused(f"{path} is of no package: the image is made on Debian or a relative of it")
