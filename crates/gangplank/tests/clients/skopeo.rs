//! Skopeo, from and to an OCI layout.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::containers::Containers;
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::Suite;

/// Adds skopeo's trials.
pub(crate) fn add(suite: &mut Suite) {
    let skopeo = Program::find("skopeo");
    suite.client(
        "skopeo",
        "apt-get install skopeo",
        skopeo,
        &[
            ("login_push_register_pull", whole_story),
            ("login_push_register_pull_over_s3", over_s3),
            ("multi_platform", multi_platform),
            ("reads_nothing_with_a_push_login", reads_nothing),
        ],
    );
}

fn whole_story(skopeo: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Skopeo(Containers::new(&bench, skopeo)));
}

/// Pushes and pulls with blobs in the bucket of each S3 server of other projects.
fn over_s3(skopeo: &Program) {
    for s3 in Bench::s3_servers() {
        let bench = Bench::over_s3(&s3);
        journey(&bench, &mut Skopeo(Containers::new(&bench, skopeo)));
    }
}

/// An index is pushed whole, registered, and pulled whole.
fn multi_platform(skopeo: &Program) {
    let bench = Bench::new();
    let skopeo = Containers::new(&bench, skopeo);
    skopeo.log_in(&bench.push_login()).ok();
    let digest = images::write_index_layout(&bench.home().join("index"));
    let target = format!("docker://{}", bench.image("sr:index"));
    let copy = ["copy", "--all", "--preserve-digests"];
    for _ in 0..2 {
        let push = ["--dest-tls-verify=false", "oci:index:latest", &target];
        skopeo.run(&[copy.as_slice(), &push].concat()).ok();
    }
    assert!(bench.has("sr", &digest));
    assert_eq!(bench.register("multi", &digest), ":web.multi.1");

    let registered = format!("docker://{}", bench.image("web:multi.1"));
    skopeo.run(&["copy", "--all", "--src-tls-verify=false", &registered, "dir:no"]).refused(&["denied"]);
    skopeo.log_in(&bench.pull_login()).ok();
    skopeo
        .run(&[
            "copy",
            "--all",
            "--preserve-digests",
            "--src-tls-verify=false",
            &registered,
            "oci:pulled:latest",
        ])
        .ok();
    let pulled = std::fs::read_to_string(bench.home().join("pulled/index.json")).expect("the index");
    assert!(pulled.contains(&digest), "{pulled}");
}

/// Other requests that skopeo can make.
fn reads_nothing(skopeo: &Program) {
    let bench = Bench::new();
    let mut skopeo = Skopeo(Containers::new(&bench, skopeo));
    skopeo.log_in(&bench.push_login()).unwrap().ok();
    skopeo.make();
    skopeo.push(&bench.image("sr:first")).ok();
    let image = format!("docker://{}", bench.image("sr:first"));
    // This login may read its own manifests.
    skopeo.0.run(&["inspect", "--tls-verify=false", &image]).ok();
    skopeo.0.log_in(&bench.push_login()).ok();
    for command in [
        ["inspect", "--tls-verify=false", &image],
        ["inspect", "--tls-verify=false", &format!("docker://{}", bench.image("sr:absent"))],
        ["list-tags", "--tls-verify=false", &format!("docker://{}", bench.image("sr"))],
        ["delete", "--tls-verify=false", &image],
    ] {
        skopeo.0.run(&command).refused(&["denied", "403"]);
    }
    assert!(bench.has("sr", "first"), "what could not be deleted is there");
    skopeo.0.run(&["logout", &bench.server.host()]).ok();
    skopeo.push(&bench.image("sr:second")).refused(&["authentication required", "unauthorized"]);
}

struct Skopeo<'a>(Containers<'a>);

impl ImageTool for Skopeo<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        Some(self.0.log_in(login))
    }

    fn make(&mut self) {
        self.forget();
        images::write_layout(&self.0.bench.home().join("layout"));
    }

    fn push(&self, reference: &str) -> Done {
        let target = format!("docker://{reference}");
        let command = ["copy", "--dest-tls-verify=false", "--digestfile=digest", "oci:layout:latest"];
        self.0.run(&[command.as_slice(), &[&target]].concat())
    }

    fn pushed_digest(&self, _: &Done) -> String {
        self.0.digest_file()
    }

    fn forget(&self) {
        for folder in ["layout", "pulled", ".local/share/containers"] {
            let _ = std::fs::remove_dir_all(self.0.bench.home().join(folder));
        }
    }

    fn pull(&self, reference: &str) -> Done {
        let source = format!("docker://{reference}");
        self.0.run(&["copy", "--src-tls-verify=false", &source, "oci:pulled:latest"])
    }
}
