"""What a cloud does for Services of the type LoadBalancer: gives each an address of its own."""

import json
import threading
import time


class Balancer(threading.Thread):
    def __init__(self, cluster):
        super().__init__(daemon=True)
        self._cluster = cluster
        self._free = iter(f"10.93.0.{number}" for number in range(1, 250))
        self._given = {}

    def run(self):
        while True:
            time.sleep(0.3)
            listed = self._cluster.try_kubectl("get", "services", "--all-namespaces", "--output", "json")
            for service in json.loads(listed or '{"items": []}')["items"]:
                waits = service["spec"]["type"] == "LoadBalancer" and not service["status"]["loadBalancer"]
                if waits:
                    self._give(service["metadata"])

    def _give(self, service):
        who = (service["namespace"], service["name"])
        # One that is made again has the address that it had, as its name in the DNS expects.
        address = self._given.setdefault(who, None) or next(self._free)
        self._given[who] = address
        status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
        self._cluster.try_kubectl("patch", "service", "--namespace", who[0], who[1], "--subresource=status",
                                  "--patch", json.dumps(status))
