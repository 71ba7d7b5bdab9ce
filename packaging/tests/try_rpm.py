"""The .rpm, with Debian's rpm: its metadata, and an installation in a folder."""

import os
import socket

from harness import Failed, expect, folder, needs, process, run, trial, wait_until


@trial(".rpm: says what it is, what it needs and which file is a setting")
def says(bench):
    needs("rpm", "rpm")
    package = bench.artefact("*.rpm")
    run("rpm", "--checksig", "--nosignature", package)

    def query(*words):
        return run("rpm", "--query", "--package", *words, package).splitlines()

    told = query("--queryformat", "%{NAME} %{VERSION} %{LICENSE} %{ARCH}")[0]
    expect(told.startswith(f"gangplank {bench.version} Apache-2.0 OR MIT "), told)
    needed = {line.strip() for line in query("--requires")}
    expect({"libc.so.6(GLIBC_2.34)(64bit)", "libgcc_s.so.1()(64bit)", "systemd"} <= needed, str(needed))
    expect(query("--configfiles") == ["/etc/gangplank/gangplank.toml"], str(query("--configfiles")))
    # Folders of the distribution belong to the distribution.
    folders = query("--queryformat", "[%{FILEMODES:perms} %{FILENAMES}\n]")
    folders = [line.split()[1] for line in folders if line.startswith("d")]
    expect(folders == ["/etc/gangplank"], str(folders))


@trial(".rpm: is installed in a folder, runs as its user, tells its service manager, and goes again")
def install(bench):
    needs("rpm", "rpm")
    with folder() as work:
        root = work / "root"
        run("cp", "--archive", "--reflink=auto", bench.root, root)
        package = bench.artefact("*.rpm")

        def rpm(*words):
            # Without --nodeps rpm checks a database of RPM packages, which Debian does not have.
            return run("rpm", f"--root={root}", "--nodeps", "--dbpath=/var/lib/rpm", *words)

        run("rpm", f"--root={root}", "--dbpath=/var/lib/rpm", "--initdb")
        told = rpm("--install", package)
        expect("/var/lib/gangplank/credentials" in told, f"nobody says where the key is: {told}")
        expect(not rpm("--verify", "gangplank").strip(), "rpm finds changes")
        user = next(line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("gangplank:"))
        identity = int(user.split(":")[2])
        started(root, identity, work)
        # Changed settings and the data are kept.
        settings = root / "etc/gangplank/gangplank.toml"
        settings.write_text(settings.read_text() + "max-repositories = 77\n")
        rpm("--upgrade", bench.artefact("*.rpm", bench.newer))
        expect("max-repositories = 77" in settings.read_text(), "settings are lost")
        told = rpm("--erase", "gangplank")
        expect("/var/lib/gangplank stays" in told, told)
        expect((root / "var/lib/gangplank/gangplank.db").exists(), "the data is gone")
        expect(not (root / "usr/bin/gangplank").exists(), "the program stays")


def started(root, identity, work):
    """Starts the command of the unit, as systemd would, and waits until it reports that it is ready."""
    data = root / "var/lib/gangplank"
    data.mkdir(mode=0o700)
    os.chown(data, identity, identity)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(root / "run/notify"))
        os.chmod(root / "run/notify", 0o777)
        manager.settimeout(60)
        command = ["chroot", f"--userspec={identity}:{identity}", root, "/usr/bin/gangplank", "serve", "--config",
                   "/etc/gangplank/gangplank.toml", "--data-dir", "/var/lib/gangplank", "--listen", "127.0.0.1:0"]  # fmt: skip
        with process(
            *command, log=work / "log", env={"NOTIFY_SOCKET": "/run/notify", "PATH": "/usr/bin:/usr/sbin"}
        ) as server:
            words = manager.recv(4096).decode()
            expect("READY=1" in words, words)
            server.terminate()
            words = manager.recv(4096).decode()
            expect("STOPPING=1" in words, words)
            wait_until(lambda: server.poll() is not None, "the end")
        if server.returncode != 0:
            raise Failed(f"it ended with {server.returncode}: {(work / 'log').read_text()}")
