"""Parts of a cluster that are not Kubernetes: DNS for Services, and external addresses, as from a cloud."""

import json
import subprocess
import threading

EACH = ('jsonpath={.metadata.namespace} {.metadata.name} {.spec.type} {.spec.clusterIP} '
        '{.status.loadBalancer.ingress[*].ip}{"\\n"}')


class Services(threading.Thread):
    def __init__(self, cluster):
        super().__init__(daemon=True)
        self._cluster = cluster
        self._free = iter(f"10.93.0.{number}" for number in range(1, 250))
        self._given = {}

    def run(self):
        command = ["kubectl", "get", "services", "--all-namespaces", "--watch", "--output", EACH]
        watched = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._cluster.environment)
        for line in watched.stdout:
            namespace, name, kind, address, *outside = line.split()
            inside = f"{name}.{namespace}.svc"
            self._cluster.names.set({inside: address, f"{inside}.cluster.local": address})
            if kind == "LoadBalancer" and not outside:
                self._give(namespace, name)

    def _give(self, namespace, name):
        # A Service that is made again keeps its address, because others know it.
        address = self._given.setdefault((namespace, name), None) or next(self._free)
        self._given[namespace, name] = address
        status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
        self._cluster.try_kubectl("patch", "service", "--namespace", namespace, name, "--subresource=status",
                                  "--patch", json.dumps(status))
