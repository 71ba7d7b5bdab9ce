"""The chart, installed by somebody who has read only its output."""

import os
import re

from cluster import images
from cluster.processes import ran

from .expectations import expect


def install(world):
    """The values are the defaults, except that this cluster has no disks to give."""
    world.cluster.helm("install", "plain", world.chart, "--namespace", "plain", "--create-namespace",
                       "--set", "persistence.enabled=false", "--wait", "--timeout", "2m")
    told = world.cluster.helm("test", "plain", "--namespace", "plain", "--timeout", "1m")
    expect("Phase:          Succeeded" in told, told)


def notes(world):
    """Runs every command in the notes, with the real tools, in their order."""
    docker(world)
    aws = world.cluster.programs / "aws"
    aws.symlink_to(f"{os.environ['GANGPLANK_AWS_CLI_V1']}/bin/aws")
    told = world.cluster.helm("get", "notes", "plain", "--namespace", "plain")
    commands = re.findall(r"^  +(.+)$", told, re.MULTILINE)
    forward, commands = commands[0], commands[1:]
    expect(forward.startswith("kubectl port-forward"), told)
    world.cluster.processes.start("port-forward", forward.split(), **world.cluster.environment)
    try:
        world.cluster.processes.wait_until(
            "port-forward", lambda: ran(["curl", "-sf", "http://127.0.0.1:5000/healthz"]))
        said = world.follow("\n".join(commands))
        expect('":web.app.1"' in said and '"password": "gpl_' in said, said)
    finally:
        world.cluster.processes.stop("port-forward")


def docker(world):
    """Docker's own engine, with an image called `app`."""
    at = world.home / "docker"
    cluster = world.cluster
    cluster.processes.start("dockerd", [
        "dockerd", "--bridge=none", "--iptables=false", f"--data-root={at}/data", f"--exec-root={at}/run",
        f"--pidfile={world.home}/dockerd.pid"], **cluster.environment)
    cluster.processes.wait_until("dockerd", lambda: ran(["docker", "info"]))
    cluster.run("docker", "load", "--input", images.named(world.desk / "app", "app:latest", world.home / "app.tar"))
