"""etcd, the API server, the controllers and the scheduler."""

from .keys import ISSUER
from .processes import ran
from .sandbox import NODE, SERVICES


def start(processes, programs, keys, home):
    at = keys.folder
    processes.start("etcd", [
        "etcd", "--data-dir", home / "etcd",
        # A test's cluster need not survive a power cut.
        "--unsafe-no-fsync",
        "--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
        "--listen-peer-urls", "http://127.0.0.1:2380"])
    processes.wait_until("etcd", lambda: ran(["curl", "-sf", "http://127.0.0.1:2379/health"]))
    processes.start("kube-apiserver", [
        programs / "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--bind-address=0.0.0.0",
        f"--advertise-address={NODE}", f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged",
        f"--token-auth-file={at}/tokens.csv", f"--client-ca-file={at}/ca.crt",
        f"--tls-cert-file={at}/apiserver.crt", f"--tls-private-key-file={at}/apiserver.key",
        f"--service-account-issuer=https://{ISSUER}", f"--service-account-key-file={at}/accounts.pub",
        f"--service-account-signing-key-file={at}/accounts.key",
        f"--kubelet-client-certificate={at}/apiserver-to-kubelet.crt",
        f"--kubelet-client-key={at}/apiserver-to-kubelet.key", "--kubelet-preferred-address-types=InternalIP",
        # This authority also signs clients, so the name of the proxy has to be given.
        f"--requestheader-client-ca-file={at}/ca.crt", "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={at}/front-proxy.crt", f"--proxy-client-key-file={at}/front-proxy.key"])
    ready = ["curl", "-sf", "--cacert", at / "ca.crt", "https://127.0.0.1:6443/readyz"]
    processes.wait_until("kube-apiserver", lambda: ran(ready))
    processes.start("kube-controller-manager", [
        programs / "kube-controller-manager", f"--kubeconfig={keys.config('controllers')}", "--leader-elect=false",
        "--use-service-account-credentials", "--bind-address=127.0.0.1",
        f"--service-account-private-key-file={at}/accounts.key", f"--root-ca-file={at}/ca.crt"])
    processes.start("kube-scheduler", [
        programs / "kube-scheduler", f"--kubeconfig={keys.config('scheduler')}", "--leader-elect=false",
        "--bind-address=127.0.0.1"])
