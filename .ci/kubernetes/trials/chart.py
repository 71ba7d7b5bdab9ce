"""The chart as a text: the values that it takes, those that it refuses, and the objects that it makes."""

import json

from . import pages
from .expectations import expect, refused
from .world import ROOT

CHART = ROOT / "packaging/chart"
SECRETS = {"rootKey": {"existingSecret": "root"}, "masterKey": {"existingSecret": "master"},
           "tls": {"existingSecret": "tls"}}
# One value for each kind of setting.
VALUES = {
    "defaults": {},
    "secrets": SECRETS,
    "ingress": {"ingress": {"enabled": True, "className": "nginx", "hosts": ["registry.example.com"],
                            "tlsSecret": "tls", "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "0"}}},
    "gateway": {"httproute": {"enabled": True, "hostnames": ["registry.example.com"],
                              "parentRefs": [{"name": "public", "namespace": "gateways"}]}},
    "monitored": {"metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
                  "networkPolicy": {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
                                    "metricsFrom": [{"podSelector": {}}]}},
    "kept by hand": {"persistence": {"existingClaim": "images"}, "service": {"type": "NodePort", "nodePort": 30500}},
    "kept by a class": {"persistence": {"storageClass": "fast", "accessModes": ["ReadWriteOncePod"],
                                        "annotations": {"a": "b"}, "selector": {"matchLabels": {"disk": "fast"}}}},
    "everything else": {
        "nameOverride": "images", "imagePullSecrets": [{"name": "mirror"}],
        "image": {"digest": f"sha256:{'a' * 64}"}, "publicAddress": "registry.example.com:8443",
        "config": {"max-tags": 2000000, "engine-cpus": 1.5, "trusted-proxies": ["10.0.0.0/8"],
                   "issuer": [{"url": "https://cluster.example.com", "audiences": ["https://registry.example.com"]}]},
        "service": {"type": "LoadBalancer", "port": 443, "loadBalancerClass": "inner",
                    "loadBalancerSourceRanges": ["10.0.0.0/8"], "annotations": {"a": "b"}},
        "serviceAccount": {"name": "images", "annotations": {"a": "b"}},
        "podAnnotations": {"a": "b"}, "podLabels": {"c": "d"}, "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "images", "operator": "Exists"}], "priorityClassName": "system-cluster-critical",
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["fast"]}]}]}}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "extraArgs": ["--log=debug"], "extraEnv": [{"name": "A", "value": "b"}],
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        **SECRETS,
    },
}


def given(world, values):
    """The option of helm that gives it values."""
    file = world.home / "values.json"
    file.write_text(json.dumps(values))
    return f"--values={file}"


def template(world, values):
    return world.cluster.attempt(world.cluster.helm_program, "template", "gangplank", CHART, given(world, values))


def lint(world):
    for values in VALUES.values():
        world.cluster.helm("lint", "--strict", CHART, given(world, values))


def misspelt_values(world):
    """Misspelt names, at the top and below, and values of a wrong kind."""
    for values, word in [
        ({"replicas": 1}, "replicas"),
        ({"persistence": {"storageclass": "fast"}}, "storageclass"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"service": {"type": "External"}}, "type"),
        ({"tls": {"secret": "tls"}}, "secret"),
        ({"publicAddress": "https://registry.example.com"}, "publicAddress"),
        ({"persistence": {"accessModes": ["ReadWriteMany"]}}, "accessModes"),
        ({"extraArgs": "--log=debug"}, "extraArgs"),
        ({"config": {"maxTags": 5}}, "config"),
    ]:
        refused(template(world, values), "don't meet the specifications of the schema", word)


def what_cannot_work(world):
    for values, *words in [
        ({"replicaCount": 2}, "replicaCount is 2", "SQLite"),
        ({"config": {"engine": "docker"}}, "config.engine", "do not run on Kubernetes"),
        ({"config": {"listen": "0.0.0.0:80"}}, "config.listen is set by this chart"),
        ({"config": {"data-dir": "/tmp"}}, "config.data-dir is set by this chart"),
        ({"ingress": {"enabled": True}}, "ingress.hosts is empty"),
        ({"httproute": {"enabled": True}}, "httproute.parentRefs is empty"),
        ({"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}}, "metrics.service.enabled"),
    ]:
        refused(template(world, values), *words)


def no_secret(world):
    for values in VALUES.values():
        made = template(world, values).stdout
        expect("kind: StatefulSet" in made, f"there is no StatefulSet: {made[-300:]}")
        expect("kind: Secret\n" not in made, "the chart makes a Secret")


def every_field(world):
    """The API server itself checks the objects. It refuses a field that it does not know."""
    cluster = world.cluster
    cluster.kubectl("apply", "--server-side", "--filename", world.definitions)
    for kind in ["httproutes.gateway.networking.k8s.io", "servicemonitors.monitoring.coreos.com"]:
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{kind}")
    # A Pod whose account does not exist is refused, even in a dry run.
    for account in ["gangplank", "images"]:
        cluster.kubectl("create", "serviceaccount", account)
    kinds = set()
    for name, values in VALUES.items():
        made = template(world, values).stdout
        told = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename", "-", given=made)
        kinds |= {line.split("/")[0] for line in told.splitlines()}
        expect("statefulset.apps/" in told, f"{name}: {told}")
    for text in pages.of("Behind an ingress", "yaml"):
        file = world.desk / text.split()[1]
        file.write_text(text)
        made = cluster.helm("template", "gangplank", CHART, f"--values={file}")
        cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename", "-", given=made)
    missing = {"httproute.gateway.networking.k8s.io", "servicemonitor.monitoring.coreos.com",
               "ingress.networking.k8s.io", "networkpolicy.networking.k8s.io"} - kinds
    expect(not missing, f"never made: {missing}")
    wrong = template(world, {}).stdout.replace("periodSeconds:", "periodSecond:", 1)
    refused(cluster.attempt(cluster.programs / "kubectl", "apply", "--dry-run=server", "--validate=strict",
                            "--filename", "-", given=wrong), "periodSecond")
