//! Sessions of a role: temporary keys that STS gives for an identity token. They are kept while the program runs, and
//! replaced shortly before they end.

use gangplank_api::sts::Operation;
use serde_json::Map;
use tokio::sync::Mutex;

use super::{Answer, ApiClient, Signer, answer_to};
use crate::aws::call_failure::{CallFailure, Refusal, Unreachable};
use crate::aws::credentials::{Credentials, WebIdentity};
use crate::aws::identity_token;
use crate::http::retry;
use crate::terminal::output;

/// A session with less time left is replaced, so that a call that begins with it also ends with it. In milliseconds.
const MARGIN_MS: i64 = 5 * 60 * 1_000;

/// The codes of STS for faults after which a repetition may help.
const PASSING: [&str; 3] = ["IDPCommunicationError", "RequestTimeout", "Throttling"];

/// A role, and its current session.
#[derive(Debug)]
pub(super) struct Sessions {
    role: WebIdentity,
    current: Mutex<Option<Session>>,
}

#[derive(Debug)]
struct Session {
    keys: Credentials,
    /// When the session ends, in milliseconds since 1970.
    expires_at: i64,
}

impl Sessions {
    pub(super) fn of(role: WebIdentity) -> Self {
        Self { role, current: Mutex::new(None) }
    }

    pub(super) fn role_arn(&self) -> &str {
        &self.role.role_arn
    }
}

impl ApiClient {
    /// The keys that sign now. `None` if a session has none.
    ///
    /// # Errors
    /// If the role cannot be assumed: no identity token is found, or it does not open the role.
    pub(super) async fn key(&self) -> Result<Option<Credentials>, CallFailure> {
        let sessions = match &self.signer {
            Signer::Nobody => return Ok(None),
            Signer::Key(credentials) => return Ok(Some(credentials.clone())),
            Signer::Role(sessions) => sessions,
        };
        let mut current = sessions.current.lock().await;
        if let Some(session) = current.as_ref().filter(|it| output::now() < it.expires_at - MARGIN_MS) {
            return Ok(Some(session.keys.clone()));
        }
        let begun = self.assume(&sessions.role).await;
        // An old session that has not ended yet is better than none.
        let session = match (begun, current.take()) {
            (Ok(session), _) => session,
            (Err(_), Some(last)) if output::now() < last.expires_at => last,
            (Err(error), _) => return Err(error),
        };
        Ok(Some(current.insert(session).keys.clone()))
    }

    async fn assume(&self, role: &WebIdentity) -> Result<Session, CallFailure> {
        let token = match &role.token_file {
            Some(file) => identity_token::from_file(file),
            None => identity_token::of_job(None, self.endpoint()).await,
        };
        let token = token.map_err(|error| CallFailure::NoToken(format!("{error:#}")))?;
        let operation = Operation::AssumeRoleWithWebIdentity.name();
        let name = role.session_name.clone();
        let name = name.unwrap_or_else(|| format!("gangplank-{}", output::now().div_euclid(1_000)));
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", operation)
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &role.role_arn)
            .append_pair("RoleSessionName", &name)
            .append_pair("WebIdentityToken", token.expose())
            .finish();
        let answer = self.post_form(form).await?;
        if answer.is_success() {
            return session(&answer.body).ok_or(CallFailure::Unreadable(operation));
        }
        Err(refusal(&answer, operation).map_or_else(|| self.stranger(&answer), CallFailure::Refused))
    }

    /// Posts a form. Tries again for as long as another attempt may help.
    async fn post_form(&self, form: String) -> Result<Answer, CallFailure> {
        let mut attempt = 1;
        loop {
            let call = self.http.post(self.endpoint.clone()).body(form.clone());
            let call = call.header("content-type", "application/x-www-form-urlencoded");
            let last = attempt == self.attempts;
            match answer_to(call).await {
                Ok(answer) if last || !passes(&answer) => return Ok(answer),
                Err(cause) if last || !cause.may_pass() => {
                    return Err(Unreachable::new(&self.endpoint, cause, self.hint.as_deref()).into());
                }
                _ => tokio::time::sleep(retry::pause(attempt)).await,
            }
            attempt += 1;
        }
    }
}

fn passes(answer: &Answer) -> bool {
    let code = || text_of(&answer.body, "Code");
    matches!(answer.status, 500 | 502 | 503 | 504)
        || !answer.is_success() && code().is_some_and(|code| PASSING.contains(&code.as_str()))
}

/// Reads the session in an answer.
fn session(body: &[u8]) -> Option<Session> {
    let expires = text_of(body, "Expiration")?;
    let keys = Credentials {
        access_key_id: text_of(body, "AccessKeyId")?,
        secret_access_key: text_of(body, "SecretAccessKey")?.into(),
        session_token: Some(text_of(body, "SessionToken")?.into()),
    };
    let expires_at = expires.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    Some(Session { keys, expires_at })
}

fn refusal(answer: &Answer, operation: &'static str) -> Option<Refusal> {
    Some(Refusal {
        operation,
        status: answer.status,
        request_id: answer.request_id.clone(),
        code: text_of(&answer.body, "Code")?,
        message: text_of(&answer.body, "Message").unwrap_or_default(),
        tip: None,
        retries: None,
        body: Map::new(),
    })
}

/// The text of the first XML element with this name.
fn text_of(body: &[u8], name: &str) -> Option<String> {
    let text = str::from_utf8(body).ok()?;
    let document = roxmltree::Document::parse(text).ok()?;
    let element = document.descendants().find(|node| node.tag_name().name() == name)?;
    element.text().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use gangplank_api::sts::AssumedRole;
    use gangplank_api::{Secret, Timestamp};

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, request_id: None, location: None, body: body.into(), exhausted: None }
    }

    #[test]
    fn the_keys_of_a_session_are_read_as_a_server_writes_them() {
        let assumed = AssumedRole {
            audience: "https://registry.example".to_owned(),
            assumed_role_id: "GPARX:ci".to_owned(),
            arn: "arn:aws:sts::000000000000:assumed-role/push/ci".to_owned(),
            provider: "arn:aws:iam::000000000000:oidc-provider/ci.example".to_owned(),
            access_key_id: "GPASX".to_owned(),
            secret_access_key: "a+b/c<&>".to_owned().into(),
            session_token: "token".to_owned().into(),
            expiration: Timestamp(1_795_597_200_000),
            subject: "repo:acme/web".to_owned(),
        };
        let session = session(&assumed.body("r-1")).unwrap();
        assert_eq!(session.keys.access_key_id, "GPASX");
        assert_eq!(session.keys.secret_access_key.expose(), "a+b/c<&>");
        assert_eq!(session.keys.session_token.as_ref().map(Secret::expose), Some("token"));
        assert_eq!(session.expires_at, 1_795_597_200_000);
    }

    #[test]
    fn what_sts_refuses_with_is_told_and_what_passes_is_asked_again() {
        let error = |code: &str| {
            let error =
                format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message></Error>");
            answer(
                400,
                &format!("<ErrorResponse xmlns=\"x\">{error}<RequestId>1</RequestId></ErrorResponse>"),
            )
        };
        let denied = refusal(&error("AccessDenied"), "AssumeRoleWithWebIdentity").unwrap();
        assert_eq!(denied.to_string(), "AssumeRoleWithWebIdentity was refused with AccessDenied: No.");
        assert!(refusal(&answer(400, "<html>no"), "x").is_none());
        assert!(passes(&error("IDPCommunicationError")) && passes(&answer(503, "")));
        assert!(!passes(&error("AccessDenied")) && !passes(&error("ExpiredTokenException")));
    }
}
