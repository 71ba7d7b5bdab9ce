//! Words that other programs use for commands that have another name here.

/// The commands above a word (none, or `image`), the word, and what to type.
const WORDS: [(&str, &[&str], &str); 7] = [
    ("", &["ps", "ls", "list", "status", "service"], "`gangplank services` lists the container services"),
    ("", &["images"], IMAGES),
    ("image", &["list", "ls"], IMAGES),
    (
        "",
        &["rmi", "rm", "delete"],
        "`gangplank lightsail delete-container-image --service-name SERVICE --image IMAGE` deletes a registered image",
    ),
    (
        "",
        &["pull"],
        "`gangplank login --service-name SERVICE` makes a login with which docker pulls the images of a service",
    ),
    (
        "",
        &["run", "start", "up"],
        "`gangplank serve` starts a server, and `gangplank deploy` runs an image on it",
    ),
    ("", &["init", "setup", "config"], "`gangplank configure` writes a profile for a server that runs"),
];

const IMAGES: &str = "`gangplank lightsail get-container-images --service-name SERVICE` lists the registered images of a service";

/// The command to type in place of a word that is no command.
pub(super) fn instead_of(above: &str, word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(place, words, _)| *place == above && words.contains(&word)).map(|(.., tip)| *tip)
}
