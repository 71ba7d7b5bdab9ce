"""The node: containerd, a name server, the kubelet and kube-proxy."""

import json
import subprocess

from .processes import ran
from .sandbox import NODE, PODS, trusted

PAUSE = "localhost/pause:1"


def start(processes, programs, keys, home, cgroup, pause):
    containerd(processes, home, pause)
    # The name server notices changed files in the folder by itself. It does not answer for unknown names.
    processes.start("dnsmasq", [
        "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--local=/#/", f"--hostsdir={home}/names",
        "--user=root", f"--listen-address={NODE}", "--bind-interfaces", "--log-facility=-", "--pid-file="])
    kubelet(processes, programs, keys, home, cgroup)
    proxy = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
        "clientConnection": {"kubeconfig": str(keys.config("proxy"))}, "clusterCIDR": PODS,
        "hostnameOverride": "node1",
        # 0 leaves the machine's settings unchanged.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    (home / "proxy.json").write_text(json.dumps(proxy))
    processes.start("kube-proxy", [programs / "kube-proxy", f"--config={home}/proxy.json"])


def containerd(processes, home, pause):
    specification = json.loads(subprocess.run(["ctr", "oci", "spec"], check=True, capture_output=True).stdout)
    specification["mounts"].append({"destination": "/etc/ssl/certs/ca-certificates.crt", "type": "bind",
                                    "source": str(trusted(home)), "options": ["rbind", "ro"]})
    (home / "container.json").write_text(json.dumps(specification))
    (home / "containerd.toml").write_text(f"""
version = 2
root = "{home}/containerd"
state = "{home}/run/containerd"
[grpc]
  address = "{home}/run/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{home}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE no process can get a lower chance of being killed than this one has.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{home}/networks"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    base_runtime_spec = "{home}/container.json"
""")
    for folder in ["run", "networks"]:
        (home / folder).mkdir()
    addresses = {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
    (home / "networks/pods.conflist").write_text(json.dumps({
        "cniVersion": "1.0.0", "name": "pods", "plugins": [
            {"type": "bridge", "bridge": "pods0", "isGateway": True, "hairpinMode": True, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}}]}))
    processes.start("containerd", ["containerd", "--config", home / "containerd.toml"])
    processes.wait_until("containerd", lambda: ran(["ctr", "-a", home / "run/containerd.sock", "version"]))
    subprocess.run(["ctr", "-a", home / "run/containerd.sock", "-n", "k8s.io", "images", "import", pause],
                   check=True, capture_output=True)


def kubelet(processes, programs, keys, home, cgroup):
    (home / "resolv.conf").touch()
    (home / "kubelet.json").write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "failCgroupV1": False, "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{cgroup}",
        "containerRuntimeEndpoint": f"unix://{home}/run/containerd.sock",
        "resolvConf": str(home / "resolv.conf"), "clusterDNS": [NODE], "clusterDomain": "cluster.local",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": str(keys.folder / "ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%",
                         "nodefs.inodesFree": "1%"},
        # Images that were loaded here are kept, even if the disk is full.
        "imageGCHighThresholdPercent": 100,
        "failSwapOn": False, "serializeImagePulls": False, "shutdownGracePeriod": "0s",
    }))
    command = [programs / "kubelet", f"--config={home}/kubelet.json", f"--kubeconfig={keys.config('kubelet')}",
               "--hostname-override=node1", f"--node-ip={NODE}"]
    # The kubelet reads this file when it starts, and refuses one without a provider.
    if providers(home).exists():
        command += [f"--image-credential-provider-config={providers(home)}",
                    f"--image-credential-provider-bin-dir={home}/providers"]
    processes.start("kubelet", command)


def providers(home):
    """The file of the kubelet's credential providers, whose programs are in the folder `providers`."""
    return home / "providers.yaml"
