//! The image for tests: one static program that does what its command says. The memory engine interprets the same
//! commands here.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use gangplank_engine::memory::Behaviour;
use gangplank_engine::{ContainerSpec, NodeName, NodeSpec, Protocol};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Its name in the engine.
pub(crate) const IMAGE: &str = "actor:1";

/// The image without an entry point.
pub(crate) const BARE_IMAGE: &str = "actor:bare";
/// The image with a user that does not exist, so that no engine starts it.
pub(crate) const BROKEN_IMAGE: &str = "actor:broken";

/// The tests' images as an archive for `docker load`. They have settings that images may contain and that we
/// must ignore.
pub(crate) fn archive() -> Vec<u8> {
    images(&[
        (IMAGE, json!(["/actor"]), ""),
        (BARE_IMAGE, json!(null), ""),
        (BROKEN_IMAGE, json!(["/actor"]), "nobody-here"),
    ])
}

/// The image alone, under another name.
pub(crate) fn archive_named(name: &str) -> Vec<u8> {
    images(&[(name, json!(["/actor"]), "")])
}

/// The program.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("actor.c");
        let program = folder.path().join("actor");
        std::fs::write(&source, include_str!("actor.c")).expect("the program's source");
        let compiled = Command::new("cc")
            .args(["-static", "-O1", "-w", "-o"])
            .args([&program, &source])
            .status()
            .expect("a C compiler");
        assert!(compiled.success(), "the tests' program does not compile");
        std::fs::read(&program).expect("the program")
    })
}

/// Images of the program: name, entry point, user.
fn images(wanted: &[(&str, serde_json::Value, &str)]) -> Vec<u8> {
    let layer = tar(&[("actor", 0o755, program())]);
    let layer_id = format!("sha256:{}", hex::encode(Sha256::digest(&layer)));
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let mut files = vec![("layer.tar".to_owned(), layer)];
    let mut manifest = Vec::new();
    for (place, (name, entry, user)) in wanted.iter().enumerate() {
        let config = json!({
            "architecture": processor,
            "os": "linux",
            "config": {
                "Entrypoint": entry,
                "Cmd": ["wait"],
                "User": user,
                "Volumes": { "/data": {} },
                "Healthcheck": { "Test": ["CMD", "/nothing"], "Interval": 1_000_000_000 },
                "Labels": { "name": name },
            },
            "rootfs": { "type": "layers", "diff_ids": [layer_id] },
        });
        let file = format!("{place}.json");
        manifest.push(json!({ "Config": file, "RepoTags": [name], "Layers": ["layer.tar"] }));
        files.push((file, config.to_string().into_bytes()));
    }
    files.push(("manifest.json".to_owned(), json!(manifest).to_string().into_bytes()));
    let files: Vec<_> =
        files.iter().map(|(name, content)| (name.as_str(), 0o644, content.as_slice())).collect();
    tar(&files)
}

/// An archive of files: name, mode, content.
pub(crate) fn tar(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, mode, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, *content).expect("an archive");
    }
    archive.into_inner().expect("an archive")
}

/// A node of service `web` with containers that run these commands. A container that serves opens its port.
pub(crate) fn node(version: i64, containers: &[(&str, &str)]) -> NodeSpec {
    let containers = containers.iter().map(|(name, command)| {
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let serves = command.first().is_some_and(|word| word == "serve");
        let port = serves.then(|| (command[1].parse().expect("a port"), Protocol::Tcp));
        let spec = ContainerSpec {
            image: IMAGE.to_owned(),
            command,
            environment: BTreeMap::new(),
            ports: port.into_iter().collect(),
        };
        ((*name).to_owned(), spec)
    });
    NodeSpec {
        name: NodeName { tenant: "1/us-east-1".into(), service: "web".into(), version, ordinal: 0 },
        service_id: "the-service".into(),
        containers: containers.collect(),
        cpus: 0.5,
        memory: 64 << 20,
    }
}

/// The behaviour of the program, for the memory engine.
pub(crate) fn behaviour(_: &NodeName, _: &str, spec: &ContainerSpec) -> Behaviour {
    let word = |place: usize| spec.command.get(place).map(String::as_str).unwrap_or_default();
    let number = |place: usize| word(place).parse::<u64>().unwrap_or_default();
    if spec.image == BROKEN_IMAGE {
        return Behaviour::refused("unable to find user nobody-here");
    }
    match word(0) {
        "serve" => Behaviour::serves(200).printing(["listening"]).using(0.1, 1 << 20),
        "exit" => Behaviour::ends(number(1).try_into().expect("a status"), Duration::from_millis(number(2))),
        "print" => {
            let lines: Vec<String> = (0..number(1)).map(|line| format!("line {line}")).collect();
            Behaviour::runs().printing(lines.iter().map(String::as_str))
        }
        "hog" => Behaviour::runs_out_of_memory(Duration::from_millis(100)),
        "stubborn" => Behaviour::runs().stopping_in(Duration::from_hours(1)).printing(["stubborn"]),
        _ => Behaviour::runs(),
    }
}
