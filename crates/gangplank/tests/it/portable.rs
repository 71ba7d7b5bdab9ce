//! Commands that only call a server work on every operating system: code for Unix only is compiled on Unix only. The
//! release workflow compiles them for the other systems.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules and crates that exist on Unix only.
const OF_UNIX: [&str; 9] = [
    "std::os::unix",
    "std::os::fd",
    "std::os::linux",
    "rustix",
    "tokio::signal::unix",
    "tokio::net::unix",
    "gangplank_server",
    "gangplank_store",
    "unix_socket",
];

const GATE: &str = "#[cfg(unix)]";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines that are compiled on every operating system, without comments and tests.
fn everywhere(text: &str) -> Vec<&str> {
    let code = text.split("mod tests {").next().unwrap_or_default();
    let mut kept = Vec::new();
    let mut lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    while let Some(line) = lines.next() {
        if line.trim() != GATE {
            kept.push(line);
            continue;
        }
        // The item after the attribute ends at the line with the same indentation.
        let depth = indentation(line);
        let mut is_item = false;
        for line in lines.by_ref().filter(|line| !line.trim().is_empty()) {
            is_item |= !line.trim_start().starts_with('#');
            let ends = line.ends_with([';', '}', ',']);
            if is_item && indentation(line) <= depth && ends {
                break;
            }
        }
    }
    kept
}

/// The files of the modules that `file` declares. Those for every system are added to `found`.
fn modules(file: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    found.push(file.to_owned());
    for line in everywhere(&text) {
        let words: Vec<&str> =
            line.trim_end_matches(';').split(' ').filter(|word| !word.starts_with("pub")).collect();
        let ["mod", name] = words[..] else { continue };
        if !line.ends_with(';') {
            continue;
        }
        let (alone, within) = (folder.join(format!("{name}.rs")), folder.join(name));
        let file = if alone.exists() { alone } else { within.join("mod.rs") };
        modules(&file, &within, found);
    }
}

#[test]
fn commands_for_every_system_say_nothing_of_unix() {
    let mut files = Vec::new();
    modules(&source().join("main.rs"), &source(), &mut files);
    let named = |name: &str| files.iter().any(|file| file.ends_with(name));
    assert!(files.len() > 100 && named("commands/push.rs") && named("identity_token/source.rs"), "{files:?}");
    assert!(
        !named("commands/serve.rs") && !named("serving/options.rs") && !named("system/unix.rs"),
        "{files:?}"
    );
    let mut said = Vec::new();
    for file in &files {
        // The interface has one file for Unix, and one for other systems. This file is the one for Unix.
        if file.ends_with("files/owner.rs") {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        for line in everywhere(&text) {
            let words = OF_UNIX.iter().filter(|word| line.contains(**word));
            said.extend(words.map(|word| format!("{} says {word}: {}", file.display(), line.trim())));
        }
    }
    assert!(said.is_empty(), "put it into system/, or behind {GATE}:\n{}", said.join("\n"));
}

#[test]
fn what_stands_behind_a_gate_is_passed_over() {
    let text = "use a;\n#[cfg(unix)]\nuse rustix::b;\n#[cfg(unix)]\nuse c::{\n    d,\n};\nfn e() {\n    #[cfg(unix)]\n    \
                f(\n        1,\n    );\n    g();\n}\n#[cfg(unix)]\n/// h\n#[inline]\nfn i() {\n    j();\n}\nfn k() {}\n";
    assert_eq!(everywhere(text), ["use a;", "fn e() {", "    g();", "}", "fn k() {}"]);
}

/// The files for both kinds of systems have the same functions.
#[test]
fn both_sides_have_the_same_doors() {
    let doors = |file: &str| {
        let text = fs::read_to_string(source().join("system").join(file)).unwrap();
        let mut doors: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub(crate) "))
            .filter_map(|line| line.split("fn ").nth(1).or_else(|| line.strip_prefix("struct ")))
            .filter_map(|line| line.split(['(', '<']).next())
            .map(str::to_owned)
            .collect();
        if text.contains("pub(crate) use gangplank_store::durable_file::{folder_of, sync_folder};") {
            doors.extend(["folder_of".to_owned(), "sync_folder".to_owned()]);
        }
        doors.sort();
        doors
    };
    assert!(doors("unix.rs").len() > 10);
    assert_eq!(doors("unix.rs"), doors("elsewhere.rs"));
}
