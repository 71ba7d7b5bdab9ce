//! Tests the runner: it finds faults in a page, and reports the right line.

use crate::page::Page;
use crate::room;

/// Pages with wrong marks, and the expected errors.
const MARKED: [(&str, &str); 4] = [
    ("```\nls\n```\n", "a page:1: a block without a language"),
    ("    ls\n", "a page:1: a block without a language"),
    ("One.\n\n```sh,norun\nls\n```\n", "a page:3: no comment right above"),
    ("```bash\nls\n```\n", "a page:1: shell blocks are `sh`"),
];

/// Pages with blocks that fail, and the expected errors.
const RUN: [(&str, &str); 6] = [
    ("One.\n\n```sh\ntrue\nfalse\n```\n", "step 3.sh line 5: false"),
    ("```sh\nfalse | cat\n```\n", "line 2"),
    ("```sh\ntrue   # denied\n```\n", "line 2 was to be denied"),
    ("```sh\nno-such-program   # denied\n```\n", "line 2 failed, and not because it was denied"),
    ("```sh\nexit 0\n```\n", "== line 1"),
    ("```sh\ngangplank serve --listen 192.0.2.1:1\n```\n", "what line 2 began has ended"),
];

pub(crate) fn check_marks() -> Result<(), String> {
    let found = |(text, said): &(&str, &str)| expect(Page::of(text).check_marks(), text, said);
    MARKED.iter().try_for_each(found)?;
    Page::of("<!-- It goes on for ever. -->\n\n```sh,norun\nls\n```\n").check_marks()
}

pub(crate) fn missing() -> Vec<String> {
    room::missing_for(&Page::of(""))
}

pub(crate) fn check() -> Result<(), String> {
    RUN.iter().try_for_each(|(text, said)| expect(room::run(&Page::of(text)), text, said))?;
    // A block sees changes that an earlier block made. After the page, they are gone.
    let page = "```sh\ncd /etc\nx=1\n```\n\n```sh\n[ \"$PWD$x\" = /etc1 ]\ntouch gangplank-room\n```\n";
    room::run(&Page::of(page))?;
    room::run(&Page::of("```sh\n[ ! -e /etc/gangplank-room ]\n```\n"))
}

fn expect(done: Result<(), String>, page: &str, said: &str) -> Result<(), String> {
    match done {
        Err(fault) if fault.contains(said) => Ok(()),
        other => Err(format!("of {page:?} was to be said {said:?}: {other:?}")),
    }
}
