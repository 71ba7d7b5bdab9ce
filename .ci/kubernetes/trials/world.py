"""The things that all trials share: the cluster, the packed chart, and a folder in which the manual's commands run."""

import os
import pathlib
import re
import shutil

from cluster import Cluster, images

from . import pages

ROOT = pathlib.Path(__file__).parents[3]
PUBLISHED = "oci://ghcr.io/gangplank-registry/charts/gangplank"
IMAGE = "ghcr.io/gangplank-registry/gangplank"
REGISTRY = "registry.example.com"


class World:
    def __init__(self, home):
        self.home = home
        self.program = pathlib.Path(os.environ["GANGPLANK_PROGRAM"]).resolve()
        packages = pathlib.Path(os.environ["GANGPLANK_PACKAGES"]).resolve()
        self.image = packages / "image"
        [self.chart] = packages.glob("gangplank-*.tgz")
        self.definitions = pathlib.Path(os.environ["GANGPLANK_DEFINITIONS"])
        helm = pathlib.Path(os.environ["GANGPLANK_GO_CLIENTS"]) / "helm"
        self.cluster = Cluster(home, os.environ["GANGPLANK_KUBERNETES"], helm, os.environ["GANGPLANK_CGROUP"])
        # The first Service that asks for an external address gets this one.
        self.cluster.names.set({REGISTRY: "10.93.0.1"})
        self.desk = self._desk(helm)
        self.environment = {}
        self._put_images()

    def _desk(self, helm):
        """A folder with the things that the manual assumes: a certificate, an image, programs in the PATH."""
        desk = self.home / "desk"
        desk.mkdir()
        certificate, key = self.cluster.keys.certify("registry", f"/CN={REGISTRY}", f"DNS:{REGISTRY}")
        shutil.copy(certificate, desk / "tls.crt")
        shutil.copy(key, desk / "tls.key")
        images.write(desk / "app", {"/app": (self.cluster.pause_program(), 0o755)}, Entrypoint=["/app"])
        for name, program in [("gangplank", self.program), ("helm", helm)]:
            (self.cluster.programs / name).symlink_to(program)
        return desk

    @property
    def version(self):
        return re.fullmatch(r"gangplank-(.+)\.tgz", self.chart.name)[1]

    def _put_images(self):
        """Loads the image that the chart names and the one of kubectl, as if they had been pulled."""
        archive = images.named(self.image, f"{IMAGE}:{self.version}", self.home / "image.tar")
        self.cluster.import_image(archive)
        kubectl = self.home / "kubectl"
        program = (self.cluster.programs / "kubectl").resolve().read_bytes()
        images.write(kubectl, {"/bin/kubectl": (program, 0o755)}, Entrypoint=["/bin/kubectl"])
        name = f"registry.k8s.io/kubectl:{self.cluster.version}"
        self.cluster.import_image(images.named(kubectl, name, self.home / "kubectl.tar"))

    def follow(self, script):
        """Runs lines of the manual in the folder. Exported variables stay for later lines."""
        exported = self.home / "exported"
        script = script.replace(PUBLISHED, str(self.chart))
        said = self.cluster.run("bash", "-euo", "pipefail", "-c", f'cd "{self.desk}"\n{script}\nenv -0 >"{exported}"',
                                environment=self.environment)
        for variable in exported.read_text().split("\0"):
            name, _, value = variable.partition("=")
            if name.startswith("AWS_") or name == "REGISTRY":
                self.environment[name] = value
        return said

    def follow_section(self, heading):
        """Writes a section's files, and runs its commands one block after the other."""
        found = pages.blocks(heading)
        for language, text in found:
            named = re.match(r"# (\S+\.yaml)\n", text)
            if language == "yaml" and named:
                (self.desk / named[1]).write_text(text)
        return [self.follow(text) for language, text in found if language == "sh"]

    def gangplank(self, *words):
        """Our own command line, with the root key."""
        return self.cluster.run(self.program, *words, environment=self.environment)
