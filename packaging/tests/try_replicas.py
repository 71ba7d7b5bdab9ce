"""The compose file with three replicas, on a real engine. Images of other projects are made from Debian's programs."""

import os
import re
from pathlib import Path

from harness import PACKAGING, Failed, Skipped, expect, folder, free_port, needs, run, trial
from layouts import Entry, small, tar
from loaded import loaded
from try_compose import brought_down, client, compose, composed, engine_with_image, up

FILE = PACKAGING / "compose/replicas.yaml"
PROGRAMS = Path("/usr/lib/postgresql/15")
SHARED = Path("/usr/share/postgresql/15")

# The official image's variables, as far as the file uses them.
START_POSTGRES = """#!/bin/sh
set -e
export PGDATA=/var/lib/postgresql/15/data PATH=/usr/lib/postgresql/15/bin:/bin
if [ ! -e "$PGDATA/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --no-locale --encoding=UTF8 $POSTGRES_INITDB_ARGS
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -j postgres
fi
exec "$@"
"""


@trial("compose: three replicas behind HAProxy take a push, and go on when one is killed, and after down and up")
def replicas(bench):
    with engine_with_image(bench) as (engine, image, work):
        postgres_image(engine, work)
        haproxy_image(engine, work)
        bucket_image(engine, work)
        port = free_port()
        variables = {
            "GANGPLANK_IMAGE": image, "GANGPLANK_PORT": str(port), "POSTGRES_IMAGE": "postgres:trial",
            "HAPROXY_IMAGE": "haproxy:trial", "S3_IMAGE": "bucket:trial", **secrets(),
        }  # fmt: skip
        endpoint = f"http://127.0.0.1:{port}"
        keys = work / "credentials"
        keys.write_text(
            "[default]\n"
            f"aws_access_key_id = {variables['GANGPLANK_ROOT_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {variables['GANGPLANK_ROOT_SECRET_ACCESS_KEY']}\n"
        )
        with brought_down(bench, engine, [FILE], variables):
            try:
                up(bench, engine, [FILE], variables)
                containers = compose(bench, engine, [FILE], variables, "ps", "--quiet", "gangplank").split()
                expect(len(containers) == 3, f"{len(containers)} replicas")
                expect(bench.push(small(work / "one"), **client(keys, endpoint)) == ":web.app.1", "not registered")
                engine.run("kill", containers[0])
                expect(bench.push(small(work / "two"), **client(keys, endpoint)) == ":web.app.2", "not registered")
                login = bench.pull_login(**client(keys, endpoint))
                expect(login["registry"] == f"127.0.0.1:{port}", str(login["registry"]))
                compose(bench, engine, [FILE], variables, "down")
                up(bench, engine, [FILE], variables)
                expect(bench.push(small(work / "three"), **client(keys, endpoint)) == ":web.app.3", "not registered")
            except Failed as failed:
                raise Failed(f"{failed}\n{compose(bench, engine, [FILE], variables, 'logs')[-8000:]}") from None


@trial("compose: the file with replicas keeps the database and the bucket to itself")
def confined(bench):
    with folder() as work:
        told = composed(bench, work, FILE, **secrets())
        services = told["services"]
        open_ports = {name: service["ports"] for name, service in services.items() if service.get("ports")}
        expect(list(open_ports) == ["haproxy"], str(open_ports))
        expect([port["host_ip"] for port in open_ports["haproxy"]] == ["127.0.0.1"], "plain HTTP leaves the machine")
        expect(services["gangplank"]["image"].endswith(f":{bench.version}"), services["gangplank"]["image"])
        expect(told["networks"]["stored"]["internal"], str(told["networks"]))


def secrets():
    """Values like those that the commands at the top of the file make."""
    commands = re.findall(r"^#   (.*)$", FILE.read_text(), re.MULTILINE)
    with folder() as work:
        making = "\n".join(line for line in commands if "docker compose" not in line)
        run("sh", "-euc", making, cwd=work)
        lines = (work / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def postgres_image(engine, work):
    if not PROGRAMS.is_dir():
        raise Skipped("postgresql-15 is not here")
    files = {}
    for top in (PROGRAMS, SHARED):
        for path in (path for path in top.rglob("*") if path.is_file() and "bitcode" not in path.parts):
            files[str(path)[1:]] = Entry(path.read_bytes(), mode=path.stat().st_mode & 0o777)
    for name in ("postgres", "initdb", "pg_isready"):
        files.update(loaded(PROGRAMS / "bin" / name))
    files.update(with_shell())
    # The volumes of the file begin as these folders.
    for path in ("var/lib/postgresql", "var/run/postgresql", "tmp"):
        files[path] = Entry.folder(mode=0o1777)
    files["etc/passwd"] = Entry(b"postgres:x:999:999::/var/lib/postgresql:/bin/sh\n")
    files["usr/share/postgresql-common/start"] = Entry(START_POSTGRES.encode(), mode=0o755)
    start = 'ENTRYPOINT ["/usr/share/postgresql-common/start"]'
    path = "ENV PATH=/usr/lib/postgresql/15/bin:/bin"
    imported(engine, work, "postgres:trial", files, "USER 999", path, start)


def haproxy_image(engine, work):
    program = Path(needs("haproxy", "haproxy"))
    files = {"usr/sbin/haproxy": Entry(program.read_bytes(), mode=0o755), **loaded(program)}
    files["etc/passwd"] = Entry(b"haproxy:x:99:99::/:/bin/false\n")
    command = 'CMD ["/usr/sbin/haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]'
    imported(engine, work, "haproxy:trial", files, "USER 99", command)


def bucket_image(engine, work):
    program = Path(os.environ.get("GANGPLANK_S3_SERVERS", "/")) / "versitygw"
    if not program.is_file():
        raise Skipped("versitygw is not in GANGPLANK_S3_SERVERS")
    files = {"bin/versitygw": Entry(program.read_bytes(), mode=0o755), **with_shell()}
    imported(engine, work, "bucket:trial", files, "ENV PATH=/bin")


def with_shell():
    busybox = Path(needs("busybox", "busybox-static"))
    names = ("sh", "mkdir", "echo", "cat")
    return {"bin/busybox": Entry(busybox.read_bytes(), mode=0o755), **{f"bin/{name}": Entry(link="busybox") for name in names}}


def imported(engine, work, name, files, *changes):
    archive = work / "image.tar"
    archive.write_bytes(tar(files, 0))
    engine.run("import", *(word for change in changes for word in ("--change", change)), archive, name)
    archive.unlink()
