//! The house rules that a compiler does not check: the direction of dependencies, and where some words may be used.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Each crate, with our crates that it may use.
const ARROWS: [(&str, &[&str]); 12] = [
    ("oci", &[]),
    ("api", &["core"]),
    ("sigv4", &[]),
    ("code-pages", &[]),
    ("console", &[]),
    ("core", &[]),
    ("engine", &[]),
    ("s3", &["sigv4"]),
    ("store", &["core", "oci", "s3"]),
    ("server", &["api", "console", "core", "engine", "oci", "sigv4", "store"]),
    ("testkit", &["oci", "sigv4"]),
    ("gangplank", &["api", "code-pages", "core", "oci", "s3", "server", "sigv4", "store"]),
];

/// Dependencies that make a crate impure.
const IMPURE: [&str; 5] = ["tokio", "hyper", "rusqlite", "reqwest", "tracing"];

/// A word, and the only places under `crates/` that may use it.
const RESERVED: [(&str, &[&str]); 9] = [
    ("rusqlite", &["store/src/metadata/sqlite", "store/src/error.rs"]),
    // Stores are opened in one place.
    ("Sqlite::open", &["store/src/open", "store/src/metadata/sqlite"]),
    ("Folder::open", &["store/src/open", "store/src/blobs"]),
    ("LocalFiles::open", &["store/src/open", "store/src/blobs"]),
    (
        "SystemTime::now",
        &[
            "server/src/clock.rs",
            "s3/src/clock.rs",
            // This code compares the clock of the machine with the clock of the database.
            "store/src/metadata/postgres/shared.rs",
            "gangplank/src/aws/api_client.rs",
            "testkit/src",
            "engine/src/memory/machine.rs",
        ],
    ),
    ("StatusCode", &["server/src", "gangplank/src/commands/quickstart", "gangplank/src/lightsailctl"]),
    ("\"/v2/", &["oci/src", "server/src/http/dispatch.rs", "gangplank/src/commands/quickstart"]),
    ("println!", &["gangplank/src/main.rs", "testkit/src"]),
    ("std::env::var", &["gangplank/src", "testkit/src"]),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn dependencies(name: &str) -> BTreeSet<String> {
    ["[dependencies]", "[target.'cfg(unix)'.dependencies]"]
        .map(|of| listed(name, of))
        .into_iter()
        .flatten()
        .collect()
}

/// The dependencies in a section of a crate's manifest.
fn listed(name: &str, section: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
    let section = manifest.split(&format!("\n{section}\n")).nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn dependencies_point_down() {
    let known: BTreeSet<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let found: BTreeSet<_> = fs::read_dir(crates())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, known, "a crate is missing from ARROWS");
    for (name, allowed) in ARROWS {
        for dependency in dependencies(name) {
            let ours = dependency.strip_prefix("gangplank-").unwrap_or("");
            assert!(ours.is_empty() || allowed.contains(&ours), "{name} may not use {dependency}");
        }
    }
}

#[test]
fn pure_crates_stay_pure() {
    for name in ["oci", "api", "sigv4", "core", "console"] {
        for dependency in dependencies(name) {
            assert!(!IMPURE.contains(&dependency.as_str()), "{name} must stay pure and uses {dependency}");
        }
    }
}

#[test]
fn words_stay_in_their_rooms() {
    let crates = crates();
    for (word, rooms) in RESERVED {
        for (name, _) in ARROWS {
            let mut files = Vec::new();
            sources(&crates.join(name).join("src"), &mut files);
            let is_test = |part: &OsStr| part == "tests" || part == "tests.rs";
            files.retain(|file| !file.iter().any(is_test));
            for file in files {
                let shown = file.strip_prefix(&crates).unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&file).unwrap();
                // Comments, and tests at the end of a file, may use any word.
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let mut lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                let said = lines.any(|line| line.contains(word));
                assert!(!said || rooms.iter().any(|room| shown.starts_with(room)), "{shown} says {word}");
            }
        }
    }
}

#[test]
fn rooms_stay_small() {
    let mut lengths = Vec::new();
    for (name, _) in ARROWS {
        let mut files = Vec::new();
        sources(&crates().join(name).join("src"), &mut files);
        lengths
            .extend(files.into_iter().map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file)));
    }
    lengths.sort();
    let (at_nine_tenths, _) = &lengths[lengths.len() * 9 / 10];
    assert!(*at_nine_tenths <= 400, "one file in ten is over {at_nine_tenths} lines");
    let (longest, file) = lengths.last().unwrap();
    assert!(*longest <= 800, "{} has {longest} lines", file.display());
}
