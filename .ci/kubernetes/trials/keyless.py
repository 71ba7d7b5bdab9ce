"""Nodes that pull and Pods that push without a Secret, as in the guide: a real kubelet with our credential provider."""

import json

from cluster import images

from . import pages, pods
from .expectations import expect, soon

HEADING = "Nodes that pull"
ISSUER = "--issuer https://cluster.example.com"


def recipe():
    """The kubelet's file, and the commands: the role, the node's key, the right to ask for tokens."""
    files = [text for text in pages.of(HEADING, "yaml") if "kind: CredentialProviderConfig" in text]
    role, key, right = pages.of(HEADING, "sh")
    return files[0], role, key, right


def by_token(world):
    file, role, _, right = recipe()
    world.follow(role)
    world.cluster.use_provider(file, world.program)
    for text in pages.of(HEADING, "yaml"):
        if text.startswith("# "):
            (world.desk / text.split()[1]).write_text(text)
    # The account exists before the permission, so that the trial sees the kubelet's message for that state.
    *rights, account = right.strip().splitlines()
    world.follow(account)
    log = world.cluster.home / "logs/kubelet.log"
    pods.does_not(world, pods.pulling("too-early", account="web"), "401 Unauthorized")
    expect("not authorized to request tokens for audience" in log.read_text(), "the kubelet does not say why")
    world.follow("\n".join(rights))
    pods.runs(world, pods.of_file(world, world.desk / "keyless.yaml"))
    # The role is for one account, and the login for one service.
    pods.does_not(world, pods.pulling("stranger", account="default"), "401 Unauthorized")
    pods.does_not(world, pods.pulling("others", account="web", image="other:app.1"), "401 Unauthorized")


def push(world):
    """A Pod's image is pulled with the role that the annotation of its service account names."""
    # This image is not the server's own image. After a kubelet has pulled an image with a login, it wants a login for
    # this image under any name. The server's image was loaded without one.
    images.another(world.image, world.desk / "tools", "tools")
    world.follow("gangplank push oci:tools --service-name tools --label gangplank --create-service")
    world.follow(pages.of("A pod that pushes", "sh")[0])
    world.follow(f"gangplank role create pull-tools --kubernetes ci/builder {ISSUER} --preset read --service tools")
    world.follow("kubectl create namespace ci\nkubectl create serviceaccount builder --namespace ci\n"
                 "kubectl annotate serviceaccount builder --namespace ci "
                 "gangplank/role-arn=arn:aws:iam::000000000000:role/pull-tools")
    file = world.desk / "push.yaml"
    file.write_text(pages.of("A pod that pushes", "yaml")[0])
    pod = pods.of_file(world, file)
    # The program that a CI job would have built.
    pod["spec"]["volumes"].append({"name": "work", "hostPath": {"path": str(world.desk)}})
    pod["spec"]["containers"][0]["volumeMounts"].append({"name": "work", "mountPath": "/work", "readOnly": True})
    world.cluster.apply(pod, namespace="ci")
    soon(lambda: pods.status(world, pod)["phase"] == "Succeeded",
         lambda: f"{pods.why(world, pod)} {world.cluster.try_kubectl('logs', '--namespace=ci', 'push')}")
    shown = world.gangplank("image", "show", ":web.app.2", "--output", "json")
    expect("system:serviceaccount:ci:builder" in shown, f"it is not said who pushed it: {shown}")


def by_key(world):
    file, _, make, _ = recipe()
    key = json.loads(world.follow(make))
    without = file[:file.index("    tokenAttributes:\n")]
    variables = [("AWS_ACCESS_KEY_ID", key["accessKeyId"]), ("AWS_SECRET_ACCESS_KEY", key["secretAccessKey"])]
    lines = "".join(f'      - {{name: {name}, value: "{value}"}}\n' for name, value in variables)
    world.cluster.use_provider(f"{without}    env:\n{lines}", world.program)
    pods.runs(world, pods.pulling("by-key"))
