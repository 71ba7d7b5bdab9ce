//! The source of a job's identity token, found in its environment.

use std::path::PathBuf;

use anyhow::{Result, bail};
use gangplank_api::Secret;
use serde_json::json;

use super::request::Request;

/// The variable with the address at which GitHub and Forgejo give out tokens.
pub(super) const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// The variable with the token in GitLab, as our manual names it.
const OURS: &str = "GANGPLANK_ID_TOKEN";
const CIRCLECI: &str = "CIRCLE_OIDC_TOKEN_V2";
const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// The source of a token.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// An address that gives the token out.
    Request(Request),
    /// A variable that holds the token.
    Variable(&'static str, String),
    /// A program that prints the token.
    Command(Vec<String>),
    /// A file that holds the token.
    File(PathBuf),
}

/// Finds the source in a job's environment. `audience` is the one that was asked for, `usual` the default.
pub(super) fn of_job(
    audience: Option<&str>,
    usual: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Source> {
    let is_set = |name: &str| variable(name).is_some();
    let wanted = audience.unwrap_or(usual);
    if let (Some(url), Some(bearer)) = (variable(REQUEST_URL), variable(REQUEST_TOKEN)) {
        return Ok(Source::Request(Request::new(&url, Secret::from(bearer), wanted)?));
    }
    if let Some(token) = variable(OURS) {
        return Ok(Source::Variable(OURS, token));
    }
    // CircleCI makes tokens for its own audience. Only CircleCI's command makes a token for another audience.
    if let (Some(audience), true) = (audience, is_set("CIRCLECI")) {
        let claims = json!({ "aud": audience }).to_string();
        return Ok(command(&["circleci", "run", "oidc", "get", "--claims", &claims]));
    }
    if let Some(token) = variable(CIRCLECI) {
        return Ok(Source::Variable(CIRCLECI, token));
    }
    if is_set("BUILDKITE") {
        return Ok(command(&["buildkite-agent", "oidc", "request-token", "--audience", wanted]));
    }
    if let Some(file) = variable(FILE) {
        return Ok(Source::File(file.into()));
    }
    let advice = match () {
        () if is_set("GITHUB_ACTIONS") => {
            "this job may ask for none: add `permissions: id-token: write` to it (in Forgejo: enable-openid-connect)"
        }
        () if is_set("GITLAB_CI") => "give this job `id_tokens: GANGPLANK_ID_TOKEN: aud: ...`",
        () if is_set("CIRCLECI") => "CircleCI gives one to jobs that use a context",
        () => "this is no job of a CI that is known; give --token-file, or set AWS_WEB_IDENTITY_TOKEN_FILE",
    };
    bail!("there is no identity token: {advice}")
}

fn command(words: &[&str]) -> Source {
    Source::Command(words.iter().map(|word| (*word).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = "https://registry.example";

    fn found(audience: Option<&str>, set: &[(&str, &str)]) -> Result<Source> {
        of_job(audience, USUAL, |name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_ci_is_known_by_its_variables_and_the_first_counts() {
        let request =
            |audience| Request::new("https://ci.example/t?v=2", "b".to_owned().into(), audience).unwrap();
        let all = [
            (REQUEST_URL, "https://ci.example/t?v=2"),
            (REQUEST_TOKEN, "b"),
            (OURS, "gitlab"),
            (CIRCLECI, "circle"),
            ("BUILDKITE", "true"),
            (FILE, "/token"),
        ];
        assert_eq!(found(None, &all).unwrap(), Source::Request(request(USUAL)));
        assert_eq!(found(Some("a"), &all).unwrap(), Source::Request(request("a")));
        // The address is of no use without its bearer token.
        assert!(found(None, &all[..1]).is_err());
        assert_eq!(found(None, &all[2..]).unwrap(), Source::Variable(OURS, "gitlab".into()));
        assert_eq!(found(None, &all[3..]).unwrap(), Source::Variable(CIRCLECI, "circle".into()));
        let buildkite = command(&["buildkite-agent", "oidc", "request-token", "--audience", USUAL]);
        assert_eq!(found(None, &all[4..]).unwrap(), buildkite);
        assert_eq!(found(None, &all[5..]).unwrap(), Source::File("/token".into()));
    }

    #[test]
    fn an_audience_that_was_asked_for_reaches_the_ci() {
        let circle = [("CIRCLECI", "true"), (CIRCLECI, "circle")];
        let asked = command(&["circleci", "run", "oidc", "get", "--claims", r#"{"aud":"a\"b"}"#]);
        assert_eq!(found(Some("a\"b"), &circle).unwrap(), asked);
        assert_eq!(found(None, &circle).unwrap(), Source::Variable(CIRCLECI, "circle".into()));
    }

    #[test]
    fn a_job_without_a_token_is_told_how_to_get_one() {
        for (variable, advice) in [
            ("GITHUB_ACTIONS", "id-token: write"),
            ("GITLAB_CI", "id_tokens: GANGPLANK_ID_TOKEN"),
            ("CIRCLECI", "context"),
            ("HOME", "--token-file"),
        ] {
            let refused = found(None, &[(variable, "true")]).unwrap_err().to_string();
            assert!(refused.contains(advice), "{refused}");
        }
    }
}
