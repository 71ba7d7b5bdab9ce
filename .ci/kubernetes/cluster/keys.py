"""Certificates and users: one authority, and a token for each component."""

import json
import secrets
import subprocess

from .sandbox import API_SERVICE, NODE

# The issuer's host in the cluster's tokens.
ISSUER = "cluster.example.com"


def openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **options).stdout


class Keys:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o700)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 7, "-subj",
                "/CN=the cluster's authority", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", folder / "accounts.key")
        openssl("pkey", "-in", folder / "accounts.key", "-pubout", "-out", folder / "accounts.pub")
        self.certify("apiserver", "/CN=kube-apiserver", f"IP:127.0.0.1,IP:{NODE},IP:{API_SERVICE}",
                     *self.names_of_the_api())
        self.certify("apiserver-to-kubelet", "/O=system:masters/CN=apiserver", "DNS:apiserver")
        self.certify("front-proxy", "/CN=front-proxy", "DNS:front-proxy")
        # The name of each file, the user, the user's group.
        self._users = [self.user(*who) for who in [
            ("admin", "admin", "system:masters"),
            ("controllers", "system:kube-controller-manager", ""),
            ("scheduler", "system:kube-scheduler", ""),
            ("kubelet", "system:node:node1", "system:nodes"),
            ("proxy", "system:kube-proxy", ""),
        ]]
        (folder / "tokens.csv").write_text("".join(self._users))

    @staticmethod
    def names_of_the_api():
        return ["DNS:kubernetes.default.svc", "DNS:kubernetes.default.svc.cluster.local", f"DNS:{ISSUER}"]

    def certify(self, name, subject, *others):
        """A key, and a certificate for it that the cluster's authority signs."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", 7, "-extfile", "/dev/stdin", "-out", certificate,
                input=f"subjectAltName={','.join(others)}\n".encode())
        return certificate, key

    def user(self, name, user, group):
        """Writes the file with which a component reaches the API server. Returns its line in the list of tokens."""
        token = secrets.token_hex(16)
        server = {"server": "https://127.0.0.1:6443", "certificate-authority": str(self.folder / "ca.crt")}
        self.config(name).write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": server}],
            "users": [{"name": "it", "user": {"token": token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }))
        return f'{token},{user},{user},"{group}"\n'

    def config(self, name):
        return self.folder / f"{name}.conf"
