"""The .deb in a booted Debian: one life, from the first installation to the purge."""

import json

from harness import expect, run, trial, wait_until
from layouts import small

DATA = "/var/lib/gangplank"


@trial(".deb: is installed in a clean Debian and starts by itself, on loopback alone")
def install(bench):
    debian = bench.debian
    told = debian.run("apt-get", "install", "-qy", "--no-install-recommends", debian.put(bench.artefact("*.deb")))
    expect("/var/lib/gangplank/credentials" in told, f"nobody says where the key is:\n{told}")
    expect("GPSK" not in told and "GPAK" not in told, "the key is printed")
    debian.settle()
    expect(debian.property("ActiveState") == "active", debian.journal())
    expect(debian.run("systemctl", "is-enabled", "gangplank").strip() == "enabled", "it is not enabled")
    listening = debian.near("ss", "-Hltn").split("\n")
    addresses = [line.split()[3] for line in listening if line]
    expect(addresses == ["127.0.0.1:5000"], f"it listens on {addresses}")
    told = debian.run("stat", "--format=%U %G %a", DATA, f"{DATA}/credentials", f"{DATA}/master.key").split("\n")
    expect(told[:3] == ["gangplank gangplank 700", "gangplank gangplank 600", "gangplank gangplank 600"], str(told))


@trial(".deb: the first push, and a pull of what was registered")
def first_push(bench):
    debian = bench.debian
    layout = debian.put(small(bench.work / "layout"))
    told = debian.run(
        "gangplank", "push", f"oci:{layout}", "--data-dir", DATA, "--service-name", "web", "--label", "app",
        "--create-service", "-q",
    )  # fmt: skip
    expect(told.split()[-1] == ":web.app.1", told)
    pulled(bench)


@trial(".deb: commands on the data run as the service's user")
def as_the_user(bench):
    told = bench.debian.run("runuser", "-u", "gangplank", "--", "gangplank", "fsck", "--data-dir", DATA)
    expect("all is well" in told, told)


@trial(".deb: its files are all there and unchanged; manual, completions and links work")
def files(bench):
    debian = bench.debian
    expect(not debian.run("dpkg", "--verify", "gangplank").strip(), "dpkg finds changes")
    for link in ("lightsailctl", "docker-credential-gangplank", "gangplank-credential-provider"):
        expect(debian.run("readlink", "-f", f"/usr/bin/{link}").strip() == "/usr/bin/gangplank", link)
    # The helper's own protocol: it knows no registry, and invents none.
    expect(debian.run("docker-credential-gangplank", "list").strip() == "{}", "the helper does not answer")
    page = debian.run("zcat", "/usr/share/man/man1/gangplank-serve.1.gz")
    expect("--listen" in page.replace("\\", ""), "there is no manual page of serve")
    settings = debian.run("cat", "/etc/gangplank/gangplank.toml")
    unset = [line for line in settings.splitlines() if line and not line.startswith("#")]
    expect(not unset, f"not commented: {unset}")
    debian.run("gangplank", "serve", "--check", "--config", "/etc/gangplank/gangplank.toml")


@trial(".deb: a reload reads anew and a crash is mended, both by systemd")
def reload_and_crash(bench):
    debian = bench.debian
    before = debian.property("MainPID")
    debian.run("systemctl", "reload", "gangplank")
    debian.settle()
    expect(debian.property("MainPID") == before, "the reload restarted it")
    debian.run("systemctl", "kill", "--signal=KILL", "gangplank")
    wait_until(lambda: debian.property("MainPID") not in (before, "0") and debian.is_ready(), "the restart")
    pulled(bench)


@trial(".deb: what is put into gangplank.toml counts after a restart")
def settings(bench):
    debian = bench.debian
    debian.run("sh", "-c", "echo 'listen = \"127.0.0.1:5001\"' >>/etc/gangplank/gangplank.toml")
    debian.run("systemctl", "restart", "gangplank")
    told = debian.run("gangplank", "ping", "--url", "http://127.0.0.1:5001")
    expect("is ready" in told, told)
    debian.run("sed", "-i", "s/^listen = .*/max-repositories = 77/", "/etc/gangplank/gangplank.toml")
    debian.run("systemctl", "restart", "gangplank")
    debian.settle()


@trial(".deb: each drop-in does what it says: low ports, credentials of root's alone, another directory")
def drop_ins(bench):
    debian = bench.debian
    own = "/etc/systemd/system/gangplank.service.d"
    examples = "/usr/share/doc/gangplank/systemd"
    debian.run("mkdir", "-p", own, "/etc/gangplank")
    debian.run("cp", f"{examples}/low-ports.conf", own)
    debian.run("sh", "-c", f"printf '[Service]\\nEnvironment=GANGPLANK_LISTEN=127.0.0.1:443\\n' >{own}/port.conf")
    restart(debian)
    expect("ready" in debian.run("gangplank", "ping", "--url", "http://127.0.0.1:443"), "no answer at port 443")
    debian.run("rm", f"{own}/port.conf", f"{own}/low-ports.conf")

    certificate(bench, "/etc/gangplank")
    debian.run("mv", f"{DATA}/master.key", "/etc/gangplank/master.key")
    debian.run("sh", "-c", "chown root: /etc/gangplank/*; chmod 600 /etc/gangplank/*.key /etc/gangplank/tls.pem")
    debian.run("cp", f"{examples}/credentials.conf", own)
    restart(debian)
    expect("https://" in debian.run("gangplank", "ping"), "it does not speak TLS")
    debian.run("rm", f"{own}/credentials.conf")
    debian.run(
        "install", "-o", "gangplank", "-g", "gangplank", "-m", "600", "/etc/gangplank/master.key", f"{DATA}/master.key"
    )

    debian.run("install", "-d", "-o", "gangplank", "-g", "gangplank", "-m", "700", "/srv/gangplank")
    debian.run("cp", f"{examples}/data-elsewhere.conf", own)
    restart(debian)
    debian.settle()
    debian.run("test", "-f", "/srv/gangplank/gangplank.db")
    debian.run("rm", f"{own}/data-elsewhere.conf")
    restart(debian)
    debian.settle()
    pulled(bench)


@trial(".deb: the drop-in for Docker lets the server, and nobody else of its rights, use the socket")
def docker_socket(bench):
    debian = bench.debian
    debian.run("groupadd", "--force", "--system", "docker")
    own = "/etc/systemd/system/gangplank.service.d"
    debian.run("mkdir", "-p", own)
    # The server is not Docker. The trial only checks whether the socket can be opened.
    socket = "[Socket]\nListenStream=/run/docker.sock\nSocketGroup=docker\nSocketMode=0660\nAccept=yes\n"
    service = "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"
    debian.run("sh", "-c", f"printf '{escaped(socket)}' >/run/systemd/system/probe.socket")
    debian.run("sh", "-c", f"printf '{escaped(service)}' >/run/systemd/system/probe@.service")
    debian.run("systemctl", "daemon-reload")
    debian.run("systemctl", "start", "probe.socket")

    def accepted():
        return int(debian.run("systemctl", "show", "--value", "--property=NAccepted", "probe.socket"))

    restart(debian)
    debian.settle()
    expect(accepted() == 0, "the plain unit opens the socket")
    debian.run("cp", "/usr/share/doc/gangplank/systemd/docker.conf", own)
    restart(debian)
    debian.settle()
    wait_until(lambda: accepted() > 0, "a connection to the socket", 20)
    debian.run("systemctl", "stop", "probe.socket")
    debian.run("rm", f"{own}/docker.conf")
    restart(debian)


@trial(".deb: an upgrade restarts the server and keeps data and settings")
def upgrade(bench):
    debian = bench.debian
    debian.settle()
    before = debian.property("MainPID")
    debian.run("apt-get", "install", "-qy", debian.put(bench.artefact("*.deb", bench.newer)))
    version = debian.run("dpkg-query", "--show", "--showformat=${Version}", "gangplank")
    expect(version == f"{bench.version}+trial.1", version)
    debian.settle()
    expect(debian.property("MainPID") != before, "the old program still runs")
    expect("max-repositories = 77" in debian.run("cat", "/etc/gangplank/gangplank.toml"), "settings are lost")
    pulled(bench)


@trial(".deb: removal stops it and keeps data and settings; an installation after it goes on")
def remove(bench):
    debian = bench.debian
    debian.run("apt-get", "remove", "-qy", "gangplank")
    expect(debian.run("systemctl", "is-active", "gangplank", ok=(3, 4)).strip() != "active", "it still runs")
    debian.run("test", "-f", "/etc/gangplank/gangplank.toml")
    debian.run("apt-get", "install", "-qy", debian.put(bench.artefact("*.deb", bench.newer)))
    debian.settle()
    pulled(bench)


@trial(".deb: a purge removes everything but the data, and says so")
def purge(bench):
    debian = bench.debian
    told = debian.run("apt-get", "purge", "-qy", "gangplank")
    expect(f"{DATA} stays" in told, told)
    debian.run("test", "-f", f"{DATA}/gangplank.db")
    debian.run("test", "!", "-e", "/etc/gangplank")
    debian.run("rm", "-rf", "/etc/systemd/system/gangplank.service.d")
    left = debian.run("sh", "-c", "find /usr /etc /var/lib/systemd -name '*gangplank*'").split()
    expect(not left, f"these stay: {left}")
    debian.run("rm", "-r", DATA)


def restart(debian):
    debian.run("systemctl", "daemon-reload")
    debian.run("systemctl", "restart", "gangplank")


def pulled(bench):
    """A machine that has a pull login gets the registered images."""
    debian = bench.debian
    told = debian.run(
        "gangplank", "registry-login", "create", "--data-dir", DATA, "--service-name", "web", "--output", "json"
    )
    login = json.loads(told)
    told = debian.near(
        "skopeo", "inspect", "--tls-verify=false", "--creds", f"{login['username']}:{login['password']}",
        f"docker://{login['registry']}/web:app.1",
    )  # fmt: skip
    expect(json.loads(told)["Layers"], told)


def certificate(bench, folder):
    """A certificate for 127.0.0.1, in the machine."""
    made = bench.work / "tls"
    made.mkdir()
    run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE",
        "-keyout", made / "tls.key", "-out", made / "tls.pem",
    )  # fmt: skip
    for name in ("tls.key", "tls.pem"):
        bench.debian.run("cp", bench.debian.put(made / name), f"{folder}/{name}")


def escaped(text):
    return text.replace("\n", "\\n")
