//! The identity token of a CI job: where each CI keeps it, or how the CI gives it out.

mod request;
mod source;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_api::Secret;
use reqwest::Url;

use self::source::Source;
use crate::system::child;
use crate::terminal::masks;

/// The longest token that a server accepts, in bytes.
const LONGEST: usize = 20_000;

/// Finds the token: in the file, if one is named, else in the CI that runs this job. `audience` is put into the token
/// if the CI can do that. The default audience is the server's address, `endpoint`.
///
/// # Errors
/// If there is no token. The error says how this job gets one.
pub(crate) async fn find(file: Option<&Path>, audience: Option<&str>, endpoint: &Url) -> Result<Secret> {
    match file {
        Some(file) => from_file(file),
        None => of_job(audience, endpoint).await,
    }
}

/// Reads the token in a file.
///
/// # Errors
/// If the file cannot be read, or holds no token.
pub(crate) fn from_file(path: &Path) -> Result<Secret> {
    let shown = path.display();
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("cannot read the identity token in {shown}"))?;
    let most = u64::try_from(2 * LONGEST)?;
    let read = file.take(most).read_to_string(&mut text);
    read.with_context(|| format!("cannot read the identity token in {shown}"))?;
    taken(&text, || format!("the file {shown}"))
}

/// Finds the token of the CI that runs this job.
///
/// # Errors
/// If there is no token.
pub(crate) async fn of_job(audience: Option<&str>, endpoint: &Url) -> Result<Secret> {
    let usual = usual_audience(endpoint);
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match source::of_job(audience, &usual, variable)? {
        Source::Request(request) => request
            .send()
            .await
            .and_then(|token| taken(&token, || format!("what {} answered", source::REQUEST_URL))),
        Source::Variable(name, token) => taken(&token, || format!("the variable {name}")),
        Source::Command(words) => {
            let token = asked(&words)?;
            taken(&token, || format!("what `{}` printed", words.join(" ")))
        }
        Source::File(file) => from_file(&file),
    }
}

/// The default audience of tokens for a server: its address.
fn usual_audience(endpoint: &Url) -> String {
    endpoint.as_str().trim_end_matches('/').to_owned()
}

fn asked(words: &[String]) -> Result<String> {
    let [program, arguments @ ..] = words else { bail!("no program is named") };
    let ended = child::run(Command::new(program).args(arguments), None);
    let ended = ended.with_context(|| format!("cannot run {program}, which gives this job its token"))?;
    ensure!(
        ended.status.success(),
        "`{}` gave no token: {}",
        words.join(" "),
        String::from_utf8_lossy(&ended.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// Takes a token, and masks it in the job's log from now on.
fn taken(text: &str, of: impl Fn() -> String) -> Result<Secret> {
    let token = text.trim();
    let is_token = token.len() <= LONGEST
        && token.bytes().filter(|byte| *byte == b'.').count() == 2
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte));
    ensure!(is_token, "{} is no identity token: that has three parts with a dot between them", of());
    let token = Secret::from(token.to_owned());
    masks::mask(&token);
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_a_token_and_perhaps_white_space() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("token");
        std::fs::write(&file, "\n a-b_.c.d \n").unwrap();
        assert_eq!(from_file(&file).unwrap().expose(), "a-b_.c.d");
        for wrong in ["", "word", "a.b", "a.b.c.d", "a.b.c d", &format!("a.b.{}", "x".repeat(LONGEST))] {
            std::fs::write(&file, wrong).unwrap();
            let refused = format!("{:#}", from_file(&file).unwrap_err());
            assert!(refused.contains("is no identity token") && !refused.contains("xxx"), "{refused}");
        }
        let refused = format!("{:#}", from_file(&home.path().join("none")).unwrap_err());
        assert!(refused.contains("cannot read the identity token in"), "{refused}");
    }

    #[test]
    fn tokens_are_made_for_the_servers_address() {
        for (endpoint, audience) in [
            ("https://registry.example", "https://registry.example"),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5000"),
            ("https://example.com/gangplank/", "https://example.com/gangplank"),
        ] {
            assert_eq!(usual_audience(&Url::parse(endpoint).unwrap()), audience);
        }
    }
}
