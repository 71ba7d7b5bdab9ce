//! Examples of each command.

use super::Pairs;

/// Examples of each command: a purpose, and the command line for it.
const EXAMPLES: &[(&str, Pairs)] = &[
    ("gangplank", &[("See it all work in one go:", "gangplank quickstart")]),
    (
        "gangplank serve",
        &[
            (
                "On this machine, with everything in one directory:",
                "gangplank serve --data-dir ./gangplank-data",
            ),
            (
                "For other machines, with TLS:",
                "gangplank serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem",
            ),
            (
                "With blobs in a bucket at Amazon:",
                "gangplank serve --blobs s3://registry/blobs --s3-region eu-west-1",
            ),
            ("Check a file first:", "gangplank serve --check --config gangplank.toml"),
        ],
    ),
    ("gangplank quickstart", &[("End after the last step:", "gangplank quickstart --exit")]),
    (
        "gangplank lightsail",
        &[("Show the images of a service:", "gangplank lightsail get-container-images --service-name web")],
    ),
    (
        "gangplank s3",
        &[(
            "Find out whether a bucket will do:",
            "gangplank s3 check s3://registry/blobs --s3-region eu-west-1",
        )],
    ),
    (
        "gangplank s3 check",
        &[
            ("At Amazon:", "gangplank s3 check s3://registry/blobs --s3-region eu-west-1"),
            (
                "On a server of your own:",
                "gangplank s3 check s3://registry/blobs --s3-endpoint https://s3.example.com",
            ),
        ],
    ),
    (
        "gangplank console",
        &[
            ("For a server on this machine:", "gangplank console --data-dir ./gangplank-data"),
            ("For a browser elsewhere:", "gangplank console --print"),
        ],
    ),
    ("gangplank access-key", &[("Show the keys:", "gangplank access-key list")]),
    (
        "gangplank access-key create",
        &[
            ("For an account of its own:", "gangplank access-key create --account 123456789012"),
            (
                "For a job that pushes images of one service, and nothing else:",
                "gangplank access-key create --preset push --service web --max-login 30m --expires 90d",
            ),
        ],
    ),
    ("gangplank access-key list", &[("As JSON:", "gangplank access-key list --output json")]),
    (
        "gangplank access-key disable",
        &[
            ("For a while:", "gangplank access-key disable GPAKEXAMPLE"),
            ("After it leaked:", "gangplank access-key disable GPAKEXAMPLE --with-made"),
        ],
    ),
    ("gangplank access-key enable", &[("Let it call again:", "gangplank access-key enable GPAKEXAMPLE")]),
    ("gangplank access-key delete", &[("For good:", "gangplank access-key delete GPAKEXAMPLE")]),
    ("gangplank role", &[("Show the roles:", "gangplank role list")]),
    (
        "gangplank role create",
        &[
            (
                "For the jobs of a repository's main branch:",
                "gangplank role create push-web --github acme/web --ref refs/heads/main --preset push --service web",
            ),
            (
                "For a project of a GitLab of your own, with short logins:",
                "gangplank role create push-web --gitlab acme/web --issuer https://git.example.com \
                 --preset push --max-login 30m",
            ),
            (
                "For the pods of a service account:",
                "gangplank role create pull --kubernetes prod/web --issuer https://cluster.example.com --preset read",
            ),
        ],
    ),
    ("gangplank role list", &[("As a table:", "gangplank role list --output table")]),
    ("gangplank role show", &[("With its policies:", "gangplank role show push-web")]),
    (
        "gangplank role disable",
        &[("At once, with its sessions and logins:", "gangplank role disable push-web")],
    ),
    ("gangplank role enable", &[("Let it open again:", "gangplank role enable push-web")]),
    ("gangplank role delete", &[("For good:", "gangplank role delete push-web")]),
    (
        "gangplank role try",
        &[("Why a job is refused:", "gangplank role try push-web --token-file token.jwt")],
    ),
    ("gangplank image", &[("Who made it:", "gangplank image show :web.app.3")]),
    ("gangplank image show", &[("Who made it:", "gangplank image show :web.app.3")]),
    ("gangplank registry-login", &[("Show the logins:", "gangplank registry-login list")]),
    (
        "gangplank registry-login create",
        &[(
            "Let docker pull a service's images:",
            "gangplank registry-login create --service-name web --password-only |\n    docker login --username AWS --password-stdin 127.0.0.1:5000",
        )],
    ),
    ("gangplank registry-login list", &[("As a table:", "gangplank registry-login list --output table")]),
    (
        "gangplank registry-login revoke",
        &[("The login that list shows as 7:", "gangplank registry-login revoke 7")],
    ),
    (
        "gangplank audit",
        &[
            ("Refused requests of the last hour:", "gangplank audit --since 1h --kind RequestRefused"),
            ("Events from now on:", "gangplank audit --follow"),
        ],
    ),
    ("gangplank gc", &[("List what would be deleted, and why:", "gangplank gc --dry-run")]),
    (
        "gangplank ping",
        &[
            ("The server of this machine:", "gangplank ping"),
            (
                "A server with a name, whose certificate is checked:",
                "gangplank ping --url https://registry.example.com",
            ),
            (
                "With the reason, from the server's --admin-listen:",
                "gangplank ping --url http://127.0.0.1:5001",
            ),
        ],
    ),
    (
        "gangplank fsck",
        &[
            ("Check, also beside a running server:", "gangplank fsck --data-dir ./gangplank-data"),
            ("Repair, with the server stopped:", "gangplank fsck --data-dir ./gangplank-data --repair"),
        ],
    ),
    (
        "gangplank backup",
        &[
            (
                "Beside a running server, again and again into the same folder:",
                "gangplank backup /mnt/backup/gangplank --data-dir ./gangplank-data",
            ),
            (
                "To another machine:",
                "gangplank backup - --data-dir ./gangplank-data | ssh backup 'cat > gangplank.tar'",
            ),
        ],
    ),
    (
        "gangplank restore",
        &[
            ("From a folder:", "gangplank restore /mnt/backup/gangplank --data-dir ./gangplank-data"),
            ("From a stream:", "gangplank restore - --data-dir ./gangplank-data < gangplank.tar"),
        ],
    ),
    (
        "gangplank migrate",
        &[
            (
                "Copy the content first, while the server runs:",
                "gangplank migrate --from ./gangplank-data --content-only --database postgres://gangplank@db/gangplank \
                 --blobs s3://registry/blobs",
            ),
            (
                "Then, with the server stopped, the rest:",
                "gangplank migrate --from ./gangplank-data --database postgres://gangplank@db/gangplank --blobs \
                 s3://registry/blobs",
            ),
            (
                "And back:",
                "gangplank migrate --to ./gangplank-data --database postgres://gangplank@db/gangplank --blobs \
                 s3://registry/blobs",
            ),
        ],
    ),
    (
        "gangplank push",
        &[
            ("An image of docker's or podman's:", "gangplank push app:latest --service-name web --label app"),
            (
                "A file, without an engine:",
                "gangplank push docker-archive:app.tar --service-name web --label app",
            ),
        ],
    ),
    (
        "gangplank deploy",
        &[
            (
                "An image of docker's or podman's, and wait until it answers:",
                "gangplank deploy web --image app:latest --port 8080 --wait",
            ),
            ("Back to an earlier registered image:", "gangplank deploy web --image :web.app.3 --wait"),
            (
                "With an environment:",
                "gangplank deploy web --image app:latest --env-file app.env --env LOG=debug",
            ),
        ],
    ),
    (
        "gangplank logs",
        &[
            ("The newest lines, and all lines from now on:", "gangplank logs web --follow"),
            ("Errors of the last hour:", "gangplank logs web --since 1h --filter ERROR"),
        ],
    ),
    (
        "gangplank services",
        &[("Running services, with their addresses:", "gangplank services --output table")],
    ),
    (
        "gangplank configure",
        &[
            ("For a server on this machine:", "gangplank configure --data-dir ./gangplank-data"),
            (
                "For another server; it asks for the access key:",
                "gangplank configure --endpoint-url https://registry.example.com",
            ),
        ],
    ),
    (
        "gangplank login",
        &[
            ("To push:", "gangplank login"),
            ("To pull the images of a service:", "gangplank login --service-name web"),
            (
                "In a job of a CI, without an access key:",
                "gangplank login --role arn:aws:iam::000000000000:role/push-web",
            ),
            (
                "With fewer rights than the key:",
                "gangplank login --life 10m --repository sr --from 10.0.0.0/8",
            ),
        ],
    ),
    ("gangplank logout", &[("From the registry of the server:", "gangplank logout")]),
    (
        "gangplank docker-credential",
        &[("Let docker ask it:", "gangplank configure --data-dir ./gangplank-data")],
    ),
    ("gangplank generate", &[("A file to start from:", "gangplank generate config > gangplank.toml")]),
    (
        "gangplank generate man",
        &[("Into a folder of man:", "gangplank generate man ~/.local/share/man/man1")],
    ),
    ("gangplank generate book", &[("Into the manual:", "gangplank generate book docs/book/src/reference")]),
    ("gangplank generate config", &[("A file to start from:", "gangplank generate config > gangplank.toml")]),
    (
        "gangplank generate master-key",
        &[(
            "A key that only its owner can read, for `serve --master-key-file`:",
            "(umask 077; gangplank generate master-key > master.key)",
        )],
    ),
    (
        "gangplank generate completions",
        &[(
            "For bash:",
            "gangplank generate completions bash > ~/.local/share/bash-completion/completions/gangplank",
        )],
    ),
    ("gangplank version", &[("Print the version:", "gangplank version")]),
    (
        "gangplank credential-provider",
        &[(
            "As a kubelet does, with the token of a service account:",
            "gangplank credential-provider --role arn:aws:iam::000000000000:role/pull < request.json",
        )],
    ),
    (
        "gangplank-credential-provider",
        &[("As a kubelet does:", "gangplank-credential-provider < request.json")],
    ),
    (
        "docker-credential-gangplank",
        &[("As docker does:", "echo 127.0.0.1:5000 | docker-credential-gangplank get")],
    ),
    (
        "lightsailctl",
        &[(
            "As the AWS CLI does:",
            "aws lightsail push-container-image --service-name web --label app --image app:latest",
        )],
    ),
];

/// The examples of a command. A subcommand without examples of its own has the examples of its parent.
pub(crate) fn examples(path: &str) -> Vec<(&'static str, &'static str)> {
    let of =
        |path: &str| EXAMPLES.iter().find(|(known, _)| *known == path).map(|(_, examples)| examples.to_vec());
    of(path).or_else(|| path.rsplit_once(' ').map(|(above, _)| examples(above))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::*;

    fn check(command: &Command, path: &str) {
        assert!(!examples(path).is_empty(), "{path} has no example");
        for each in command.get_subcommands().filter(|each| each.get_name() != "help") {
            check(each, &format!("{path} {}", each.get_name()));
        }
    }

    #[test]
    fn every_command_has_an_example_that_can_be_read() {
        check(&crate::cli::Cli::command(), "gangplank");
        for (path, examples) in EXAMPLES.iter().filter(|(path, _)| path.starts_with("gangplank")) {
            for (_, line) in *examples {
                let line = line.split(['>', '<', '|']).next().unwrap_or_default();
                if path.starts_with("gangplank lightsail") || !line.starts_with("gangplank ") {
                    continue;
                }
                let words = line.split_whitespace();
                if let Err(error) = crate::cli::Cli::command().try_get_matches_from(words) {
                    panic!("{line}: {error}");
                }
            }
        }
    }
}
