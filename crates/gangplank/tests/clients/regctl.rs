//! Regctl, the command of regclient.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::Suite;
use crate::words::{IN_WORDS, ONLY_PUSHES, Refusals};

/// For a 401 it only shows the status.
const WORDS: Refusals = Refusals { revoked: &["unauthorized"], ..IN_WORDS };

/// Adds regctl's trials.
pub(crate) fn add(suite: &mut Suite) {
    suite.go_client(
        "regctl",
        &[
            ("login_push_register_pull", whole_story),
            ("multi_platform", multi_platform),
            ("goes_on_with_what_it_pushed", goes_on),
            ("refusals_say_why", refusals),
        ],
    );
}

fn whole_story(regctl: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Regctl::new(&bench, regctl));
}

fn multi_platform(regctl: &Program) {
    let bench = Bench::new();
    let mut regctl = Regctl::new(&bench, regctl);
    regctl.enter(&bench.push_login()).ok();
    let digest = images::write_index_layout(&bench.home().join("layout"));
    for _ in 0..2 {
        regctl.push(&bench.image("sr:index")).ok();
    }
    regctl.make();
    regctl.push(&bench.image("sr:index")).ok();
    assert!(bench.has("sr", &digest), "the tag moved on, and the index is there");
    assert_eq!(bench.register("multi", &digest), ":web.multi.1");
    regctl.enter(&bench.pull_login()).ok();
    regctl.pull(&bench.image("web:multi.1")).ok();
}

/// A job reads back its own push, and the next day's job does the same.
fn goes_on(regctl: &Program) {
    let bench = Bench::new();
    let mut regctl = Regctl::new(&bench, regctl);
    regctl.make();
    for day in ["first", "second"] {
        regctl.enter(&bench.push_login()).ok();
        let image = bench.image(&format!("team/app:{day}"));
        let next = |what: &str| bench.image(&format!("team/app:{day}-{what}"));
        regctl.push(&image).ok();
        regctl.run(&["image", "copy", &image, &next("copy")]).ok();
        regctl.run(&["index", "create", "--ref", &image, &next("index")]).ok();
        let bill = ["artifact", "put", "--artifact-type=application/vnd.example.bill", "--subject", &image];
        let call = bench.call(regctl.program, bill).input("{}");
        call.run().ok();
        for what in ["copy", "index"] {
            assert!(bench.has("team/app", &format!("{day}-{what}")), "{day}-{what}");
        }
    }
}

fn refusals(regctl: &Program) {
    let bench = Bench::new();
    let mut regctl = Regctl::new(&bench, regctl);
    WORDS.try_pushes(&bench, ("sr", "refused"), |login| {
        bench.remember(login);
        regctl.make();
        regctl.push(&bench.image("sr:refused"))
    });
    regctl.make();
    regctl.push(&bench.image("sr:first")).ok();
    regctl.pull(&bench.image("sr:first")).refused(ONLY_PUSHES);
    regctl.run(&["tag", "ls", &bench.image("sr")]).refused(ONLY_PUSHES);
}

struct Regctl<'a> {
    bench: &'a Bench,
    program: &'a Program,
}

impl<'a> Regctl<'a> {
    fn new(bench: &'a Bench, program: &'a Program) -> Self {
        let regctl = Self { bench, program };
        regctl.run(&["registry", "set", "--tls=disabled", "--skip-check", &bench.server.host()]).ok();
        regctl
    }

    fn run(&self, args: &[&str]) -> Done {
        self.bench.call(self.program, args.iter().copied()).run()
    }

    fn enter(&self, login: &Login) -> Done {
        let args = ["registry", "login", "-u", &login.username, "--pass-stdin", &login.registry];
        self.bench.call(self.program, args).input(login.password.as_str()).run()
    }
}

impl ImageTool for Regctl<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        Some(self.enter(login))
    }

    fn make(&mut self) {
        self.forget();
        images::write_layout(&self.bench.home().join("layout"));
    }

    fn push(&self, reference: &str) -> Done {
        self.run(&["image", "copy", "--format={{.CommonName}}", "ocidir://layout:latest", reference])
    }

    fn pushed_digest(&self, push: &Done) -> String {
        self.run(&["image", "digest", push.stdout.trim()]).ok().digest()
    }

    fn forget(&self) {
        for what in ["layout", "pulled"] {
            let _ = std::fs::remove_dir_all(self.bench.home().join(what));
        }
    }

    fn pull(&self, reference: &str) -> Done {
        self.run(&["image", "copy", reference, "ocidir://pulled:latest"])
    }
}
