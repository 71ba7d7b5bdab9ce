//! Jib, by the program beside this file, with the archives in `GANGPLANK_JIB`.

use std::path::{Path, PathBuf};

use gangplank_testkit::Login;

use crate::bench::Bench;
use crate::client::{Done, Program};
use crate::images;
use crate::suite::Suite;
use crate::words::IN_WORDS;

/// Adds jib's trials.
pub(crate) fn add(suite: &mut Suite) {
    let java =
        archives().and_then(|folder| Some(Program { version: version(&folder)?, ..Program::find("java")? }));
    suite.client(
        "jib",
        "a JDK, and .ci/run fetches it, see GANGPLANK_JIB there",
        java,
        &[
            ("login_push_register", whole_story),
            ("skips_what_is_there", skips_existing),
            ("refusals_say_why", refusals),
        ],
    );
}

fn archives() -> Option<PathBuf> {
    std::env::var_os("GANGPLANK_JIB").map(PathBuf::from)
}

/// `jib-core-VERSION.jar`.
fn version(folder: &Path) -> Option<String> {
    let names =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut versions =
        names.filter_map(|name| Some(name.strip_prefix("jib-core-")?.strip_suffix(".jar")?.to_owned()));
    versions.next()
}

/// An index of two platforms under two tags. It is pushed twice, then changed and pushed again.
fn whole_story(java: &Program) {
    let bench = Bench::new();
    let jib = Jib { bench: &bench, java };
    let login = bench.push_login();
    jib.renew();
    let digest = jib.push(&login, "sr:first", &[]).ok().digest();
    assert_eq!(
        jib.push(&login, "sr:first", &[]).ok().digest(),
        digest,
        "a push of the same has the same digest"
    );
    jib.renew();
    let moved = jib.push(&login, "sr:first", &[]).ok().digest();
    assert_ne!(moved, digest, "the tag moved on");
    assert!(bench.has("sr", &digest) && bench.has("sr", "first") && bench.has("sr", "second"));
    assert_eq!(bench.register("app", &digest), ":web.app.1");
}

/// Before a push, Jib requests the manifest by its digest. Here the manifest is first missing, then it exists,
/// and then another login has put it.
fn skips_existing(java: &Program) {
    let bench = Bench::new();
    let jib = Jib { bench: &bench, java };
    jib.renew();
    for login in [bench.push_login(), bench.push_login()] {
        for _ in 0..2 {
            jib.push(&login, "sr:first", &["-Djib.skipExistingImages=true"]).ok();
        }
    }
    assert!(bench.has("sr", "first"));
}

fn refusals(java: &Program) {
    let bench = Bench::new();
    let jib = Jib { bench: &bench, java };
    IN_WORDS.try_pushes(&bench, ("sr", "refused"), |login| {
        jib.renew();
        jib.push(login, "sr:refused", &[])
    });
}

struct Jib<'a> {
    bench: &'a Bench,
    java: &'a Program,
}

impl Jib<'_> {
    fn renew(&self) {
        self.bench.write("file", images::file_system());
    }

    fn push(&self, login: &Login, image: &str, properties: &[&str]) -> Done {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/JibPush.java");
        let (script, image) = (script.display().to_string(), self.bench.image(image));
        let class_path = format!("{}/*", archives().expect("jib").display());
        // Jib needs an option for Basic over plain HTTP.
        let java = ["-DsendCredentialsOverHttp=true", "-cp", &class_path, &script];
        let push = [&image, "second", &login.username, &login.password, "file"];
        self.bench.call(self.java, [properties, &java, &push].concat()).run()
    }
}
