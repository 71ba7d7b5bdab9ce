//! What a trust policy has to fix, or it would open the role to strangers.
//!
//! One issuer signs for everybody who uses it: all of GitHub's repositories, all of GitLab's projects. A policy that
//! fixed the audience alone let in any of them, and roles of many companies stood open so.

use super::fault::PolicyError;
use super::pattern::Pattern;
use super::statement::{Effect, Statement, Target};
use crate::json::{Path, Quoted};

/// The claims that say who comes, and how a pattern of each has to begin.
const IDENTITIES: [(&str, Form); 8] = [
    ("sub", Form::Subject),
    ("repository", Form::Path),
    ("repository_id", Form::Id),
    ("project_id", Form::Id),
    ("project_path", Form::Path),
    ("pipeline_id", Form::Id),
    ("repositoryUuid", Form::Id),
    ("oidc.circleci.com/project-id", Form::Id),
];

/// How an issuer forms a claim.
#[derive(Clone, Copy)]
enum Form {
    /// An id, of which a part says nothing.
    Id,
    /// `OWNER/NAME`.
    Path,
    /// A text of the issuer's own form.
    Subject,
}

/// How subjects begin, and what ends the owner in them. GitHub and Forgejo, GitLab, Buildkite, Kubernetes, CircleCI.
const SUBJECTS: [(&str, char); 5] = [
    ("repo:", '/'),
    ("project_path:", '/'),
    ("organization:", ':'),
    ("system:serviceaccount:", ':'),
    ("org/", '/'),
];

/// Checks that a statement that allows fixes the audience and who comes.
pub(super) fn check(statement: &Statement, path: &Path<'_>) -> Result<(), PolicyError> {
    let Target::Provider(provider) = &statement.target else { return Ok(()) };
    if statement.effect == Effect::Deny {
        return Ok(());
    }
    let (issuer, path) = (&provider.issuer, Path::Member(path, "Condition"));
    let fixed = claim(statement, "aud").any(|texts| texts.iter().all(|text| is_whole(text)));
    if !fixed {
        let problem = format!(
            "must fix the claim aud, as {{\"StringEquals\": {{{:?}: \"AUDIENCE\"}}}}: without it, a token made for \
             another service opens this role",
            format!("{issuer}:aud")
        );
        return Err(PolicyError::new(&path, problem));
    }
    let mut near = String::new();
    for (name, form) in IDENTITIES {
        for texts in claim(statement, name) {
            match texts.iter().find_map(|text| loose(text, form)) {
                None => return Ok(()),
                Some(why) => near = format!(". {name} does not: {why}"),
            }
        }
        if near.is_empty() && statement.conditions.iter().any(|condition| condition.key.is_claim(name)) {
            near = format!(
                ". {name} does not: its operator also holds for others, or where the claim is missing"
            );
        }
    }
    let names: Vec<_> = IDENTITIES.iter().map(|(name, _)| *name).collect();
    let problem = format!(
        "must fix who comes, by StringEquals or StringLike on a claim of {issuer}: {}{near}",
        names.join(", ")
    );
    Err(PolicyError::new(&path, problem))
}

/// Checks that a statement names no audience but these.
pub(super) fn check_audiences(
    statement: &Statement,
    path: &Path<'_>,
    audiences: &[String],
) -> Result<(), PolicyError> {
    let path = Path::Member(path, "Condition");
    let wanted = claim(statement, "aud").flatten();
    let mut others = wanted.filter(|text| !audiences.iter().any(|audience| text.fixed() == (audience, true)));
    match others.next() {
        Some(text) => {
            let (text, known) = (Quoted(text.fixed().0), audiences.join(", "));
            let problem = format!("wants the audience {text}, but the issuer's tokens can have: {known}");
            Err(PolicyError::new(&path, problem))
        }
        None => Ok(()),
    }
}

/// The texts that conditions want of a claim, one of which it must then have.
fn claim<'s>(statement: &'s Statement, name: &'s str) -> impl Iterator<Item = Vec<&'s Pattern>> {
    let conditions = statement.conditions.iter().filter(|condition| condition.key.is_claim(name));
    conditions.filter_map(|condition| condition.required_texts().map(Iterator::collect))
}

fn is_whole(text: &Pattern) -> bool {
    matches!(text.fixed(), (fixed, true) if !fixed.is_empty())
}

/// Says why a text fixes nobody, if so.
fn loose(text: &Pattern, form: Form) -> Option<String> {
    if is_whole(text) {
        return None;
    }
    let (fixed, _) = text.fixed();
    if fixed.is_empty() {
        return Some("it begins with a wildcard or a variable, or is empty".to_owned());
    }
    let owned = |rest: &str, end: char| rest.find(end).is_some_and(|at| at > 0);
    match form {
        Form::Id => Some("an id can be no pattern".to_owned()),
        Form::Path if owned(fixed, '/') => None,
        Form::Path => Some(format!("{} does not fix the owner up to its /", Quoted(fixed))),
        Form::Subject => {
            let begun = SUBJECTS.iter().find(|(head, _)| fixed.starts_with(head) || head.starts_with(fixed));
            let (head, end) = begun?;
            let owner = fixed.strip_prefix(head).unwrap_or_default();
            (!owned(owner, *end)).then(|| format!("{} does not fix the owner up to its {end}", Quoted(fixed)))
        }
    }
}
