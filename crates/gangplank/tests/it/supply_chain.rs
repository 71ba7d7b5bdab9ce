//! Dependencies, where no advisory database can be reached: compares the lock file with the versions that fix known
//! faults.

use std::path::Path;

/// The oldest version of a crate that the lock file may have (`RustSec`, 2026-08-21).
const FLOORS: [(&str, &str); 15] = [
    ("anyhow", "1.0.103"),
    ("aws-lc-sys", "0.39.0"),
    ("bcrypt", "0.19.2"),
    ("bytes", "1.11.1"),
    ("crossbeam-epoch", "0.9.20"),
    ("event-listener", "5.4.2"),
    ("h2", "0.4.16"),
    ("lru", "0.18.2"),
    ("object_store", "0.10.2"),
    ("postgres-protocol", "0.6.12"),
    ("rustls-webpki", "0.103.13"),
    ("sqlx", "0.8.1"),
    ("tar", "0.4.45"),
    ("time", "0.3.47"),
    ("tokio-postgres", "0.7.18"),
];

/// Crates without a maintainer, or with faults that nobody fixes.
const UNKEPT: [&str; 2] = ["http-types", "rustls-pemfile"];

fn version(text: &str) -> Vec<u64> {
    let numbers = text.split(['.', '-', '+']).take(3);
    numbers.map(|number| number.parse().unwrap_or_else(|_| panic!("{text} is no version"))).collect()
}

#[test]
fn what_is_known_to_be_faulty_stays_out() {
    for lock in ["../../Cargo.lock", "../../fuzz/Cargo.lock"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(lock);
        let lock: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for package in lock["package"].as_array().unwrap() {
            let name = package["name"].as_str().unwrap();
            let found = package["version"].as_str().unwrap();
            if let Some((_, floor)) = FLOORS.iter().find(|(floored, _)| *floored == name) {
                assert!(version(found) >= version(floor), "{name} {found} is older than {floor}");
            }
            assert!(!UNKEPT.contains(&name), "{name} is not kept any more");
            let source = package.get("source").and_then(toml::Value::as_str).unwrap_or_default();
            assert!(!source.starts_with("git"), "{name} comes from {source}");
        }
    }
}
