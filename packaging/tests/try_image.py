"""The container image: pushed into a Gangplank, pulled from it by Docker, and run there."""

import contextlib
import json
import re

from engine import Engine
from harness import PACKAGING, Failed, expect, folder, free_port, hermetic, needs, process, run, said, trial, wait_until
from layouts import small


@trial("image: says what it is, and is one layer of one size for everybody")
def says(bench):
    needs("skopeo", "skopeo")
    told = json.loads(run("skopeo", "inspect", f"oci:{bench.packed / 'image'}"))
    labels = told["Labels"]
    expect(labels["org.opencontainers.image.version"] == bench.version, str(labels))
    expect(labels["org.opencontainers.image.licenses"] == "Apache-2.0 OR MIT", str(labels))
    expect(len(told["Layers"]) == 1, str(told["Layers"]))
    config = json.loads(run("skopeo", "inspect", "--config", f"oci:{bench.packed / 'image'}"))["config"]
    expect(config["User"] == "65532:65532" and config["Volumes"] == {"/data": {}}, str(config))


@trial("image: goes into a Gangplank, comes out of it by a pull login, and runs read-only as nobody with one volume")
def journey(bench):
    with started(bench) as (server, engine):
        name = bench.push(bench.packed / "image", "--data-dir", server.data)
        expect(name == ":web.app.1", name)
        image = pull(bench, server, engine)

        # The default command would send passwords over plain HTTP, so it is refused.
        told = engine.run("run", "--rm", "--network=none", image, ok=(1, 2))
        expect("--insecure-http" in told, f"it does not say what to do: {told}")

        engine.run("network", "create", "trial")
        engine.run(
            "run", "--detach", "--name=own", "--network=trial", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL",
            "--security-opt=no-new-privileges", "--volume=own:/data", "--env=GANGPLANK_INSECURE_HTTP=true", image,
        )  # fmt: skip
        healthy(engine, "own")
        about = json.loads(engine.run("inspect", "own"))[0]
        expect(
            about["Config"]["User"] == "65532:65532" and about["HostConfig"]["ReadonlyRootfs"], "it is not so confined"
        )
        told = engine.run("top", "own", "-eo", "pid,uid,comm")
        expect(re.search(r" 65532 +gangplank", told), told)
        expect("is ready" in engine.run("exec", "own", "/usr/bin/gangplank", "ping"), "it is not ready")

        # The first push into it, from outside.
        keys = bench.work / "own-keys"
        keys.mkdir()
        engine.run("cp", "own:/data/credentials", keys)
        address = about["NetworkSettings"]["Networks"]["trial"]["IPAddress"]
        bench.push(
            small(bench.work / "own-layout"), AWS_SHARED_CREDENTIALS_FILE=str(keys / "credentials"),
            AWS_ENDPOINT_URL=f"http://{address}:5000", AWS_REGION="us-east-1",
        )  # fmt: skip
        # Another container on the same volume continues with the data.
        engine.run("restart", "own")
        healthy(engine, "own")
        told = engine.run("exec", "own", "/usr/bin/gangplank", "services")
        expect("web" in told, told)
        engine.run("stop", "own")
        expect(engine.run("inspect", "--format={{.State.ExitCode}}", "own").strip() == "0", engine.run("logs", "own"))


@trial("image: for two architectures becomes one index, which Gangplank takes")
def index(bench):
    with folder() as work:
        other = small(work / "other", "arm64")
        named(other, bench.version)
        run(PACKAGING / "join-images", work / "joined", bench.packed / "image", other)
        told = json.loads(run("skopeo", "inspect", "--raw", f"oci:{work / 'joined'}"))
        platforms = {entry["platform"]["architecture"] for entry in told["manifests"]}
        expect(platforms == {"amd64", "arm64"}, str(told))
        with serving(bench, work / "server") as server:
            expect(bench.push(work / "joined", "--data-dir", server.data) == ":web.app.1", "it is not registered")
        twice = run(PACKAGING / "join-images", work / "twice", other, other, ok=(1,))
        expect("no images of one version" in twice, twice)


@trial("image: the archive of it is the same image")
def archive(bench):
    with folder() as work, serving(bench, work / "server") as server:
        file = bench.artefact("*.image.tar")
        told = bench.gangplank(
            "push", f"oci-archive:{file}", "--service-name", "web", "--label", "app", "--create-service",
            "--output", "json", "--data-dir", server.data,
        )  # fmt: skip
        digest = json.loads((bench.packed / "image/index.json").read_text())["manifests"][0]["digest"]
        expect(digest in told, f"not {digest}: {told}")


class Server:
    def __init__(self, data, address):
        self.data, self.address = data, address


@contextlib.contextmanager
def serving(bench, folder):
    """A Gangplank server on its own port."""
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    command = [bench.program, "serve", "--listen", address, "--data-dir", folder / "data", "--engine", "none"]
    with process(*command, log=folder / "log", env=hermetic(folder)):
        wait_until(lambda: "listening on" in said(folder / "log"), "the server's start")
        yield Server(folder / "data", address)


@contextlib.contextmanager
def started(bench):
    """A Gangplank server, and an engine without images."""
    with folder() as work, serving(bench, work / "server") as server, Engine(work / "engine") as engine:
        yield server, engine


def pull(bench, server, engine):
    """Pulls the registered image with a login that can only pull it. Returns its name in the engine."""
    login = bench.pull_login("--data-dir", server.data)
    run(
        engine.client, "login", "--username", login["username"], "--password-stdin", server.address,
        env=engine.environment, text_in=login["password"],
    )  # fmt: skip
    image = f"{server.address}/web:app.1"
    engine.run("pull", image)
    return image


def healthy(engine, container):
    def is_healthy():
        state = engine.run("inspect", "--format={{.State.Status}} {{.State.Health.Status}}", container).split()
        if state[0] != "running":
            raise Failed(f"it is {state[0]}: {engine.run('logs', container)}")
        return state[1] == "healthy"

    wait_until(is_healthy, "the health of the container", 60)


def named(layout, version):
    """Gives a layout's image the name of a version."""
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = version
    (layout / "index.json").write_text(json.dumps(index))
