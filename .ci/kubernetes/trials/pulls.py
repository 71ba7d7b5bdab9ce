"""Pods that pull with a Secret, as in the guide."""

from . import pods
from .expectations import expect


def by_hand(world):
    world.follow_section("With a Secret, for today")
    pods.runs(world, pods.of_file(world, world.desk / "by-hand.yaml"))


def failing(world):
    """The words of the guide's table."""
    pods.does_not(world, pods.pulling("without"), "401 Unauthorized")
    pods.does_not(world, pods.pulling("absent", "web-by-hand", image="web:app.9"), "not found")
    world.follow("gangplank lightsail create-container-service --service-name other --power nano --scale 1")
    secret(world, "other", world.gangplank("registry-login", "create", "--service-name", "other", "--password-only"))
    pods.does_not(world, pods.pulling("others", "other"), "403 Forbidden")
    secret(world, "pushes", world.gangplank("login", "--password-only"))
    pods.does_not(world, pods.pulling("pushes", "pushes"), "not found")


def secret(world, name, password):
    world.cluster.kubectl("create", "secret", "docker-registry", name, "--namespace=prod",
                          "--docker-server=registry.example.com", "--docker-username=AWS",
                          f"--docker-password={password.strip()}")


def renewed(world):
    world.follow_section("With a Secret that renews itself")
    before = kept(world)
    pods.runs(world, pods.pulling("renewed", "web-pull"))
    world.follow("kubectl create job --namespace prod --from=cronjob/web-pull again\n"
                 "kubectl wait --namespace prod --for=condition=Complete job/again --timeout=2m")
    after = kept(world)
    expect(after["metadata"]["uid"] == before["metadata"]["uid"], "the Secret was made anew")
    expect(after["data"] != before["data"], "the login is the same")
    pods.runs(world, pods.pulling("renewed-again", "web-pull"))


def kept(world):
    return world.cluster.get("secret", "web-pull", "--namespace", "prod")
