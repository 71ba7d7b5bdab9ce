//! The `Credential` parameter: the key, and the scope of the signature.

use crate::refusal::REGION;
use crate::shown::shown;
use crate::{Policy, Refusal, TERMINATOR};

/// `keyid/yyyymmdd/region/service/aws4_request`. Keeps the text, because signing needs the scope unchanged.
pub(crate) struct Credential(String);

impl Credential {
    /// Parses a credential. Its scope has to be one that the policy accepts, on the day of `time` (basic format).
    pub(crate) fn parse(text: &str, policy: &Policy<'_>, time: &str) -> Result<Credential, Refusal> {
        let parts: Vec<&str> = text.split('/').collect();
        let [_, date, region, service, terminator] = parts[..] else {
            return Err(Refusal::CredentialParts(parts.len()));
        };
        let mut wrong = Vec::new();
        if !(policy.serves_region)(region) {
            wrong.push(format!("{REGION}, not '{}'.", shown(region)));
        }
        if service != policy.service {
            wrong.push(format!("Credential should be scoped to correct service: '{}'.", policy.service));
        }
        if terminator != TERMINATOR {
            let terminator = shown(terminator);
            wrong.push(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
            ));
        }
        let day = &time[..8];
        if date != day {
            let date = shown(date);
            wrong.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{date}' != '{day}', from '{time}'."
            ));
        }
        if wrong.is_empty() { Ok(Credential(text.to_owned())) } else { Err(Refusal::Scope(wrong)) }
    }

    pub(crate) fn access_key_id(&self) -> &str {
        self.split().0
    }

    /// The text after the key: `yyyymmdd/region/service/aws4_request`.
    pub(crate) fn scope(&self) -> &str {
        self.split().1
    }

    pub(crate) fn region(&self) -> &str {
        self.scope().split('/').nth(1).unwrap_or_default()
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once('/').unwrap_or_default()
    }
}
