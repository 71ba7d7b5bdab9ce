"""The compose files: docker compose reads them, and starts them on a real engine."""

import contextlib
import json
from pathlib import Path

from engine import Engine
from harness import PACKAGING, Failed, expect, folder, free_port, needs, run, trial, wait_until
from layouts import Entry, small, tar
from loaded import loaded
from try_image import pull, serving

PLAIN = PACKAGING / "compose/compose.yaml"
TLS = PACKAGING / "compose/compose.tls.yaml"


@trial("compose: both files are read, and keep the container as confined as the image allows")
def config(bench):
    with folder() as work:
        plain = composed(bench, work, PLAIN)
        service = plain["services"]["gangplank"]
        expect(service["image"].endswith(f":{bench.version}"), f"it names another version: {service['image']}")
        expect(service["read_only"] and service["cap_drop"] == ["ALL"], str(service))
        expect([port["host_ip"] for port in service["ports"]] == ["127.0.0.1"], "plain HTTP leaves the machine")
        both = composed(bench, work, PLAIN, TLS, GANGPLANK_DOMAIN="registry.example.com")
        service = both["services"]["gangplank"]
        expect(not service.get("ports"), f"something leads around TLS: {service}")
        expect(service["environment"]["GANGPLANK_PUBLIC_ADDRESS"] == "registry.example.com", str(service))


@trial("compose: comes up healthy, takes a push, and goes on with its data after down and up")
def plain(bench):
    with engine_with_image(bench) as (engine, image, work):
        port = free_port()
        variables = {"GANGPLANK_IMAGE": image, "GANGPLANK_PORT": str(port)}
        up(bench, engine, [PLAIN], variables)
        with brought_down(bench, engine, [PLAIN], variables):
            keys = work / "credentials"
            compose(bench, engine, [PLAIN], variables, "cp", "gangplank:/data/credentials", keys)
            name = bench.push(small(work / "layout"), **client(keys, f"http://127.0.0.1:{port}"))
            expect(name == ":web.app.1", name)
            login = bench.pull_login(**client(keys, f"http://127.0.0.1:{port}"))
            expect(login["registry"] == f"127.0.0.1:{port}", str(login["registry"]))
            compose(bench, engine, [PLAIN], variables, "down")
            up(bench, engine, [PLAIN], variables)
            told = bench.gangplank("services", **client(keys, f"http://127.0.0.1:{port}"))
            expect("web" in told, told)


@trial("compose: with Caddy before it, the same over TLS, and no other way leads in")
def tls(bench):
    needs("caddy", "caddy")
    with engine_with_image(bench) as (engine, image, work):
        caddy_image(engine, work)
        port = free_port()
        # Caddy makes a certificate for this name itself. For a public name it gets one from an authority.
        variables = {
            "GANGPLANK_IMAGE": image, "CADDY_IMAGE": "caddy:trial", "GANGPLANK_DOMAIN": "localhost",
            "GANGPLANK_HTTPS_PORT": str(port), "GANGPLANK_HTTP_PORT": str(free_port()),
        }  # fmt: skip
        files = [PLAIN, TLS]
        with brought_down(bench, engine, files, variables):
            up(bench, engine, files, variables)
            compose(bench, engine, files, variables, "cp", "gangplank:/data/credentials", work / "credentials")
            authority = work / "root.crt"

            def copied():
                told = compose(
                    bench, engine, files, variables, "cp", "caddy:/data/caddy/pki/authorities/local/root.crt",
                    authority, ok=(0, 1),
                )  # fmt: skip
                return authority.exists() or told is None

            wait_until(copied, "Caddy's authority")
            over_tls = {**client(work / "credentials", f"https://localhost:{port}"), "AWS_CA_BUNDLE": str(authority)}
            try:
                expect(bench.push(small(work / "layout"), **over_tls) == ":web.app.1", "it is not registered")
            except Failed as failed:
                raise Failed(f"{failed}\n{compose(bench, engine, files, variables, 'logs')}") from None
            expect(bench.pull_login(**over_tls)["registry"] == f"localhost:{port}", "it names another registry")
            # The audit trail has the address of the client, and not the address of Caddy.
            told = bench.gangplank("audit", "--output", "json", **over_tls)
            gateway = json.loads(engine.run("network", "inspect", "gangplank_default"))[0]["IPAM"]["Config"][0][
                "Gateway"
            ]
            expect(f'"{gateway}' in told, f"nobody comes from {gateway}: {told[-2000:]}")


def client(keys, endpoint):
    return {"AWS_SHARED_CREDENTIALS_FILE": str(keys), "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}


def composed(bench, work, *files, **variables):
    told = run(
        bench.compose, *names(files), "config", "--format", "json",
        env={"PATH": "/usr/bin:/bin", "HOME": str(work), **variables},
    )  # fmt: skip
    return json.loads(told)


def compose(bench, engine, files, variables, *words, ok=(0,)):
    return run(bench.compose, *names(files), *words, ok=ok, env={**engine.environment, **variables})


def caddy_image(engine, work):
    """An image like Caddy's own, made from Debian's program."""
    program = Path(needs("caddy", "caddy"))
    files = {"usr/bin/caddy": Entry(program.read_bytes(), mode=0o755), "data": Entry.folder(), "config": Entry.folder()}
    files.update(loaded(program))
    archive = work / "caddy.tar"
    archive.write_bytes(tar(files, 0))
    command = 'CMD ["/usr/bin/caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]'
    homes = ["--change", "ENV XDG_CONFIG_HOME=/config", "--change", "ENV XDG_DATA_HOME=/data"]
    engine.run("import", "--change", command, *homes, archive, "caddy:trial")


def up(bench, engine, files, variables):
    compose(bench, engine, files, variables, "up", "--detach", "--wait", "--wait-timeout", "90")


@contextlib.contextmanager
def brought_down(bench, engine, files, variables):
    try:
        yield
    finally:
        compose(bench, engine, files, variables, "down", "--volumes")


def names(files):
    return [word for file in files for word in ("--file", file)]


@contextlib.contextmanager
def engine_with_image(bench):
    """An engine that has pulled our image from a Gangplank server."""
    with folder() as work, serving(bench, work / "server") as server, Engine(work / "engine") as engine:
        bench.push(bench.packed / "image", "--data-dir", server.data)
        yield engine, pull(bench, server, engine), work
