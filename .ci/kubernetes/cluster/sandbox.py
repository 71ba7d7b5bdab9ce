"""Keeps a node from changing the machine that it runs on.

All of this is done inside mount and network namespaces of our own, which `run` makes. When the last process in them
ends, the namespaces end, and with them everything that was done here.
"""

import pathlib
import subprocess

from .names import Names

NODE = "10.90.0.1"
PODS = "10.91.0.0/24"
SERVICES = "10.92.0.0/24"
API_SERVICE = "10.92.0.1"

# A kubelet sets these for the whole machine. Here it only writes them to files.
KERNEL_SETTINGS = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
                   "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]


def do(*command):
    subprocess.run([str(word) for word in command], check=True)


def enter(home):
    """Hides the machine's folders and settings, and gives the node an address. Returns the names that are known."""
    do("mount", "--make-rshared", "/")
    # Locks of iptables, and sockets of engines.
    do("mount", "-t", "tmpfs", "tmpfs", "/run")
    for folder, place in [("kubelet", "/var/lib/kubelet"), ("cni", "/var/lib/cni"), ("log", "/var/log")]:
        (home / folder).mkdir()
        pathlib.Path(place).mkdir(exist_ok=True)
        do("mount", "--bind", home / folder, place)
    do("mount", "--make-rshared", "/var/lib/kubelet")
    for setting in KERNEL_SETTINGS:
        real = pathlib.Path("/proc/sys") / setting
        copy = home / setting.replace("/", ".")
        copy.write_text(real.read_text())
        do("mount", "--bind", copy, real)
    names = Names(home / "names/hosts")
    do("mount", "--bind", home / "names/hosts", "/etc/hosts")
    do("ip", "link", "set", "lo", "up")
    # A node cannot have an address of loopback, so a bridge without ports has the address. The default route leads
    # to this bridge. So requests to Services leave the node's processes, and kube-proxy's rules apply to them.
    do("ip", "link", "add", "node0", "type", "bridge")
    do("ip", "address", "add", f"{NODE}/24", "dev", "node0")
    do("ip", "link", "set", "node0", "up")
    do("ip", "route", "add", "default", "dev", "node0")
    for forwarding in ["ip_forward", "conf/all/route_localnet"]:
        pathlib.Path("/proc/sys/net/ipv4", forwarding).write_text("1")
    return names


def trust(home, authority):
    """Makes everything here, also containers, trust an authority as if it were a public one."""
    known = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    both = trusted(home)
    both.write_bytes(known.read_bytes() + authority.read_bytes())
    do("mount", "--bind", both, known)


def trusted(home):
    """The file of the authorities that are trusted here."""
    return home / "authorities.crt"
