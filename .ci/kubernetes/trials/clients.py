"""The chart itself, kept in the registry."""

import re

from .expectations import expect, refused
from .world import REGISTRY

CHART = f"oci://{REGISTRY}/charts/gangplank"


def chart(world):
    cluster = world.cluster
    enter(world, world.gangplank("login", "--password-only"))
    told = cluster.attempt("helm", "push", world.chart, f"oci://{REGISTRY}/charts")
    expect(told.returncode == 0 and re.search(r"sha256:[0-9a-f]{64}", told.stdout + told.stderr), told.stderr)
    into = world.home / "pulled"
    pull = ["helm", "pull", CHART, "--version", world.version, "--destination", into]
    # The login of a job that pushes the image cannot pull it.
    refused(cluster.attempt(*pull), "403")
    enter(world, world.gangplank("registry-login", "create", "--scope", "pull", "--password-only"))
    into.mkdir()
    cluster.run(*pull)
    expect((into / world.chart.name).read_bytes() == world.chart.read_bytes(), "another chart came back")
    made = cluster.run("helm", "template", "gangplank", CHART, "--version", world.version)
    expect("kind: StatefulSet" in made, made[-300:])


def enter(world, password):
    world.cluster.run("helm", "registry", "login", REGISTRY, "--username", "AWS", "--password-stdin",
                      given=password.strip())
