//! Oras: images, files and attachments.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::Suite;
use crate::words::{IN_WORDS, ONLY_PUSHES, Refusals};

/// It first requests HEAD of the manifest, and that answer has no message.
const WORDS: Refusals = Refusals { only_pulls: &["403"], ..IN_WORDS };

/// Adds oras' trials.
pub(crate) fn add(suite: &mut Suite) {
    suite.go_client(
        "oras",
        &[
            ("login_push_register_pull", whole_story),
            ("multi_platform", multi_platform),
            ("files_and_attachments", attachments),
            ("goes_on_with_what_it_pushed", goes_on),
            ("refusals_say_why", refusals),
        ],
    );
}

fn whole_story(oras: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Oras { bench: &bench, program: oras });
}

fn multi_platform(oras: &Program) {
    let bench = Bench::new();
    let mut oras = Oras { bench: &bench, program: oras };
    oras.enter(&bench.push_login()).ok();
    let digest = images::write_index_layout(&bench.home().join("layout"));
    for _ in 0..2 {
        oras.push(&bench.image("sr:index")).ok();
    }
    oras.make();
    oras.push(&bench.image("sr:index")).ok();
    assert!(bench.has("sr", &digest), "the tag moved on, and the index is there");
    assert_eq!(bench.register("multi", &digest), ":web.multi.1");
    oras.enter(&bench.pull_login()).ok();
    oras.pull(&bench.image("web:multi.1")).ok();
}

/// A file is pushed, another one is attached to it, and attachments are listed.
fn attachments(oras: &Program) {
    let bench = Bench::new();
    let oras = Oras { bench: &bench, program: oras };
    oras.enter(&bench.push_login()).ok();
    bench.write("file.txt", images::file_system());
    bench.write("bill.json", r#"{"components":[]}"#);
    let file = bench.image("team/files:v1");
    let push = ["push", "--plain-http", "--artifact-type=application/vnd.example", &file, "file.txt"];
    for _ in 0..2 {
        oras.run(&push).ok();
        let kind = "--artifact-type=application/vnd.example.bill";
        oras.run(&["attach", "--plain-http", kind, &file, "bill.json"]).ok();
    }
    let listed = oras.run(&["discover", "--plain-http", "--format=json", &file]).ok().stdout;
    assert!(listed.contains("application/vnd.example.bill"), "{listed}");
    oras.run(&["pull", "--plain-http", &file]).refused(ONLY_PUSHES);
}

/// A job reads back its own push, and the next day's job does the same.
fn goes_on(oras: &Program) {
    let bench = Bench::new();
    let mut oras = Oras { bench: &bench, program: oras };
    oras.make();
    for day in ["first", "second"] {
        oras.enter(&bench.push_login()).ok();
        oras.push(&bench.image(&format!("team/app:{day},{day}-2,{day}-3"))).ok();
        let image = bench.image(&format!("team/app:{day}"));
        oras.run(&["tag", "--plain-http", &image, &format!("{day}-tag")]).ok();
        let index = bench.image(&format!("team/app:{day}-index"));
        oras.run(&["manifest", "index", "create", "--plain-http", &index, day]).ok();
        for what in ["2", "3", "tag", "index"] {
            assert!(bench.has("team/app", &format!("{day}-{what}")), "{day}-{what}");
        }
    }
}

fn refusals(oras: &Program) {
    let bench = Bench::new();
    let mut oras = Oras { bench: &bench, program: oras };
    WORDS.try_pushes(&bench, ("sr", "refused"), |login| {
        bench.remember(login);
        oras.make();
        oras.push(&bench.image("sr:refused"))
    });
    oras.make();
    let digest = oras.pushed_digest(&oras.push(&bench.image("sr:first")).ok());
    bench.register("app", &digest);
    oras.pull(&bench.image("sr:first")).refused(ONLY_PUSHES);
    oras.run(&["repo", "tags", "--plain-http", &bench.image("sr")]).refused(ONLY_PUSHES);
    oras.run(&["manifest", "delete", "--plain-http", "--force", &bench.image("sr:first")])
        .refused(ONLY_PUSHES);
    assert!(bench.has("sr", "first"), "what could not be deleted is there");
}

struct Oras<'a> {
    bench: &'a Bench,
    program: &'a Program,
}

impl Oras<'_> {
    fn run(&self, args: &[&str]) -> Done {
        self.bench.call(self.program, args.iter().copied()).run()
    }

    fn enter(&self, login: &Login) -> Done {
        let args = ["login", "--plain-http", "-u", &login.username, "--password-stdin", &login.registry];
        self.bench.call(self.program, args).input(login.password.as_str()).run()
    }
}

impl ImageTool for Oras<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        Some(self.enter(login))
    }

    fn make(&mut self) {
        self.forget();
        images::write_layout(&self.bench.home().join("layout"));
    }

    fn push(&self, reference: &str) -> Done {
        self.run(&["cp", "--from-oci-layout", "--to-plain-http", "layout:latest", reference])
    }

    fn pushed_digest(&self, push: &Done) -> String {
        push.digest()
    }

    fn forget(&self) {
        for what in ["layout", "pulled"] {
            let _ = std::fs::remove_dir_all(self.bench.home().join(what));
        }
    }

    fn pull(&self, reference: &str) -> Done {
        self.run(&["cp", "--from-plain-http", "--to-oci-layout", reference, "pulled:latest"])
    }
}
