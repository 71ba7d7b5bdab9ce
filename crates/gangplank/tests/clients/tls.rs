//! Clients over TLS, with a certificate that they are configured to trust.

use gangplank_testkit::{Login, TestServer};
use serde_json::Value;
use tempfile::TempDir;

use crate::bench::Bench;
use crate::client::Program;
use crate::containers::Containers;
use crate::docker::Docker;
use crate::images;
use crate::journey::ImageTool as _;
use crate::suite::Suite;

/// Adds the trials over TLS.
pub(crate) fn add(suite: &mut Suite) {
    let openssl = Program::find("openssl").is_some();
    let with = |program: Option<Program>| program.filter(|_| openssl);
    let docker = with(Program::find("docker")).filter(|_| Program::find("dockerd").is_some());
    suite.client(
        "skopeo_tls",
        "apt-get install skopeo openssl",
        with(Program::find("skopeo")),
        &[("login_push", skopeo)],
    );
    suite.client("docker_tls", "apt-get install docker.io openssl", docker, &[("login_push", docker_push)]);
}

fn skopeo(skopeo: &Program) {
    let certificates = certificates();
    let bench = bench(&certificates);
    let skopeo = Containers::new(&bench, skopeo);
    let login = push_login(&bench, &certificates);
    let folder = certificates.path().display().to_string();
    let enter = ["login", "--cert-dir", &folder, "-u", "AWS", "--password-stdin", &login.registry];
    skopeo.call(&enter).input(login.password.as_str()).run().ok();
    images::write_layout(&bench.home().join("layout"));
    let target = format!("docker://{}", bench.image("sr:secure"));
    skopeo.run(&["copy", "--dest-cert-dir", &folder, "oci:layout:latest", &target]).ok();
    skopeo.run(&["copy", "oci:layout:latest", &target]).refused(&["x509"]);
    skopeo.run(&["copy", "--src-cert-dir", &folder, &target, "dir:pulled"]).refused(&["denied", "403"]);
}

/// Docker needs no valid certificate on the loopback range, and tries TLS first.
fn docker_push(docker: &Program) {
    let certificates = certificates();
    let bench = bench(&certificates);
    let mut docker = Docker::start(&bench, docker);
    docker.log_in(&push_login(&bench, &certificates)).unwrap().ok();
    docker.make();
    docker.push(&bench.image("sr:secure")).ok();
    docker.forget();
    docker.pull(&bench.image("sr:secure")).refused(&["denied"]);
}

/// A self-signed certificate for 127.0.0.1, in the file `ca.crt`, where clients look for it.
pub(crate) fn certificates() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let files = ["-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "ca.crt"];
    let names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
    let args = request.into_iter().chain(files).chain(names);
    let openssl = Program::find("openssl").expect("openssl");
    openssl.call(folder.path(), args).run().ok();
    folder
}

fn bench(certificates: &TempDir) -> Bench {
    let file = |name: &str| certificates.path().join(name).display().to_string();
    let server = TestServer::builder(env!("CARGO_BIN_EXE_gangplank"));
    let server = server.arg("--tls-cert").arg(file("ca.crt")).arg("--tls-key").arg(file("key.pem"));
    Bench::over(server.start())
}

/// Makes a push login over TLS with our own command line.
fn push_login(bench: &Bench, certificates: &TempDir) -> Login {
    let program = Program::at(env!("CARGO_BIN_EXE_gangplank").as_ref()).expect("gangplank");
    let create = ["registry-login", "create", "--scope=push"];
    let call = bench.call_with_keys(&program, create);
    let done = call.env("SSL_CERT_FILE", certificates.path().join("ca.crt")).run().ok();
    let answer: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done}"));
    let member = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{done}")).to_owned();
    Login { username: member("username"), password: member("password"), registry: member("registry") }
}
