//! The programs that pages use and that are not ours.

use std::path::PathBuf;

/// Those that are part of every machine that pages speak of.
const NOT_PART_OF_A_MACHINE: [&str; 27] = [
    "aws",
    "buildah",
    "buildctl",
    "caddy",
    "cosign",
    "crane",
    "ctr",
    "curl",
    "docker",
    "git",
    "gpg",
    "helm",
    "jq",
    "kubectl",
    "minisign",
    "nginx",
    "openssl",
    "oras",
    "podman",
    "python3",
    "regctl",
    "restic",
    "skopeo",
    "sqlite3",
    "systemctl",
    "terraform",
    "traefik",
];

/// What a program needs beside itself.
fn beside(name: &str) -> &'static [&'static str] {
    match name {
        // The daemon, and what an image is made of.
        "docker" => &["dockerd", "busybox"],
        _ => &[],
    }
}

/// Where pages find programs: the folders in which CI keeps clients, then those of the machine.
pub(crate) fn path() -> Vec<PathBuf> {
    let kept = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut folders = Vec::new();
    folders.extend(kept("GANGPLANK_GO_CLIENTS"));
    folders.extend(kept("GANGPLANK_AWS_CLI_V1").map(|folder| folder.join("bin")));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders
}

/// Which of the programs that are named are not here.
pub(crate) fn missing<'a>(named: impl Iterator<Item = &'a str>) -> Vec<String> {
    let needed = named.filter(|name| NOT_PART_OF_A_MACHINE.contains(name));
    let needed = needed.flat_map(|name| std::iter::once(name).chain(beside(name).iter().copied()));
    let mut missing: Vec<String> = needed.filter(|name| !is_here(name)).map(str::to_owned).collect();
    missing.sort();
    missing.dedup();
    missing
}

fn is_here(name: &str) -> bool {
    path().iter().any(|folder| folder.join(name).is_file())
}
