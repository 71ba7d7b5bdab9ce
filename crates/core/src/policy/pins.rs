//! The claims that a trust policy has to fix, so that it does not open the role to strangers.
//!
//! One issuer signs for all its users: GitHub for all repositories, GitLab for all projects. A policy that fixes only
//! the audience accepts a token of any of these users. Many companies had roles that were open in this way.

use super::fault::PolicyError;
use super::pattern::Pattern;
use super::statement::{Effect, Statement, Target};
use crate::json::{Path, Quoted};

/// The claims that identify a job, and the form that a pattern of each must have.
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

/// The form of a claim.
#[derive(Clone, Copy)]
enum Form {
    /// An id. A part of an id has no meaning.
    Id,
    /// `OWNER/NAME`.
    Path,
    /// A text in a form of the issuer's own.
    Subject,
}

/// The beginnings of subjects that name an owner, and the character after the owner: GitHub's and Forgejo's, GitHub's
/// with a changed form, GitLab's, Buildkite's, Kubernetes' and `CircleCI`'s.
const SUBJECTS: [(&str, char); 9] = [
    ("repo:", '/'),
    ("repository:", '/'),
    ("repository_id:", ':'),
    ("repository_owner:", ':'),
    ("repository_owner_id:", ':'),
    ("project_path:", '/'),
    ("organization:", ':'),
    ("system:serviceaccount:", ':'),
    ("org/", '/'),
];

/// The issuer whose users choose the claims in the subject (GitHub's `include_claim_keys`). Anybody there can have
/// the subject `environment:production`.
const CHOSEN_SUBJECTS: &str = "token.actions.githubusercontent.com";

/// Checks that an allowing statement fixes the audience and identifies the job.
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
            match texts.iter().find_map(|text| loose(text, form, issuer)) {
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

/// Checks that a statement names only these audiences.
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

/// For each condition that accepts only certain texts for a claim: these texts.
fn claim<'s>(statement: &'s Statement, name: &'s str) -> impl Iterator<Item = Vec<&'s Pattern>> {
    let conditions = statement.conditions.iter().filter(|condition| condition.key.is_claim(name));
    conditions.filter_map(|condition| condition.required_texts().map(Iterator::collect))
}

fn is_whole(text: &Pattern) -> bool {
    matches!(text.fixed(), (fixed, true) if !fixed.is_empty())
}

/// The reason for which a text does not identify a job. `None` if it identifies a job.
fn loose(text: &Pattern, form: Form, issuer: &str) -> Option<String> {
    let (fixed, is_whole) = text.fixed();
    let whole = is_whole.then_some(fixed);
    if fixed.is_empty() {
        return Some("it begins with a wildcard or a variable, or is empty".to_owned());
    }
    match form {
        Form::Subject => loose_subject(fixed, whole, issuer),
        _ if is_whole => None,
        Form::Id => Some("an id can be no pattern".to_owned()),
        Form::Path => unowned(fixed, fixed, '/'),
    }
}

/// The reason for which a subject identifies nobody. `fixed` is its text before the first wildcard or variable.
/// `whole` is the whole subject if it has no wildcard and no variable, and `None` otherwise.
fn loose_subject(fixed: &str, whole: Option<&str>, issuer: &str) -> Option<String> {
    let is_chosen = issuer.starts_with(CHOSEN_SUBJECTS);
    let head = SUBJECTS.iter().find_map(|(head, end)| Some((fixed.strip_prefix(head)?, *end)));
    let Some((owner, end)) = head else {
        let why = if is_chosen {
            "names no owner, and anybody there can have such a subject"
        } else if whole.is_none() && SUBJECTS.iter().any(|(head, _)| head.starts_with(fixed)) {
            "does not fix the owner"
        } else {
            return None;
        };
        return Some(format!("{} {why}", Quoted(fixed)));
    };
    // If the subject ends with the claim that names the owner, the owner's name ends where the subject ends.
    let is_named = !is_chosen || end == ':' && !owner.is_empty();
    if whole.is_some() && is_named { None } else { unowned(fixed, owner, end) }
}

fn unowned(fixed: &str, owner: &str, end: char) -> Option<String> {
    let owned = owner.find(end).is_some_and(|at| at > 0);
    (!owned).then(|| format!("{} does not fix the owner up to its {end}", Quoted(fixed)))
}
