//! Crane, which pushes with go-containerregistry.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::images;
use crate::journey::{ImageTool, journey};
use crate::suite::Suite;
use crate::words::{IN_WORDS, ONLY_PUSHES};

/// Adds crane's trials.
pub(crate) fn add(suite: &mut Suite) {
    suite.go_client(
        "crane",
        &[
            ("login_push_register_pull", whole_story),
            ("login_push_register_pull_over_s3", over_s3),
            ("multi_platform", multi_platform),
            ("pull_login_lists_its_service", lists_its_service),
            ("goes_on_with_what_it_pushed", goes_on),
            ("refusals_say_why", refusals),
        ],
    );
}

fn whole_story(crane: &Program) {
    let bench = Bench::new();
    journey(&bench, &mut Crane { bench: &bench, program: crane });
}

/// Pushes and pulls with blobs in the bucket of each S3 server of other projects.
fn over_s3(crane: &Program) {
    for s3 in Bench::s3_servers() {
        let bench = Bench::over_s3(&s3);
        journey(&bench, &mut Crane { bench: &bench, program: crane });
    }
}

fn multi_platform(crane: &Program) {
    let bench = Bench::new();
    let mut crane = Crane { bench: &bench, program: crane };
    crane.take(&bench.push_login());
    let digest = images::write_index_layout(&bench.home().join("index"));
    for _ in 0..2 {
        crane.run(&["push", "--index", "index", &bench.image("sr:index")]).ok();
    }
    crane.make();
    crane.push(&bench.image("sr:index")).ok();
    assert!(bench.has("sr", &digest), "the tag moved on, and the index is there");
    assert_eq!(bench.register("multi", &digest), ":web.multi.1");
    crane.take(&bench.pull_login());
    crane.pull(&bench.image("web:multi.1")).ok();
}

/// A pull login may read the images of its service, so it may list their tags too.
fn lists_its_service(crane: &Program) {
    let bench = Bench::new();
    let mut crane = Crane { bench: &bench, program: crane };
    crane.take(&bench.push_login());
    crane.make();
    for label in ["app", "worker"] {
        let digest = crane.push(&bench.image("sr:first")).ok().digest();
        bench.register(label, &digest);
    }
    crane.take(&bench.pull_login());
    assert_eq!(crane.run(&["ls", &bench.image("web")]).ok().stdout, "app.1\nworker.2\n");
    crane.run(&["ls", &bench.image("sr")]).refused(IN_WORDS.only_pulls);
}

/// A job reads back its own push, and the next day's job does the same.
fn goes_on(crane: &Program) {
    let bench = Bench::new();
    let mut crane = Crane { bench: &bench, program: crane };
    crane.make();
    for day in ["first", "second"] {
        crane.take(&bench.push_login());
        let image = bench.image(&format!("team/app:{day}"));
        let next = |what: &str| bench.image(&format!("team/app:{day}-{what}"));
        crane.push(&image).ok();
        crane.run(&["tag", &image, &format!("{day}-tag")]).ok();
        crane.run(&["copy", &image, &next("copy")]).ok();
        crane.run(&["mutate", "--label", "a=b", &image, "--tag", &next("label")]).ok();
        crane.run(&["index", "append", "--manifest", &image, "--tag", &next("index")]).ok();
        crane.run(&["digest", &image]).ok();
        for what in ["tag", "copy", "label", "index"] {
            assert!(bench.has("team/app", &format!("{day}-{what}")), "{day}-{what}");
        }
    }
}

fn refusals(crane: &Program) {
    let bench = Bench::new();
    let crane = Crane { bench: &bench, program: crane };
    IN_WORDS.try_pushes(&bench, ("sr", "refused"), |login| {
        bench.remember(login);
        crane.renew();
        crane.push(&bench.image("sr:refused"))
    });
    let digest = images::write_layout(&bench.home().join("layout"));
    crane.push(&bench.image("sr:first")).ok();
    bench.register("app", &digest);
    for image in ["sr:first", "web:app.1", "sr:absent"] {
        crane.pull(&bench.image(image)).refused(ONLY_PUSHES);
    }
    crane.run(&["ls", &bench.image("sr")]).refused(ONLY_PUSHES);
    crane.run(&["delete", &bench.image("sr:first")]).refused(ONLY_PUSHES);
    assert!(bench.has("sr", "first"), "what could not be deleted is there");
}

/// Pushes an image with a login. Returns its digest.
pub(crate) fn push(bench: &Bench, program: &Program, login: &Login, image: &str) -> String {
    let mut crane = Crane { bench, program };
    crane.take(login);
    crane.make();
    crane.push(&bench.image(image)).ok().digest()
}

struct Crane<'a> {
    bench: &'a Bench,
    program: &'a Program,
}

impl Crane<'_> {
    fn run(&self, args: &[&str]) -> Done {
        self.bench.call(self.program, args.iter().copied()).run()
    }

    /// `auth login`, which only writes a file.
    fn take(&self, login: &Login) {
        let args = ["auth", "login", "-u", &login.username, "--password-stdin", &login.registry];
        self.bench.call(self.program, args).input(login.password.as_str()).run().ok();
    }

    fn renew(&self) {
        self.forget();
        images::write_layout(&self.bench.home().join("layout"));
    }
}

impl ImageTool for Crane<'_> {
    fn log_in(&mut self, login: &Login) -> Option<Done> {
        self.take(login);
        None
    }

    fn make(&mut self) {
        self.renew();
    }

    fn push(&self, reference: &str) -> Done {
        self.run(&["push", "layout", reference])
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
        self.run(&["pull", "--format=oci", reference, "pulled"])
    }
}
