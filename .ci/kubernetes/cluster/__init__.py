"""A real cluster of one node, for trials: the programs of Kubernetes themselves, in namespaces of our own.

The cluster has no load balancer, no ingress controller and no storage classes, and nothing enforces network policies.
"""

import json
import os
import pathlib
import subprocess

from . import control_plane, images, node, sandbox
from .keys import ISSUER, Keys
from .processes import Dead, Processes
from .services import Services

PROGRAMS = ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"]


class Failure(Exception):
    """A command or a cluster did not do what was expected."""


class Cluster:
    def __init__(self, home, kubernetes, helm, cgroup):
        """Starts a cluster below the folder `home`, in a cgroup that exists already.

        `kubernetes` is the binary that contains all programs of Kubernetes.
        """
        self.home, self.helm_program, self.cgroup = home, helm, cgroup
        self.programs = home / "bin"
        for folder in ["bin", "logs"]:
            (home / folder).mkdir()
        for name in PROGRAMS:
            (self.programs / name).symlink_to(kubernetes)
        self.names = sandbox.enter(home)
        self.keys = Keys(home / "keys")
        sandbox.trust(home, self.keys.folder / "ca.crt")
        # The API server, under the name of its Service and as the issuer of tokens.
        self.names.set({ISSUER: sandbox.API_SERVICE})
        self.processes = Processes(home / "logs")
        control_plane.start(self.processes, self.programs, self.keys, home)
        node.start(self.processes, self.programs, self.keys, home, cgroup, self._pause())
        self.environment = os.environ | {
            "KUBECONFIG": str(self.keys.config("admin")), "HOME": str(home),
            "PATH": f"{self.programs}:{os.environ['PATH']}"}
        self._wait_for_node()
        account = ["get", "serviceaccount", "default", "--output", "name"]
        self.processes.wait_until("kube-controller-manager", lambda: self.try_kubectl(*account) != "")
        Services(self).start()

    def _wait_for_node(self):
        ready = ["get", "node", "node1", "--output", "jsonpath={.status.conditions[?(@.type=='Ready')].status}"]
        self.processes.wait_until("kubelet", lambda: self.try_kubectl(*ready) == "True")

    def _pause(self):
        program = self.pause_program()
        layout = self.home / "pause"
        images.write(layout, {"/pause": (program, 0o755)}, Entrypoint=["/pause"])
        return images.named(layout, node.PAUSE, self.home / "pause.tar")

    def pause_program(self):
        """A program that waits for ever, and needs no file of its image."""
        program = self.home / "bin/pause"
        if not program.exists():
            source = pathlib.Path(__file__).parent / "pause.c"
            sandbox.do("gcc", "-Os", "-static", "-nostdlib", "-ffreestanding", "-fno-asynchronous-unwind-tables",
                       "-Wl,--build-id=none,-z,noseparate-code,-s", "-o", program, source)
        return program.read_bytes()

    def run(self, *command, patience=180, given=None, environment=None):
        """The output of a command, which has to succeed."""
        done = self.attempt(*command, patience=patience, given=given, environment=environment)
        if done.returncode:
            raise Failure(f"{' '.join(map(str, command))[:200]}: {done.stderr or done.stdout}")
        return done.stdout

    def attempt(self, *command, patience=180, given=None, environment=None):
        """Runs a command beside the node. A command that fails is no error here."""
        command = [str(word) for word in command]
        try:
            return subprocess.run(command, input=given, capture_output=True, text=True, timeout=patience,
                                  env=self.environment | (environment or {}))
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{' '.join(command)[:200]} did not end within {patience} s") from late

    def kubectl(self, *words, given=None):
        return self.run(self.programs / "kubectl", *words, given=given)

    def try_kubectl(self, *words, given=None):
        return self.attempt(self.programs / "kubectl", *words, given=given).stdout

    @property
    def version(self):
        """The version of Kubernetes, such as v1.37.2."""
        return json.loads(self.kubectl("version", "--output", "json"))["serverVersion"]["gitVersion"]

    def get(self, *words):
        """An object, or a list of some."""
        return json.loads(self.kubectl("get", "--output", "json", *words))

    def apply(self, *objects, namespace="default"):
        """Makes or changes objects. A misspelt field is an error."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self.kubectl("apply", "--namespace", namespace, "--validate=strict", "--filename", "-",
                            given=json.dumps(listed))

    def helm(self, *words, patience=180):
        return self.run(self.helm_program, *words, patience=patience)

    def import_image(self, archive):
        """Puts an image onto the node, as if it had been pulled."""
        self.run("ctr", "-a", self.home / "run/containerd.sock", "-n", "k8s.io", "images", "import", archive)

    def use_provider(self, configuration, program):
        """Restarts the kubelet with a credential provider.

        `configuration` is the text of the kubelet's file about providers. `program` is the path of the provider.
        """
        node.providers(self.home).write_text(configuration)
        folder = self.home / "providers"
        folder.mkdir(exist_ok=True)
        link = folder / "gangplank-credential-provider"
        link.unlink(missing_ok=True)
        link.symlink_to(program)
        self.processes.stop("kubelet")
        node.kubelet(self.processes, self.programs, self.keys, self.home, self.cgroup)
        self._wait_for_node()


__all__ = ["Cluster", "Dead", "Failure"]
