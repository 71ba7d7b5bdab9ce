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

/// How subjects begin that name an owner, and what ends the owner in them: GitHub's and Forgejo's, those of GitHub
/// whose form was changed, GitLab's, Buildkite's, those of Kubernetes and of `CircleCI`.
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

/// The issuer whose users choose which claims make the subject (GitHub's `include_claim_keys`): anybody there can have
/// the subject `environment:production`.
const CHOSEN_SUBJECTS: &str = "token.actions.githubusercontent.com";

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

/// Why a subject says too little. `fixed` is its text before the first wildcard or variable; `whole` is the same if there
/// is none.
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
    // Where the claim that ends a subject names the owner, the end of the text is its end.
    let is_named = !is_chosen || end == ':' && !owner.is_empty();
    if whole.is_some() && is_named { None } else { unowned(fixed, owner, end) }
}

fn unowned(fixed: &str, owner: &str, end: char) -> Option<String> {
    let owned = owner.find(end).is_some_and(|at| at > 0);
    (!owned).then(|| format!("{} does not fix the owner up to its {end}", Quoted(fixed)))
}
