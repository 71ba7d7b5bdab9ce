//! `AssumeRoleWithWebIdentity`: temporary keys for an identity token. This file only has the form of the call.
//! Other code decides whether the token is trusted.

use std::time::Duration;

use super::{Operation, Parameters, StsError, response};
use crate::{Secret, Timestamp, xml};

/// The request. Every rule that needs only the parameters has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRoleWithWebIdentity {
    /// The role's ARN. Only its length has been checked: 20 to 2,048 characters.
    pub role_arn: String,
    /// The name for the session.
    pub role_session_name: String,
    /// The token, without white space at its end.
    pub web_identity_token: Secret,
    /// The wanted length of the session: 15 minutes to 12 hours. `None` for the role's default.
    pub duration: Option<Duration>,
    /// A policy that limits the session: 1 to 2,048 characters, which have not been parsed yet.
    pub policy: Option<String>,
}

impl AssumeRoleWithWebIdentity {
    /// Reads the request. Unknown parameters are ignored.
    ///
    /// # Errors
    /// A `ValidationError` with the fault of each parameter. It never repeats the token or the policy.
    pub fn read(parameters: &Parameters) -> Result<Self, StsError> {
        if parameters.has_list("PolicyArns") {
            let message = "PolicyArns: there are no managed policies here. Narrow the session with Policy.";
            return Err(StsError::validation(message));
        }
        let mut faults = Faults::default();
        let role_arn = faults.text(parameters, "RoleArn", 20..=2048);
        let role_session_name = faults.text(parameters, "RoleSessionName", 2..=64);
        if role_session_name.chars().any(|letter| !is_of_name(letter)) {
            faults.add("RoleSessionName", "Member must satisfy regular expression pattern: [\\w+=,.@-]*");
        }
        let token = parameters.get("WebIdentityToken");
        let token = faults.length("WebIdentityToken", token.map(str::trim_ascii_end), 4..=20_000);
        let policy = parameters.get("Policy");
        if policy.is_some() {
            faults.length("Policy", policy, 1..=2048);
        }
        let duration = parameters.get("DurationSeconds").and_then(|text| faults.duration(text));
        faults.end()?;
        Ok(Self {
            role_arn,
            role_session_name,
            web_identity_token: Secret::from(token),
            duration,
            policy: policy.map(str::to_owned),
        })
    }
}

/// `\w` and some other characters.
fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)
}

/// The faults of the parameters.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    /// Adds a fault. AWS writes the parameter's name with a small first letter here.
    fn add(&mut self, name: &str, constraint: &str) {
        let (first, rest) = name.split_at(1);
        let first = first.to_ascii_lowercase();
        self.0.push(format!("Value at '{first}{rest}' failed to satisfy constraint: {constraint}"));
    }

    /// A required parameter with a longest length. Empty if it is faulty.
    fn text(
        &mut self,
        parameters: &Parameters,
        name: &str,
        lengths: std::ops::RangeInclusive<usize>,
    ) -> String {
        self.length(name, parameters.get(name), lengths)
    }

    fn length(
        &mut self,
        name: &str,
        value: Option<&str>,
        lengths: std::ops::RangeInclusive<usize>,
    ) -> String {
        let Some(value) = value else {
            self.add(name, "Member must not be null");
            return String::new();
        };
        let length = value.chars().count();
        if length < *lengths.start() {
            self.add(name, &format!("Member must have length greater than or equal to {}", lengths.start()));
        } else if length > *lengths.end() {
            self.add(name, &format!("Member must have length less than or equal to {}", lengths.end()));
        }
        value.to_owned()
    }

    fn duration(&mut self, text: &str) -> Option<Duration> {
        let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(seconds @ 900..=43_200) if digits => return Some(Duration::from_secs(seconds)),
            _ => self.add("DurationSeconds", "Member must be a whole number between 900 and 43200"),
        }
        None
    }

    fn end(self) -> Result<(), StsError> {
        let faults = match self.0.len() {
            0 => return Ok(()),
            1 => "1 validation error detected".to_owned(),
            several => format!("{several} validation errors detected"),
        };
        Err(StsError::validation(format!("{faults}: {}", self.0.join("; "))))
    }
}

/// A new session, with its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedRole {
    /// The audience of the token that was accepted.
    pub audience: String,
    /// The id of the role, a colon, and the session's name.
    pub assumed_role_id: String,
    /// The session's ARN.
    pub arn: String,
    /// The URL of the token's issuer.
    pub provider: String,
    /// The id of the temporary access key.
    pub access_key_id: String,
    /// The secret that calls are signed with.
    pub secret_access_key: Secret,
    /// The token that signed calls have to carry.
    pub session_token: Secret,
    /// When the keys end.
    pub expiration: Timestamp,
    /// The subject of the token. A long one is cut to 255 characters.
    pub subject: String,
}

impl AssumedRole {
    /// The longest subject that clients accept, in characters.
    const SUBJECT: usize = 255;

    /// The body.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let mut result = String::new();
        xml::push(&mut result, "Audience", &self.audience);
        result.push_str("<AssumedRoleUser>");
        xml::push(&mut result, "AssumedRoleId", &self.assumed_role_id);
        xml::push(&mut result, "Arn", &self.arn);
        result.push_str("</AssumedRoleUser>");
        xml::push(&mut result, "Provider", &self.provider);
        result.push_str("<Credentials>");
        xml::push(&mut result, "AccessKeyId", &self.access_key_id);
        xml::push(&mut result, "SecretAccessKey", self.secret_access_key.expose());
        xml::push(&mut result, "SessionToken", self.session_token.expose());
        xml::push(&mut result, "Expiration", &self.expiration.iso_8601());
        result.push_str("</Credentials>");
        let subject: String = self.subject.chars().take(Self::SUBJECT).collect();
        xml::push(&mut result, "SubjectFromWebIdentityToken", &subject);
        response(Operation::AssumeRoleWithWebIdentity.name(), &result, request_id)
    }
}
