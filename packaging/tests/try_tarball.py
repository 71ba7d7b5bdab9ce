"""The archive for any Linux."""

from harness import expect, folder, hermetic, process, run, said, trial, wait_until
from layouts import small
from try_deb import restart


@trial("tarball: the program runs from where it is unpacked, without an installation")
def anywhere(bench):
    with folder() as work:
        run("tar", "-xzf", bench.artefact("*.tar.gz"), "-C", work)
        (unpacked,) = [path for path in work.iterdir() if path.is_dir()]
        expect(unpacked.name.startswith(f"gangplank-{bench.version}-"), unpacked.name)
        program = unpacked / "bin/gangplank"
        home = work / "home"
        home.mkdir()
        command = [program, "serve", "--listen", "127.0.0.1:0", "--data-dir", work / "data", "--engine", "none"]
        with process(*command, log=work / "log", env=hermetic(home)):
            wait_until(lambda: "listening on" in said(work / "log"), "the server's start")
            told = run(
                program, "push", f"oci:{small(work / 'layout')}", "--data-dir", work / "data", "--service-name", "web",
                "--label", "app", "--create-service", "-q", env=hermetic(home),
            )  # fmt: skip
            expect(told.split()[-1] == ":web.app.1", told)


@trial("tarball: unpacked in /usr/local it is an installation with a service")
def service(bench):
    debian = bench.debian
    archive = debian.put(bench.artefact("*.tar.gz"))
    debian.run("tar", "-xzf", archive, "-C", "/usr/local", "--strip-components=1", "--no-same-owner")
    debian.run(
        "install", "-D", "-m", "644", "/usr/local/share/doc/gangplank/gangplank.toml", "/etc/gangplank/gangplank.toml"
    )
    debian.run("systemd-sysusers")
    restart(debian)
    debian.settle()
    expect("/usr/local/bin/gangplank" in debian.property("ExecStart"), debian.property("ExecStart"))
    told = debian.run("stat", "--format=%U %a", "/var/lib/gangplank")
    expect(told.strip() == "gangplank 700", told)
    debian.run("systemctl", "stop", "gangplank")
    expect("stopped" in debian.journal().lower(), debian.journal())
    debian.run("sh", "-c", "rm -r /etc/gangplank /usr/local/*/*gangplank* /usr/local/lib/s* /var/lib/gangplank")
