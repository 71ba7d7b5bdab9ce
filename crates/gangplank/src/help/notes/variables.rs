//! Variables of the environment that commands read without an option of that name.

use super::Pairs;

/// If a command calls a server, it reads these variables in addition to those of its options.
pub(crate) const AWS_VARIABLES: Pairs = &[
    ("AWS_ENDPOINT_URL_LIGHTSAIL, AWS_ENDPOINT_URL", "The address of the server."),
    ("AWS_REGION, AWS_DEFAULT_REGION", "The region to act in."),
    ("AWS_PROFILE", "The profile of the AWS CLI's files."),
    ("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "The access key."),
    (
        "AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_SESSION_NAME",
        "A role in place of an access key, the file of the identity token that opens it, and the session's name.",
    ),
    ("AWS_CA_BUNDLE", "A file of certificates to trust."),
    ("AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE", "Other places of the AWS CLI's files."),
];

/// Variables in which a CI has the identity token of a job, for commands that look for one.
const JOB_VARIABLES: Pairs = &[
    (
        "ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "The address at which GitHub Actions and Forgejo Actions hand out identity tokens.",
    ),
    ("GANGPLANK_ID_TOKEN, CIRCLE_OIDC_TOKEN_V2", "The identity token, in GitLab CI and in CircleCI."),
    ("BUILDKITE", "If set, the command asks buildkite-agent for the identity token."),
];

const PING_VARIABLES: Pairs = &[
    ("GANGPLANK_LISTEN", "The server's own setting; used if --url names no other address."),
    ("AWS_CA_BUNDLE", "A file of certificates to trust."),
];

/// Variables of a server that no option has.
const SERVE_VARIABLES: Pairs = &[
    (
        "GANGPLANK_ROOT_ACCESS_KEY_ID, GANGPLANK_ROOT_SECRET_ACCESS_KEY",
        "The root access key of the first start, in place of a random one.",
    ),
    ("GANGPLANK_ROOT_SECRET_ACCESS_KEY_FILE", "A file that has the secret, in place of the variable."),
    (
        "GANGPLANK_S3_ACCESS_KEY_ID, GANGPLANK_S3_SECRET_ACCESS_KEY",
        "The access key for the bucket of --blobs, before those of the AWS clients.",
    ),
    ("GANGPLANK_S3_SECRET_ACCESS_KEY_FILE", "A file that has the secret, in place of the variable."),
    ("NOTIFY_SOCKET", "The socket on which systemd hears that the server is ready, reloads, or stops."),
];

/// The access key for a bucket. It comes before the variables and files that all AWS clients read.
const BUCKET_VARIABLES: Pairs = &[
    (
        "GANGPLANK_S3_ACCESS_KEY_ID, GANGPLANK_S3_SECRET_ACCESS_KEY",
        "The access key for the bucket, before those of the AWS clients.",
    ),
    ("GANGPLANK_S3_SECRET_ACCESS_KEY_FILE", "A file that has the secret, in place of the variable."),
];

/// The access key for a bucket, and the key that opens the sealed data of a store, for a store that moves.
const MIGRATE_VARIABLES: Pairs = &[
    BUCKET_VARIABLES[0],
    BUCKET_VARIABLES[1],
    ("GANGPLANK_MASTER_KEY", "The master key, in place of a file."),
];

/// The variables of a command that neither its options nor other commands have.
pub(crate) fn variables(path: &str) -> Pairs {
    match path {
        "gangplank login" | "gangplank role try" => JOB_VARIABLES,
        "gangplank ping" => PING_VARIABLES,
        "gangplank serve" => SERVE_VARIABLES,
        "gangplank migrate" => MIGRATE_VARIABLES,
        "gangplank s3 check" | "gangplank fsck" | "gangplank gc" => BUCKET_VARIABLES,
        _ => &[],
    }
}

/// Variables that every command reads.
pub(crate) const VARIABLES: Pairs = &[("NO_COLOR", "If set, nothing is coloured.")];
