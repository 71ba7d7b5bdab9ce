//! Programs of other projects that pages use.

use std::path::PathBuf;

/// Programs that not every machine has. A page can name others by `<!-- needs: NAME... -->`.
const CLIENTS: &str = "aws buildah buildctl caddy cosign crane ctr curl docker docker-registry git gpg helm htpasswd jq \
                       kubectl minisign nginx openssl oras podman python3 regctl restic skopeo sqlite3 systemctl \
                       terraform traefik";

/// Other programs that a program needs.
fn beside(name: &str) -> &'static [&'static str] {
    match name {
        // The daemon, and the program in its test image.
        "docker" => &["dockerd", "busybox"],
        _ => &[],
    }
}

/// The folders in which pages find programs: first the folders of clients in CI, then the folders of the
/// machine.
pub(crate) fn path() -> Vec<PathBuf> {
    let kept = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut folders = Vec::new();
    folders.extend(kept("GANGPLANK_GO_CLIENTS"));
    folders.extend(kept("GANGPLANK_S3_SERVERS"));
    folders.extend(kept("GANGPLANK_AWS_CLI_V1").map(|folder| folder.join("bin")));
    // Debian keeps the programs of PostgreSQL's server apart.
    folders.push("/usr/lib/postgresql/15/bin".into());
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders
}

/// The clients among some words.
pub(crate) fn among(words: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    words.filter(|word| CLIENTS.split_whitespace().any(|client| client == word))
}

/// The programs that are missing.
pub(crate) fn missing(needed: &[String]) -> Vec<String> {
    let all =
        needed.iter().flat_map(|name| std::iter::once(name.as_str()).chain(beside(name).iter().copied()));
    let mut missing: Vec<String> = all.filter(|name| !is_here(name)).map(str::to_owned).collect();
    missing.sort();
    missing.dedup();
    missing
}

fn is_here(name: &str) -> bool {
    path().iter().any(|folder| folder.join(name).is_file())
}
