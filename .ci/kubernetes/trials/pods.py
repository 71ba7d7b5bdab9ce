"""Pods that have to pull their image."""

import json

from .expectations import expect, soon


def pulling(name, secret=None, account=None, image="web:app.1", namespace="prod"):
    """A Pod whose image the node always requests from the registry."""
    spec = {"containers": [{"name": "web", "image": f"registry.example.com/{image}", "imagePullPolicy": "Always"}]}
    if secret:
        spec["imagePullSecrets"] = [{"name": secret}]
    if account:
        spec["serviceAccountName"] = account
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def of_file(world, file):
    """The Pod in a file of the guide. The node always requests its image from the registry."""
    pod = json.loads(world.cluster.kubectl("create", "--dry-run=client", "--output=json", "--filename", file))
    for container in pod["spec"]["containers"]:
        container["imagePullPolicy"] = "Always"
    return pod


def runs(world, pod):
    """The image is pulled, and the Pod becomes ready."""
    world.cluster.apply(pod, namespace=pod["metadata"]["namespace"])
    soon(lambda: ready(world, pod), lambda: f"it does not run: {why(world, pod)}")
    expect("Successfully pulled image" in events(world, pod), "nothing was pulled")


def does_not(world, pod, words):
    """Checks that the image is not pulled, and that the Pod's state has these words."""
    world.cluster.apply(pod, namespace=pod["metadata"]["namespace"])
    soon(lambda: words in why(world, pod), lambda: f"{words!r} is not said: {why(world, pod)}", patience=30)
    expect(not ready(world, pod), "it runs")
    world.cluster.kubectl("delete", "pod", "--namespace", pod["metadata"]["namespace"], pod["metadata"]["name"],
                          "--grace-period=0", "--force")


def status(world, pod):
    return world.cluster.get("pod", "--namespace", pod["metadata"]["namespace"], pod["metadata"]["name"])["status"]


def ready(world, pod):
    conditions = status(world, pod).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def why(world, pod):
    """The reason for which a Pod waits, in the kubelet's words."""
    states = [container["state"] for container in status(world, pod).get("containerStatuses", [])]
    return " ".join(state.get("waiting", {}).get("message", "") for state in states) or json.dumps(states)


def events(world, pod):
    return world.cluster.kubectl("get", "events", "--namespace", pod["metadata"]["namespace"],
                                 "--field-selector", f"involvedObject.name={pod['metadata']['name']}")
