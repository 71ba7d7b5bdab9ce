//! What was just done, as the page says it to which the doer is led. An address bar says only which of these it is, so no
//! link can put other words on a page.

use super::form::Form;

/// Something that was done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Done {
    /// So many logins were revoked.
    Revoked(u32),
    /// As many logins as one request revokes, and there are more.
    RevokedSome(u32),
    /// An image was deleted.
    ImageDeleted,
}

impl Done {
    /// What is added to the path of the page that says it.
    pub(super) fn query(self) -> String {
        match self {
            Self::Revoked(count) => format!("done=revoked&n={count}"),
            Self::RevokedSome(count) => format!("done=revoked-some&n={count}"),
            Self::ImageDeleted => "done=image-deleted".to_owned(),
        }
    }
}

/// What a query says that was done, in words.
pub(super) fn notice(query: &Form) -> Option<String> {
    let count = || query.get("n").and_then(|count| count.parse::<u32>().ok()).unwrap_or_default();
    Some(match query.get("done")? {
        "revoked" => match count() {
            1 => "The login was revoked. It is refused from the next request on.".to_owned(),
            count => format!("{count} logins were revoked. They are refused from the next request on."),
        },
        "revoked-some" => format!("{} logins were revoked, and there are more: revoke once again.", count()),
        "image-deleted" => "The image was deleted.".to_owned(),
        _ => return None,
    })
}
