//! Files that commands read or write.

use super::Pairs;

/// Files that a command may read, if it calls a server.
pub(crate) const AWS_FILES: Pairs = &[
    ("DIR/config, DIR/credentials", "The server's address and root key, in the data directory."),
    ("~/.aws/config, ~/.aws/credentials", "Profiles, as the AWS CLI has them."),
];

const LOGIN_FILES: Pairs = &[
    ("~/.docker/config.json", "Logins of docker, podman, skopeo and buildah."),
    ("$XDG_RUNTIME_DIR/containers/auth.json", "Logins that podman, skopeo and buildah read first."),
];

const DATA_FILES: Pairs = &[
    ("DIR/gangplank.db", "Services, images, logins, keys, the audit trail."),
    ("DIR/blobs", "The content of images."),
    ("DIR/master.key", "The key that encrypts the access keys."),
    ("DIR/config, DIR/credentials", "The server's address and root key, for the AWS CLI and for gangplank."),
];

/// The files of a command. Left out are the files that all commands read before they call a server.
pub(crate) fn files(path: &str) -> Pairs {
    match path {
        "gangplank serve"
        | "gangplank fsck"
        | "gangplank migrate"
        | "gangplank quickstart"
        | "gangplank backup"
        | "gangplank restore" => DATA_FILES,
        "gangplank login" | "gangplank logout" | "gangplank configure" => LOGIN_FILES,
        path if path.contains("docker-credential") => LOGIN_FILES,
        _ => &[],
    }
}
