//! `aws lightsail push-container-image` of the AWS CLI version 2 with this program as its plugin, and `gangplank
//! push` from the same engines.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::Value;

use crate::aws_cli::Aws;
use crate::bench::{Bench, SERVICE};
use crate::client::{Call, Done, Program};
use crate::containers::Containers;
use crate::docker::Docker;
use crate::images;
use crate::journey::ImageTool as _;
use crate::suite::Suite;

/// Adds the trials.
pub(crate) fn add(suite: &mut Suite) {
    let aws = Program::all("aws").into_iter().find(|aws| aws.version.starts_with("2."));
    let ready = aws.filter(|_| Program::find("dockerd").is_some() && Program::find("podman").is_some());
    suite.client(
        "lightsailctl",
        "apt-get install awscli docker.io podman",
        ready,
        &[("pushes_what_docker_has", with_docker), ("pushes_what_podman_has", with_podman)],
    );
}

fn with_docker(aws: &Program) {
    let bench = ready();
    let mut docker = Docker::start(&bench, &Program::find("docker").expect("docker"));
    docker.make();
    push(&bench, aws, &docker.socket);
}

fn with_podman(aws: &Program) {
    let bench = ready();
    let podman = Containers::new(&bench, &Program::find("podman").expect("podman"));
    let system = bench.write("system.tar", images::file_system());
    podman.run(&["import", &system.display().to_string(), "local:image"]).ok();
    let (_daemon, socket) = podman.service();
    push(&bench, aws, &socket);
}

/// A server with a service, and the plugin in its own folder.
fn ready() -> Bench {
    let bench = Bench::new();
    bench.server.api().ensure_service(SERVICE);
    let folder = programs(&bench);
    std::fs::create_dir_all(&folder).expect("a folder for programs");
    symlink(env!("CARGO_BIN_EXE_gangplank"), folder.join("lightsailctl")).expect("a link");
    bench
}

fn programs(bench: &Bench) -> PathBuf {
    bench.home().join("bin")
}

/// Pushes the image `local:image` of an engine, with the AWS CLI and without it.
fn push(bench: &Bench, program: &Program, engine: &str) {
    let aws = Aws { bench, program };
    let path = std::env::var("PATH").unwrap_or_default();
    let call = |service: &str, image: &str| {
        let args = ["push-container-image", "--service-name", service, "--label", "app", "--image", image];
        let config = bench.server.data_dir().join("config");
        let call: Call = aws.call(&args).env("DOCKER_HOST", engine).env("AWS_CONFIG_FILE", config);
        call.env("PATH", format!("{}:{path}", programs(bench).display()))
    };
    let done = call(SERVICE, "local:image").run().ok();
    let digest = done.digest();
    assert_eq!(
        done.stdout,
        format!(
            "Digest: {digest}\nImage \"local:image\" registered.\n\
             Refer to this image as \":web.app.1\" in deployments.\n"
        )
    );
    let images: Value = aws.json(&["get-container-images", "--service-name", SERVICE]);
    assert_eq!(images["containerImages"][0]["digest"], digest.as_str(), "{images}");

    let refused = |done: Done, word: &str| {
        let done = done.refused(&[word]);
        assert_eq!(done.code, Some(255), "{done}");
        assert!(done.stderr.contains("returned non-zero exit status 1"), "{done}");
    };
    refused(call(SERVICE, "local:none").run(), "local:none");
    refused(call("none", "local:image").run(), "operation error Lightsail: RegisterContainerImage");

    let gangplank = Program::at(env!("CARGO_BIN_EXE_gangplank").as_ref()).expect("this program");
    let args = ["push", "local:image", "--service-name", SERVICE, "--label", "app", "--quiet"];
    let call = bench.call_with_keys(&gangplank, args).env("DOCKER_HOST", engine);
    assert_eq!(call.run().ok().stdout, ":web.app.2\n");
}
