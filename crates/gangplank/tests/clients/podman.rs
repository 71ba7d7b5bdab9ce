//! Podman, without its service.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::containers::Containers;
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::Suite;

/// Adds podman's trials.
pub(crate) fn add(suite: &mut Suite) {
    let podman = Program::find("podman");
    suite.client(
        "podman",
        "apt-get install podman",
        podman,
        &[("login_push_register_pull", whole_story), ("multi_platform", multi_platform)],
    );
}

fn whole_story(podman: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Podman(Containers::new(&bench, podman)));
}

/// An index of two platforms that podman makes.
fn multi_platform(podman: &Program) {
    let bench = Bench::new();
    let podman = Containers::new(&bench, podman);
    podman.log_in(&bench.push_login()).ok();
    podman.run(&["manifest", "create", "local:index"]).ok();
    for architecture in ["amd64", "arm64"] {
        let system = bench.write("system.tar", images::file_system());
        let system = system.display().to_string();
        podman.run(&["import", "--arch", architecture, &system, &format!("local:{architecture}")]).ok();
        let image = format!("containers-storage:localhost/local:{architecture}");
        podman.run(&["manifest", "add", "local:index", &image]).ok();
    }
    let target = format!("docker://{}", bench.image("sr:index"));
    let push = ["manifest", "push", "--all", "--tls-verify=false", "--digestfile=digest"];
    podman.run(&[push.as_slice(), &["local:index", &target]].concat()).ok();
    let digest = podman.digest_file();
    assert!(bench.has("sr", &digest));
    assert_eq!(bench.register("multi", &digest), ":web.multi.1");

    podman.log_in(&bench.pull_login()).ok();
    podman.run(&["rmi", "--all", "--force"]).ok();
    let image = bench.image("web:multi.1");
    podman.run(&["pull", "--tls-verify=false", "--arch=arm64", &image]).ok();
    let format = ["image", "inspect", "--format={{.Architecture}}", &image];
    assert_eq!(podman.run(&format).ok().stdout.trim(), "arm64");
}

struct Podman<'a>(Containers<'a>);

impl ImageTool for Podman<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        Some(self.0.log_in(login))
    }

    fn make(&mut self) {
        let system = self.0.bench.write("system.tar", images::file_system());
        self.0.run(&["import", &system.display().to_string(), "local:image"]).ok();
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
