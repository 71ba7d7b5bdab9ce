//! Ko, which builds a Go program on top of an image, here from another registry.

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::images;
use crate::suite::Suite;
use crate::words::IN_WORDS;

const PROGRAM: &str = "package main\n\nfunc main() { println(\"aboard\") }\n";

/// Adds ko's trials.
pub(crate) fn add(suite: &mut Suite) {
    let go = Program::find("go").is_some();
    let ko = Program::built("ko").filter(|_| go);
    suite.client(
        "ko",
        "go, and .ci/run builds it, see GANGPLANK_GO_CLIENTS there",
        ko,
        &[("login_push_register", whole_story), ("refusals_say_why", refusals)],
    );
}

/// An index of two platforms, each with a bill of materials. It is pushed twice, then changed and pushed again.
fn whole_story(ko: &Program) {
    let (bench, base) = (Bench::new(), Bench::new());
    let ko = Ko::new(&bench, &base, ko);
    ko.enter(&bench.push_login());
    let digest = ko.build("sr", "index").ok().digest();
    assert_eq!(ko.build("sr", "index").ok().digest(), digest, "a push of the same has the same digest");
    bench.write("program/main.go", PROGRAM.replace("aboard", "ashore"));
    let moved = ko.build("sr", "index").ok().digest();
    assert_ne!(moved, digest, "the tag moved on");
    assert!(bench.has("sr", &digest) && bench.has("sr", "index"));
    assert_eq!(bench.register("app", &moved), ":web.app.1");
}

fn refusals(ko: &Program) {
    let (bench, base) = (Bench::new(), Bench::new());
    let ko = Ko::new(&bench, &base, ko);
    IN_WORDS.try_pushes(&bench, ("sr", "refused"), |login| {
        ko.enter(login);
        ko.build("sr", "refused")
    });
}

struct Ko<'a> {
    bench: &'a Bench,
    program: &'a Program,
    base: String,
    base_login: Login,
}

impl<'a> Ko<'a> {
    /// Writes a program, and pushes its base image.
    fn new(bench: &'a Bench, base: &Bench, program: &'a Program) -> Self {
        bench.write("go.mod", "module example.com/program\n\ngo 1.21\n");
        bench.write("program/main.go", PROGRAM);
        let operator = base.server.operator_login();
        images::push_index(&base.server.registry_as(&operator), "base", "latest");
        Self { bench, program, base: base.image("base:latest"), base_login: operator }
    }

    /// `login` for both registries.
    fn enter(&self, login: &Login) {
        for login in [&self.base_login, login] {
            let args = ["login", "-u", &login.username, "--password-stdin", &login.registry];
            self.bench.call(self.program, args).input(login.password.as_str()).run().ok();
        }
    }

    fn build(&self, repository: &str, tag: &str) -> Done {
        let tags = format!("--tags={tag}");
        let args = ["build", "--bare", "--platform=all", &tags, "./program"];
        let call = self.bench.call(self.program, args).env("KO_DOCKER_REPO", self.bench.image(repository));
        call.env("KO_DEFAULTBASEIMAGE", &self.base)
            .env("GOFLAGS", "-buildvcs=false")
            .env("GOPROXY", "off")
            .run()
    }
}
