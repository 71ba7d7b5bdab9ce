//! Exit statuses of each command.

use super::Pairs;

/// Commands whose help has a section on exit statuses, because they are special.
pub(super) const SAYS_HOW_IT_ENDS: [&str; 7] = [
    "gangplank backup",
    "gangplank deploy",
    "gangplank fsck",
    "gangplank ping",
    "gangplank restore",
    "gangplank role try",
    "gangplank s3 check",
];

/// The exit statuses of a command, with their meanings.
pub(crate) fn exit_statuses(path: &str) -> Pairs {
    match path {
        "gangplank fsck" => &[
            ("0", "All is well, or well again."),
            ("1", "It could not be checked."),
            ("2", "Something is left that is not as it should be, or the command line is wrong."),
        ],
        "gangplank backup" => &[
            ("0", "The backup is complete."),
            ("1", "It could not be made; what was copied is used by the next."),
            (
                "2",
                "It is complete but for content that is broken in the data directory, or the command line is wrong.",
            ),
        ],
        "gangplank restore" => &[
            ("0", "All is restored."),
            ("1", "It could not be restored, and nothing was left."),
            ("2", "All is restored but for content that the backup lacks, or the command line is wrong."),
        ],
        "gangplank deploy" => &[
            ("0", "The deployment was accepted; with --wait, it is active."),
            ("1", "It was refused, or failed; standard error says why."),
            ("2", "The command line is wrong."),
            ("130", "Ctrl-C ended the wait; the deployment goes on."),
        ],
        "gangplank ping" => &[
            ("0", "The server is ready."),
            ("1", "It is not, or did not say so within 5 seconds."),
            ("2", "The command line is wrong."),
        ],
        "gangplank role try" => &[
            ("0", "The token opens the role."),
            ("1", "It does not, or that could not be found out; what is printed says why."),
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
