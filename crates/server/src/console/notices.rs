//! Notices of finished actions. The address of the next page holds only the kind of the notice, so a link
//! cannot put any text on a page.

use super::form::Form;

/// A finished action.
#[derive(Clone, Copy, Debug)]
pub(super) enum Done {
    /// This number of logins was revoked.
    Revoked(u32),
    /// This number of logins was revoked, the most in one request. There are more.
    RevokedSome(u32),
    /// An image was deleted.
    ImageDeleted,
    /// An access key was disabled.
    KeyDisabled,
    /// An access key was enabled.
    KeyEnabled,
    /// An access key was deleted.
    KeyDeleted,
    /// A role was disabled.
    RoleDisabled,
    /// A role was enabled.
    RoleEnabled,
    /// A role was deleted.
    RoleDeleted,
    /// A session of a role was revoked.
    SessionRevoked,
}

impl Done {
    /// The query that makes the next page show the notice.
    pub(super) fn query(self) -> String {
        match self {
            Self::Revoked(count) => format!("done=revoked&n={count}"),
            Self::RevokedSome(count) => format!("done=revoked-some&n={count}"),
            Self::ImageDeleted => "done=image-deleted".to_owned(),
            Self::KeyDisabled => "done=key-disabled".to_owned(),
            Self::KeyEnabled => "done=key-enabled".to_owned(),
            Self::KeyDeleted => "done=key-deleted".to_owned(),
            Self::RoleDisabled => "done=role-disabled".to_owned(),
            Self::RoleEnabled => "done=role-enabled".to_owned(),
            Self::RoleDeleted => "done=role-deleted".to_owned(),
            Self::SessionRevoked => "done=session-revoked".to_owned(),
        }
    }
}

/// The text of the notice that a query asks for.
pub(super) fn notice(query: &Form) -> Option<String> {
    let count = || query.get("n").and_then(|count| count.parse::<u32>().ok()).unwrap_or_default();
    Some(match query.get("done")? {
        "revoked" => match count() {
            1 => "The login was revoked. It is refused from the next request on.".to_owned(),
            count => format!("{count} logins were revoked. They are refused from the next request on."),
        },
        "revoked-some" => format!("{} logins were revoked, and there are more: revoke once again.", count()),
        "image-deleted" => "The image was deleted.".to_owned(),
        "key-disabled" => {
            "The key was disabled. Its calls and logins are refused from the next request on.".to_owned()
        }
        "key-enabled" => "The key was enabled.".to_owned(),
        "key-deleted" => {
            "The key was deleted. Its calls and logins are refused from the next request on.".to_owned()
        }
        "role-disabled" => "The role was disabled. Its sessions and logins have ended.".to_owned(),
        "role-enabled" => "The role was enabled.".to_owned(),
        "role-deleted" => "The role was deleted. Its sessions and logins have ended.".to_owned(),
        "session-revoked" => "The session was revoked. Its logins have ended.".to_owned(),
        _ => return None,
    })
}
