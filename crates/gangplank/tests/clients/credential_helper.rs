//! The credential helper: container tools push although nobody has logged in.

use std::os::unix::fs::symlink;

use crate::bench::{Bench, SERVICE};
use crate::client::{Call, Program};
use crate::containers::Containers;
use crate::images;
use crate::suite::Suite;

/// Adds the trials.
pub(crate) fn add(suite: &mut Suite) {
    for (name, test) in
        [("podman", with_podman as fn(&Program)), ("skopeo", with_skopeo), ("buildah", with_buildah)]
    {
        let install = "apt-get install podman skopeo buildah";
        suite.client(name, install, Program::find(name), &[("pushes_by_the_credential_helper", test)]);
    }
}

/// A server. The client's environment names its files and the helper.
pub(crate) fn bench() -> Bench {
    let bench = Bench::new();
    bench.server.api().ensure_service(SERVICE);
    let helpers = format!(r#"{{"credHelpers":{{"{}":"gangplank"}}}}"#, bench.server.host());
    bench.write("auth.json", &helpers);
    bench.write(".docker/config.json", &helpers);
    std::fs::create_dir_all(bench.home().join("bin")).expect("a folder for programs");
    let program = env!("CARGO_BIN_EXE_gangplank");
    symlink(program, bench.home().join("bin/docker-credential-gangplank")).expect("a link");
    bench
}

/// A client's command with the helper on its path.
pub(crate) fn with_helper(bench: &Bench, call: Call) -> Call {
    let path = std::env::var("PATH").unwrap_or_default();
    let call = call.env("PATH", format!("{}:{path}", bench.home().join("bin").display()));
    bench.server.client_variables().into_iter().fold(call, |call, (name, value)| call.env(name, value))
}

fn push(bench: &Bench, tool: &Containers<'_>, command: &[&str]) {
    let target = format!("docker://{}", bench.image("sr:helped"));
    let refused = tool.call(&[command, &[&target]].concat()).run();
    refused.refused(&["credential", "unauthorized", "authentication required"]);
    with_helper(bench, tool.call(&[command, &[&target]].concat())).run().ok();
    assert!(bench.has("sr", "helped"));
}

fn with_podman(podman: &Program) {
    let bench = bench();
    let podman = Containers::new(&bench, podman);
    let system = bench.write("system.tar", images::file_system());
    podman.run(&["import", &system.display().to_string(), "local:image"]).ok();
    push(&bench, &podman, &["push", "--tls-verify=false", "local:image"]);
}

fn with_skopeo(skopeo: &Program) {
    let bench = bench();
    let skopeo = Containers::new(&bench, skopeo);
    images::write_layout(&bench.home().join("layout"));
    push(&bench, &skopeo, &["copy", "--dest-tls-verify=false", "oci:layout:latest"]);
}

fn with_buildah(buildah: &Program) {
    let bench = bench();
    let buildah = Containers::new(&bench, buildah);
    let container = buildah.run(&["from", "scratch"]).ok().stdout;
    buildah.run(&["commit", "--rm", container.trim(), "local:image"]).ok();
    push(&bench, &buildah, &["push", "--tls-verify=false", "local:image"]);
}
