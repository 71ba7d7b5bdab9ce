//! Lists that come in pages. A server cannot make a command ask for pages for ever.

use anyhow::{Result, ensure};
use gangplank_api::Request;
use gangplank_api::gangplank::{
    AccessKeySummary, ListAccessKeysRequest, ListManifestsRequest, ListRegistryLoginsRequest,
    ListRepositoriesRequest, ListRoleSessionsRequest, ListRolesRequest, ManifestSummary,
    RegistryLoginSummary, RepositorySummary, Role, RoleSession,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api_client::ApiClient;

/// A page may be empty. No list of our servers has so many empty pages in a row.
const MOST_EMPTY: usize = 1_000;

/// More entries than any list of our servers has.
const MOST_ENTRIES: usize = 10_000_000;

/// A count of the pages of one list.
#[derive(Default)]
pub(crate) struct Pages {
    empty: usize,
    entries: usize,
}

impl Pages {
    /// Counts a page with this many entries.
    ///
    /// # Errors
    /// If there are more empty pages in a row, or more entries, than a server of ours has.
    pub(crate) fn count(&mut self, entries: usize) -> Result<()> {
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        self.entries = self.entries.saturating_add(entries);
        ensure!(
            self.empty <= MOST_EMPTY,
            "the server sent {MOST_EMPTY} pages without an entry, and the list still goes on"
        );
        ensure!(self.entries <= MOST_ENTRIES, "the server's list has more than {MOST_ENTRIES} entries");
        Ok(())
    }
}

/// A request for a list that comes in pages.
pub(crate) trait Paged: Request + Serialize {
    /// An entry of the list.
    type Entry;

    /// The entries of a page, and the token of the next page.
    fn read(page: Self::Output) -> (Vec<Self::Entry>, Option<String>);

    /// Makes this a request for the page that a token stands for.
    fn go_to(&mut self, token: String);
}

/// Says for each request which member of its answer has the entries.
macro_rules! paged {
    ($($request:ident: $member:ident of $entry:ident,)*) => { $(
        impl Paged for $request {
            type Entry = $entry;

            fn read(page: Self::Output) -> (Vec<$entry>, Option<String>) {
                (page.$member, page.next_token)
            }

            fn go_to(&mut self, token: String) {
                self.next_token = Some(token);
            }
        }
    )* };
}

paged! {
    ListAccessKeysRequest: access_keys of AccessKeySummary,
    ListManifestsRequest: manifests of ManifestSummary,
    ListRegistryLoginsRequest: registry_logins of RegistryLoginSummary,
    ListRepositoriesRequest: repositories of RepositorySummary,
    ListRoleSessionsRequest: role_sessions of RoleSession,
    ListRolesRequest: roles of Role,
}

/// The whole list, page after page.
///
/// # Errors
/// If a call fails, or if the pages do not end.
pub(crate) async fn all<I>(client: &ApiClient, mut request: I) -> Result<Vec<I::Entry>>
where
    I: Paged,
    I::Output: DeserializeOwned,
{
    let (mut entries, mut pages) = (Vec::new(), Pages::default());
    loop {
        let (page, next) = I::read(client.call(&request).await?);
        pages.count(page.len())?;
        entries.extend(page);
        match next {
            Some(token) => request.go_to(token),
            None => return Ok(entries),
        }
    }
}
