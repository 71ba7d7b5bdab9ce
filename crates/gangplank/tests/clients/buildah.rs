//! Buildah, which builds its image from scratch.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::containers::Containers;
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::Suite;

/// Adds buildah's trials.
pub(crate) fn add(suite: &mut Suite) {
    let buildah = Program::find("buildah");
    suite.client(
        "buildah",
        "apt-get install buildah",
        buildah,
        &[("login_push_register_pull", whole_story), ("multi_platform", multi_platform)],
    );
}

fn whole_story(buildah: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Buildah(Containers::new(&bench, buildah)));
}

/// With `--manifest` the builds for all platforms are collected in one index.
fn multi_platform(buildah: &Program) {
    let bench = Bench::new();
    let buildah = Containers::new(&bench, buildah);
    buildah.log_in(&bench.push_login()).ok();
    bench.write("context/Containerfile", "FROM scratch\nCOPY file /file\n");
    bench.write("context/file", images::file_system());
    for architecture in ["amd64", "arm64"] {
        let build = ["build", "--format=docker", "--manifest=local:index", "--arch", architecture, "context"];
        buildah.run(&build).ok();
    }
    let target = format!("docker://{}", bench.image("sr:index"));
    let push = ["manifest", "push", "--all", "--tls-verify=false", "--digestfile=digest"];
    buildah.run(&[push.as_slice(), &["local:index", &target]].concat()).ok();
    let digest = buildah.digest_file();
    assert!(bench.has("sr", &digest));
    assert_eq!(bench.register("multi", &digest), ":web.multi.1");
}

struct Buildah<'a>(Containers<'a>);

impl ImageTool for Buildah<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        Some(self.0.log_in(login))
    }

    fn make(&mut self) {
        let system = self.0.bench.write("system.tar", images::file_system());
        let container = self.0.run(&["from", "scratch"]).ok().stdout;
        let container = container.trim();
        self.0.run(&["add", container, &system.display().to_string(), "/"]).ok();
        self.0.run(&["commit", "--rm", container, "local:image"]).ok();
    }

    fn push(&self, reference: &str) -> Done {
        let target = format!("docker://{reference}");
        self.0.run(&["push", "--tls-verify=false", "--digestfile=digest", "local:image", &target])
    }

    fn pushed_digest(&self, _: &Done) -> String {
        self.0.digest_file()
    }

    fn forget(&self) {
        self.0.run(&["rmi", "--all", "--force"]).ok();
        assert_eq!(self.0.run(&["images", "--all", "--quiet"]).ok().stdout, "");
    }

    fn pull(&self, reference: &str) -> Done {
        self.0.run(&["pull", "--tls-verify=false", reference])
    }
}
