"""The server as in the guide: installed, upgraded, removed, and installed again."""

import os

from cluster.processes import ran

from .expectations import expect, soon
from .world import PUBLISHED

POD = ["pod/gangplank-0", "--namespace", "registry"]
UPGRADE = f"helm upgrade gangplank {PUBLISHED} --namespace registry"


def install(world):
    disk(world, "disk")
    told = world.follow_section("Install the server")
    expect("Phase:          Succeeded" in "".join(told), f"helm test: {told}")
    expect(":web.app.1" in told[-1], told[-1])
    # The values from Secrets count, and they are stored nowhere else.
    data = world.home / "disk/gangplank"
    expect((data / "gangplank.db").exists(), "the volume has no database")
    expect(not (data / "master.key").exists(), "there is a master key beside the database")
    expect(world.environment["AWS_ACCESS_KEY_ID"].startswith("ROOT"), "the root key is another")
    pod = world.cluster.get(*POD)
    expect(pod["status"]["containerStatuses"][0]["restartCount"] == 0, "it was started more than once")


def disk(world, name):
    """In a cluster a program makes volumes. Here they are made by hand."""
    at = world.home / name
    at.mkdir(mode=0o700)
    os.chown(at, 65532, 65532)
    world.cluster.apply({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"capacity": {"storage": "100Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(at)}}})


def metrics(world):
    service = world.cluster.get("service", "gangplank-metrics", "--namespace", "registry")
    address = service["spec"]["clusterIP"]
    told = world.cluster.run("curl", "-sSf", f"http://{address}:5001/metrics")
    expect("gangplank_" in told, told[:300])
    world.gangplank("ping", "--url", "https://registry.example.com")
    # The registry's port does not have the metrics.
    expect(not ran(["curl", "-sf", "https://registry.example.com/metrics"]), "metrics are told to everybody")


def registered(world):
    return world.gangplank("lightsail", "get-container-images", "--service-name", "web", "--query",
                           "containerImages[].[image,digest]", "--output", "text")


def upgrade(world):
    """Another configuration makes another Pod on the same volume. An unchanged configuration keeps the Pod."""
    images, first = registered(world), identity(world)
    world.follow(f"{UPGRADE} --values values.yaml --set config.log-format=text --wait")
    second = identity(world)
    expect(first != second, "the Pod was not made anew")
    logged = world.cluster.kubectl("logs", *POD)
    expect(" INFO " in logged, f"the server has not got the new configuration: {logged[:300]}")
    world.follow_section("Believe a cluster's tokens")
    third = identity(world)
    expect(second != third, "the Pod was not made anew")
    expect(images == registered(world), "the registered images are others")
    world.follow(f"{UPGRADE} --values values.yaml --values issuer.yaml --wait")
    expect(third == identity(world), "the Pod was made anew for nothing")


def identity(world):
    return world.cluster.get(*POD)["metadata"]["uid"]


def uninstall(world):
    images = registered(world)
    told = world.follow_section("Upgrade and remove")
    expect("data-gangplank-0" in told[-1], f"no claim is left: {told[-1]}")
    left = ["get", "pods", "--namespace", "registry", "--output", "name"]
    soon(lambda: "gangplank-0" not in world.cluster.kubectl(*left), "the Pod is left")
    world.follow(f"helm install gangplank {PUBLISHED} --namespace registry --values values.yaml --values issuer.yaml "
                 "--wait")
    expect(images == registered(world), "the registered images are others")


def backup(world):
    """Moves all that is registered from one volume to another, by backup and restore."""
    images = registered(world)
    disk(world, "another-disk")
    world.follow_section("Back up and restore")
    claims = [volume.get("persistentVolumeClaim", {}).get("claimName")
              for volume in world.cluster.get(*POD)["spec"]["volumes"]]
    expect("restored" in claims, f"the server uses {claims}")
    expect(images == registered(world), "the registered images are others")
    # The bytes of the images are there too, and cannot be from the old volume.
    (world.home / "disk/gangplank").rename(world.home / "disk/away")
    password = world.gangplank("registry-login", "create", "--service-name", "web", "--password-only").strip()
    world.cluster.run("skopeo", "copy", "--insecure-policy", "--src-creds", f"AWS:{password}",
                      "docker://registry.example.com/web:app.1", f"oci:{world.home}/restored")
