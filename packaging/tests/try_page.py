"""The manual's page about installing: its commands, unchanged."""

import re

from engine import Engine
from harness import PACKAGING, SOURCE, expect, folder, run, trial, wait_until
from layouts import small
from try_compose import client
from try_deb import DATA
from try_image import pull, serving

PAGE = SOURCE / "docs/book/src/start/install.md"


@trial("install.md: as it says for Debian")
def debian(bench):
    at = bench.debian
    at.put(bench.artefact("*.deb"))
    for block in blocks(bench, "Debian and Ubuntu", "in a booted Debian"):
        at.run("sh", "-euxc", f"cd /root\n{block}")
        at.settle()
    profile = at.run("cat", "/root/.aws/credentials")
    expect("[gangplank]" in profile, profile)
    at.run("apt-get", "purge", "-qy", "gangplank")
    at.run("rm", "-r", DATA)


@trial("install.md: as it says for any Linux")
def any_linux(bench):
    at = bench.debian
    at.put(bench.artefact("*.tar.gz"))
    anywhere, service = blocks(bench, "Any Linux", "in a booted Debian")
    told = at.run("sh", "-euxc", f"cd /root\n{anywhere}")
    expect(f"gangplank {bench.version}" in told, told)
    at.run("sh", "-euxc", f"cd /root\n{service}")
    at.settle()
    at.run("systemctl", "disable", "--now", "gangplank")


@trial("install.md: as it says for Docker, and for Docker Compose with a root key of one's own")
def docker(bench):
    with folder() as work, serving(bench, work / "server") as server, Engine(work / "engine") as engine:
        bench.push(bench.packed / "image", "--data-dir", server.data)
        engine.run("tag", pull(bench, server, engine), f"ghcr.io/gangplank-registry/gangplank:{bench.version}")
        plugins = work / "engine/home/.docker/cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        (plugins / "docker-compose").symlink_to(bench.compose)

        def shell(block, *more):
            return run("sh", "-euxc", block, *more, cwd=here, env=engine.environment)

        here = work / "alone"
        here.mkdir()
        start, use = blocks(bench, "Docker", "with a Docker of its own")
        shell(start)
        wait_until(lambda: "(healthy)" in engine.run("ps"), "the health that docker ps tells")
        shell(use)
        endpoint = "http://127.0.0.1:5000"
        bench.push(small(work / "first"), **client(here / "gangplank-credentials", endpoint))
        engine.run("rm", "--force", "gangplank")

        here = work / "composed"
        run("cp", "-r", PACKAGING / "compose", here)
        (up,) = blocks(bench, "Docker Compose", "with a Docker of its own")
        shell(up)
        bench.push(small(work / "second"), **client(here / "gangplank-credentials", endpoint))
        shell("docker compose down --volumes")

        own = re.search(r"```yaml\n(.*?)```", section("Docker Compose"), re.S)[1]
        (here / "own.yaml").write_text(own)
        secret = "forty-characters-that-somebody-has-chosen"
        (here / "root-key").write_text(f"{secret}\n")
        (here / "root-key").chmod(0o644)
        shell("docker compose --file compose.yaml --file own.yaml up --detach --wait")
        identity = re.search(r"GANGPLANK_ROOT_ACCESS_KEY_ID: (\w+)", own)[1]
        told = bench.gangplank(
            "access-key", "list", AWS_ACCESS_KEY_ID=identity, AWS_ENDPOINT_URL=endpoint, AWS_REGION="us-east-1",
            AWS_SECRET_ACCESS_KEY=secret,
        )  # fmt: skip
        expect(identity in told, told)
        shell("docker compose --file compose.yaml --file own.yaml down --volumes")


def section(heading):
    parts = re.split(r"^## (.*)$", PAGE.read_text(), flags=re.M)
    return parts[parts.index(heading) + 1]


def blocks(bench, heading, reason):
    """The blocks of a section that are marked to run here."""
    found = re.findall(rf"<!-- [^>]*{reason}[^>]*-->\n```sh,norun\n(.*?)```", section(heading), re.S)
    expect(found, f"{heading} has no such block")
    architecture = next(bench.packed.glob("*.deb")).stem.split("_")[-1]
    others = {version for block in found for version in re.findall(r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])", block)} - {
        bench.version
    }
    expect(not others, f"{heading} names {others}, not {bench.version}")
    return [block.replace("amd64", architecture) for block in found]
