//! Runs a page in its own room. `room.sh` makes the room, and `given.sh` has the preparations.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::page::Page;
use crate::{PROGRAM, clients, script, top};

/// The longest time for a page, in seconds.
const PATIENCE: &str = "300";

/// Requirements of a page that are missing here.
pub(crate) fn missing_for(page: &Page) -> Vec<String> {
    static NO_ROOM: OnceLock<Option<String>> = OnceLock::new();
    let no_room = NO_ROOM.get_or_init(|| {
        let folder = folder();
        let made = room(folder.path()).arg("true").output().is_ok_and(|made| made.status.success());
        (!made).then(|| "root, with overlayfs and namespaces".to_owned())
    });
    no_room.iter().cloned().chain(clients::missing(&script::needed(page))).collect()
}

/// Runs its steps.
pub(crate) fn run(page: &Page) -> Result<(), String> {
    let folder = folder();
    let script = script::write(page, folder.path());
    let done = room(folder.path()).args(["timeout", "--kill-after=5", PATIENCE, "bash", &script]).output();
    let done = done.map_err(|error| error.to_string())?;
    if done.status.success() && done.stdout.ends_with(b"\n== the page is at its end\n") {
        return Ok(());
    }
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shown = format!("{}\n{}", said(&done.stdout), said(&done.stderr));
    // The file of a step has the same line numbers as the page.
    let shown = shown.replace(&format!("{}/", folder.path().display()), "step ");
    Err(format!("{} ended with {}:\n{shown}", page.name, done.status))
}

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("gangplank-book-").tempdir().unwrap()
}

fn room(folder: &Path) -> Command {
    let book = top().join("crates/gangplank/tests/book");
    let beside = Path::new(PROGRAM).parent().unwrap().to_owned();
    let visible = [folder.to_owned(), top(), beside].into_iter().chain(clients::path());
    let visible = std::env::join_paths(visible).unwrap();
    let path = std::env::join_paths(clients::path()).unwrap();
    let mut command = Command::new(book.join("room.sh"));
    command
        .arg(folder)
        .env_clear()
        .env("PATH", path)
        .env("PROGRAM", PROGRAM)
        .env("BOOK", book)
        .env("VISIBLE", visible)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
    command
}
