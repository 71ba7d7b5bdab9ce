//! Exit statuses of each command.

use super::Pairs;

/// Commands whose help has a section on exit statuses, because they are special.
pub(super) const SAYS_HOW_IT_ENDS: [&str; 8] = [
    "gangplank backup",
    "gangplank deploy",
    "gangplank fsck",
    "gangplank migrate",
    "gangplank ping",
    "gangplank restore",
    "gangplank role try",
    "gangplank s3 check",
];

/// The exit statuses of a command, with their meanings.
pub(crate) fn exit_statuses(path: &str) -> Pairs {
    match path {
        "gangplank fsck" => &[
            ("0", "All is well, or repaired."),
            ("1", "The check failed."),
            ("2", "A problem is left, or the command line is wrong."),
        ],
        "gangplank backup" => &[
            ("0", "The backup is complete."),
            ("1", "The backup failed; the next one continues it."),
            (
                "2",
                "Content is broken in the data directory and the backup has all else, or the command line is wrong.",
            ),
        ],
        "gangplank restore" => &[
            ("0", "All is restored."),
            ("1", "The restore failed, and left nothing behind."),
            ("2", "The backup lacks some content and all else is restored, or the command line is wrong."),
        ],
        "gangplank migrate" => &[
            ("0", "All has moved, or with `--content-only` all content is there."),
            (
                "1",
                "It failed, and the next call goes on; the old place is still the one to serve, unless it says otherwise.",
            ),
            (
                "2",
                "Content was broken at the old place and all else has moved, or the command line is wrong.",
            ),
        ],
        "gangplank deploy" => &[
            ("0", "The deployment was accepted; with --wait, it is active."),
            ("1", "It was refused, or failed; standard error has the reason."),
            ("2", "The command line is wrong."),
            ("130", "Ctrl-C ended the wait; the deployment goes on."),
        ],
        "gangplank ping" => &[
            ("0", "The server is ready."),
            ("1", "It is not ready, or did not answer within 5 seconds."),
            ("2", "The command line is wrong."),
        ],
        "gangplank role try" => &[
            ("0", "The token opens the role."),
            ("1", "It does not, or the check failed; the output has the reason."),
            ("2", "The command line is wrong."),
        ],
        "gangplank s3 check" => &[
            ("0", "The bucket can keep blobs."),
            ("1", "It cannot, or could not be asked; what is printed says why."),
            ("2", "The command line is wrong."),
        ],
        "lightsailctl" => &[("0", "It was done."), ("1", "It failed; standard error says why.")],
        "gangplank lightsail" => &[
            ("0", "It was done."),
            ("252", "The command line is wrong."),
            ("253", "The environment or a file lacks something."),
            ("254", "The server refused."),
            ("255", "It failed otherwise."),
        ],
        path if path.contains("docker-credential") => {
            &[("0", "It was done."), ("1", "It failed; standard output says why, where docker looks for it.")]
        }
        _ => &[
            ("0", "It was done."),
            ("1", "It failed; standard error says why."),
            ("2", "The command line is wrong."),
        ],
    }
}
