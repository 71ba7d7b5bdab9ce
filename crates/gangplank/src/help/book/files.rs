//! The page about files and permissions. A test compares its table with a real data directory.

use super::markdown::{Page, code};
use crate::help::notes;

const HEAD: &str = "
A data directory belongs to the user that the server runs as, and to nobody else: folders have mode 0700, files 0600. A
server corrects wider permissions, and logs it. One server uses a directory at a time.

If `blobs` is missing or belongs to another database, as when a disk is not mounted, a server does not start and says what
to do. A running server then answers 503, and never that an image is unknown. A directory that has lost its database is
refused, too.
";

/// The content of a data directory: the path in it, the mode, the meaning, and whether a backup needs it.
const IN_DATA: [(&str, &str, &str, &str); 16] = [
    ("gangplank.db", "0600", "Rows: services, images, logins, keys, the audit trail", "yes"),
    (
        "gangplank.db-wal",
        "0600",
        "Durable rows that are not yet in `gangplank.db`: part of the database",
        "its rows",
    ),
    ("gangplank.db-shm", "0600", "The index of `gangplank.db-wal`, made anew at each start", "no"),
    (
        "gangplank.db.before-N",
        "0600",
        "The database before an upgrade to schema N; remove it when the new version works well",
        "no",
    ),
    ("blobs", "0700", "The bytes of images; may be another disk", "yes"),
    ("blobs/content", "0700", "Published content, in folders of two letters", "if a row names it"),
    ("blobs/staged", "0700", "Unfinished uploads", "no"),
    ("blobs/id", "0600", "Ties the folder to its database", "yes"),
    (
        "master.key",
        "0600",
        "Decrypts the access keys and the specs of deployments; elsewhere with `--master-key-file`",
        "yes, unless left out",
    ),
    ("credentials", "0600", "The root access key, as the AWS CLI reads it", "no, `restore` writes it"),
    ("config", "0600", "Region and address, as the AWS CLI reads them", "no, made anew"),
    ("lock", "0600", "Held by the one process that uses the directory", "no"),
    ("running", "0600", "Exists while a server runs, and after a crash", "no"),
    ("logs", "0700", "The output of containers, by service, container and hour", "no"),
    ("migration", "0600", "Exists while the store moves, and says where it has moved to", "no"),
    (".NAME.new", "0600", "A file that is being written as NAME; only a crash leaves it", "no"),
];

/// Files that commands read and write in other places.
const ELSEWHERE: [(&str, &str); 6] = [
    (
        "~/.aws/config, ~/.aws/credentials",
        "Profiles, shared with the AWS CLI; `gangplank configure` writes one.",
    ),
    ("~/.docker/config.json", "Logins of docker, podman, skopeo and buildah, and the helper that they ask."),
    ("$XDG_RUNTIME_DIR/containers/auth.json", "Logins that podman, skopeo and buildah read first."),
    (
        "$XDG_STATE_HOME/gangplank, ~/.local/state/gangplank",
        "Logins that the credential helper keeps until shortly before their end, mode 0600.",
    ),
    ("the server's file", "Named by `--config`; see [Settings](settings.md). It holds no secret."),
    ("certificates and keys", "Named by options; the server reads them as its own user."),
];

pub(super) fn page() -> Page {
    let mut page = Page::new("Files and permissions");
    page.text(HEAD);
    page.heading(2, "The data directory");
    let row = |(path, mode, what, backup): &(&str, &str, &str, &str)| {
        [code(path), (*mode).to_owned(), (*what).to_owned(), (*backup).to_owned()]
    };
    page.table(["path", "mode", "what it is", "in a backup"], &IN_DATA.iter().map(row).collect::<Vec<_>>());
    page.text("[Backup and restore](../guides/backup-and-restore.md) says how to copy them together.");
    page.heading(2, "Elsewhere");
    let row = |(paths, what): &(&str, &str)| {
        let is_path = paths.contains('/');
        let shown = |path: &str| if is_path { code(path) } else { path.to_owned() };
        [paths.split(", ").map(shown).collect::<Vec<_>>().join(", "), (*what).to_owned()]
    };
    page.table(["file", "what it is"], &ELSEWHERE.iter().map(row).collect::<Vec<_>>());
    page.heading(2, "Names of the program");
    page.text("The program acts by the name under which it is called. `gangplank configure` makes the first two links.");
    let names = [
        (crate::HELPER, "docker's credential helper"),
        (crate::PLUGIN, "the AWS CLI's plugin for `push-container-image`"),
        (crate::PROVIDER, "a kubelet's credential provider"),
    ];
    page.table(["name", "acts as"], &names.map(|(name, what)| [code(name), what.to_owned()]));
    page.heading(2, "Variables of every command");
    let row = |(name, what): &(&str, &str)| [code(name), (*what).to_owned()];
    page.table(["variable", "meaning"], &notes::VARIABLES.iter().map(row).collect::<Vec<_>>());
    page
}
