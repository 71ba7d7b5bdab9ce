//! The page about limits: those that can be set, and the fixed ones.

use gangplank_core::{registry_login, role};

use super::markdown::{Page, code, sentence};
use super::settings::{options, parts};
use crate::values::duration::shown;

const HEAD: &str = "
Most limits are options of the server; [Settings](settings.md) says how to set them. A refusal names the quota, how much of
it the account uses, and how much it may have.
";

/// The fixed limits.
fn fixed() -> Vec<(&'static str, String, &'static str)> {
    let time = |time: std::time::Duration| shown(time.as_secs());
    vec![
        (
            "Life of a push login",
            time(registry_login::LIFETIME),
            "As at Amazon. `--life` and roles make shorter ones, from one minute. No option makes longer ones.",
        ),
        (
            "Session of a role",
            format!("{} to {}", time(role::SHORTEST_SESSION), time(role::LONGEST_SESSION)),
            "One hour, unless a job asks for another time.",
        ),
        (
            "Referrers of one subject, put by push logins",
            gangplank_core::quotas::MAX_HUNG.to_string(),
            "For example signatures: 403 `DENIED`.",
        ),
        (
            "Manifests and blobs of a registered image",
            "10,000".to_owned(),
            "All platforms together: InvalidInputException.",
        ),
        (
            "Name of a repository",
            "255 characters".to_owned(),
            "Together with the registry's address: 400 `NAME_INVALID`.",
        ),
        (
            "Tag",
            "128 characters".to_owned(),
            "Letters, digits, `_`, `.` and `-`; the first is a letter, a digit or `_`.",
        ),
        (
            "A filter pattern of logs",
            format!("{} characters", gangplank_core::log_filter::MAX_PATTERN),
            "InvalidInputException.",
        ),
    ]
}

pub(super) fn page() -> Page {
    let mut page = Page::new("Limits");
    page.text(HEAD);
    let of = [
        (
            "Quotas",
            "The most that an account may have. Beyond it, the API answers `InvalidInputException` and the registry 403 or 429, with the reason.",
        ),
        (
            "Limits",
            "The most that a request, a connection and the whole server may use. Beyond it, a request is refused before more of it is read.",
        ),
    ];
    for (heading, what) in of {
        page.heading(2, heading);
        page.text(what);
        let row = |option: &clap::Arg| {
            let (meaning, default) = parts(option);
            [sentence(&meaning), default, code(&format!("--{}", option.get_long().unwrap_or_default()))]
        };
        page.table(
            ["what", "default", "option"],
            &options(Some(heading)).iter().map(row).collect::<Vec<_>>(),
        );
    }
    page.heading(2, "What cannot be set");
    let rows: Vec<_> =
        fixed().into_iter().map(|(what, most, over)| [what.to_owned(), most, over.to_owned()]).collect();
    page.table(["what", "limit", ""], &rows);
    page
}
