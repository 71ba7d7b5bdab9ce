//! The limits of containers, and the harm that one of them can do. The trial runs in its own network, because
//! the daemon needs the firewall.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use gangplank_testkit::Api;
use serde_json::{Value, json};

use crate::client::Program;
use crate::dockerd::Dockerd;
use crate::services::{World, deployment, until, within};
use crate::services_app;
use crate::suite::Test;

pub(crate) const TESTS: [(&str, Test); 1] = [(NAME, kept_in)];

const NAME: &str = "containers_are_kept_in";

/// Set if the trial runs in its own network.
const INSIDE: &str = "GANGPLANK_TRIAL_IN_OWN_NETWORK";

fn kept_in(client: &Program) {
    if std::env::var_os(INSIDE).is_some() {
        return attempts(client);
    }
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]);
    command.arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", "--nocapture", &format!("services_on_docker::{NAME}")]).env(INSIDE, "1");
    let done = command.output().expect("unshare, of util-linux");
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

fn attempts(client: &Program) {
    let world = World::with(&[], |folder| Dockerd::start_with(folder, client, &[]));
    for service in ["web", "api"] {
        world.make_service(service);
        world.deploy(service, service, &[]);
    }
    let (web, api) = (world.host("web"), world.host("api"));
    let neighbour = other_tenant(&world);
    for id in world.ids(&[]) {
        inspect(&world, &id);
    }
    let tried = |path: &str| {
        let (status, said) = world.get(&web, path);
        assert_eq!(status, 200, "{path}");
        said
    };
    let reached = |address: &str, port: u16| tried(&format!("/reach?{address}:{port}")) == "reached";
    let address_of = |host: &str| world.get(host, "/me").1;

    // Services of one tenant reach each other by name and address, and cannot reach those of other tenants.
    assert_eq!(tried("/resolve?api.service.local"), address_of(&api));
    assert!(reached(&address_of(&api), 8080));
    assert_eq!(tried("/resolve?other.service.local"), "no address");
    assert!(!reached(&address_of(&neighbour), 8080), "{}", address_of(&neighbour));

    // A program that listens on loopback cannot be reached through the gateways. A program that
    // listens on all addresses can be reached.
    let everywhere = TcpListener::bind("0.0.0.0:0").expect("a port").local_addr().expect("an address").port();
    let everywhere = TcpListener::bind(("0.0.0.0", everywhere)).expect("the port");
    let server = world.server.address().port();
    for host in [&web, &neighbour] {
        let gateway = format!("{}.1", address_of(host).rsplit_once('.').expect("an address").0);
        assert!(!reached(&gateway, server), "the server at {gateway}");
        for port in published(&world) {
            assert!(!reached(&gateway, port), "a published port at {gateway}");
        }
        let is_own = host == &web;
        assert!(!is_own || reached(&gateway, everywhere.local_addr().expect("an address").port()));
    }

    assert_eq!(tried("/raw"), "0 0", "no raw sockets");
    let forked: u32 = tried("/fork").parse().expect("a number");
    assert!((100..512).contains(&forked), "{forked}");
    assert_eq!(tried("/"), "web", "it goes on after that");

    // Only this container ends, and it comes back.
    let _ = world.get(&web, "/eat");
    until("it is told", || {
        let wanted = "[deployment:1] app: ended because it wanted more than the 512 MB of memory of its node";
        world.log("web").iter().any(|line| line == wanted)
    });
    within(Duration::from_secs(15), "it is back", || world.get(&web, "/") == (200, "web".to_owned()));
    assert_eq!(world.get(&neighbour, "/").1, "other");
}

/// Runs a service of another account. Returns its host.
fn other_tenant(world: &World) -> String {
    let made = world.api().gangplank("CreateAccessKey", &json!({ "account": "111122223333" })).body;
    let api: Api = world.api().as_key(&made["accessKey"]);
    api.ensure_service("other");
    let registry = world.server.registry_as(&api.push_login());
    let digest = registry.push_image("sr", "app", &services_app::image(true));
    api.register("other", "app", &digest);
    let answer = api.lightsail("CreateContainerServiceDeployment", &deployment("other", "other", &[]));
    assert_eq!(answer.status, 200, "{answer:?}");
    let service = || {
        let answer = api.lightsail("GetContainerServices", &json!({ "serviceName": "other" }));
        answer.body["containerServices"][0].clone()
    };
    until("the other tenant's service runs", || service()["state"] == "RUNNING");
    let url = service()["url"].as_str().expect("a url").to_owned();
    url.split("//").nth(1).expect("a host").trim_end_matches('/').to_owned()
}

fn shown(world: &World, id: &str) -> Value {
    let shown = world.docker.run(&["inspect", id]).ok().stdout;
    serde_json::from_str::<Value>(&shown).expect("what docker shows")[0].take()
}

/// The ports of this machine that are published for containers.
fn published(world: &World) -> Vec<u16> {
    let mut found = Vec::new();
    for id in world.ids(&[]) {
        let shown = shown(world, &id);
        let ports = shown["NetworkSettings"]["Ports"].as_object().cloned().unwrap_or_default();
        for binding in ports.values().filter_map(Value::as_array).flatten() {
            assert_eq!(binding["HostIp"], "127.0.0.1", "{binding}");
            found.push(binding["HostPort"].as_str().and_then(|it| it.parse().ok()).expect("a port"));
        }
    }
    assert_eq!(found.len(), 3, "{found:?}");
    found
}

/// Checks the engine's settings: those that must be there, and those that must not.
fn inspect(world: &World, id: &str) {
    let one = shown(world, id);
    let host = &one["HostConfig"];
    let is_pause = one["Config"]["Labels"]["dev.gangplank.container"].is_null();
    let is = |what: &Value, wanted: Value, name: &str| assert_eq!(*what, wanted, "{name} of {}", one["Name"]);
    let is_nothing = |what: &Value| {
        what.as_array().is_none_or(Vec::is_empty) && what.as_object().is_none_or(serde_json::Map::is_empty)
    };
    for name in
        ["Binds", "VolumesFrom", "Devices", "DeviceRequests", "GroupAdd", "Sysctls", "ExtraHosts", "Mounts"]
    {
        assert!(is_nothing(&host[name]), "{name}: {}", host[name]);
    }
    assert!(is_nothing(&one["Mounts"]), "{}", one["Mounts"]);
    is(&host["Privileged"], json!(false), "Privileged");
    is(&host["CapDrop"], json!(["ALL"]), "CapDrop");
    is(&host["SecurityOpt"], json!(["no-new-privileges"]), "SecurityOpt");
    is(&host["RestartPolicy"]["Name"], json!("no"), "RestartPolicy");
    is(&host["Init"], json!(true), "Init");
    is(&host["PidMode"], json!(""), "PidMode");
    is(&host["UTSMode"], json!(""), "UTSMode");
    is(&host["UsernsMode"], json!(""), "UsernsMode");
    is(&host["OomKillDisable"], json!(false), "OomKillDisable");
    is(&host["LogConfig"]["Config"], json!({ "max-file": "2", "max-size": "10m" }), "LogConfig");
    assert!(host["Ulimits"].as_array().is_some_and(|it| it.iter().any(|it| it["Name"] == "nofile")));
    let (memory, processes) = if is_pause { (16 << 20, 16) } else { (512 << 20, 512) };
    is(&host["Memory"], json!(memory), "Memory");
    is(&host["MemorySwap"], json!(memory), "MemorySwap");
    is(&host["PidsLimit"], json!(processes), "PidsLimit");
    if is_pause {
        is(&host["ReadonlyRootfs"], json!(true), "ReadonlyRootfs");
        is(&host["CapAdd"], Value::Null, "CapAdd");
    } else {
        is(&host["NanoCpus"], json!(250_000_000), "NanoCpus");
        let may = host["CapAdd"].to_string();
        for never in ["NET_RAW", "MKNOD", "SYS_", "AUDIT_WRITE", "NET_ADMIN"] {
            assert!(!may.contains(never), "{may}");
        }
        assert!(host["NetworkMode"].as_str().is_some_and(|mode| mode.starts_with("container:")));
    }
}
