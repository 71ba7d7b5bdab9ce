//! Upload sessions: opened, then in the hands of one request at a time.

use std::time::Duration;

use gangplank_oci::{Algorithm, Hasher, OciError, RepositoryName};
use gangplank_store::blobs::ContentKey;
use gangplank_store::coordination::Work;
use gangplank_store::metadata::uploads::{UploadOpened, UploadOwner, UploadSession};

use super::ingest::hash_staged;
use super::refusal::Refusal;
use super::upload_standing::Standing;
use super::{Context, Result};
use crate::coordination::Held;

/// Opens a session, which hashes with `algorithm`.
pub(super) async fn open(
    context: &Context<'_>,
    repository: &RepositoryName,
    algorithm: Algorithm,
) -> Result<Standing> {
    let session = open_as(context, repository, &ContentKey::unused(), algorithm).await?;
    Ok(Standing::new(repository, &session.id, 0))
}

/// The same under a key that nothing is staged under yet.
async fn open_as(
    context: &Context<'_>,
    repository: &RepositoryName,
    key: &ContentKey,
    algorithm: Algorithm,
) -> Result<UploadSession> {
    let app = context.app;
    let now = app.clock.steady();
    let session = UploadSession {
        id: key.as_str().to_owned(),
        received: 0,
        hash_state: state(&Hasher::new(algorithm)),
        run: app.run.clone(),
        login: Some(context.grant.login),
        created_at: now,
        touched_at: now,
    };
    let opened = session.clone();
    match app.metadata.open_upload(&owner(context, repository), session, app.quotas.open_uploads).await? {
        UploadOpened::Opened => {}
        UploadOpened::InPlaceOfAnother => app.discarded.notify_one(),
        UploadOpened::LoginEnded => return Err(OciError::blob_upload_unknown().into()),
        UploadOpened::TooMany => {
            let message = "the account or this login has too many uploads open; finish or cancel some";
            return Err(Refusal::too_many(message, 60));
        }
    }
    Ok(opened)
}

/// Where a session stands.
pub(super) async fn status(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<Standing> {
    let found = find(context, repository, id).await?;
    // Who asks has often just been cut off. What is still coming in from then counts, or the upload
    // would go on in the wrong place.
    let received = match claim(context, id).await? {
        Some(claim) => {
            Session::claimed(context, repository, id, claim).await?.check_bytes().await?.received()
        }
        None => found.received,
    };
    Ok(Standing::new(repository, id, received))
}

/// A session that goes on, in the hands of the one request that has claimed it.
pub(super) struct Session<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) repository: &'a RepositoryName,
    /// Its bytes are staged under it.
    pub(super) key: ContentKey,
    row: UploadSession,
    claim: Held,
}

impl<'a> Session<'a> {
    /// Claims a session and finds it.
    pub(super) async fn claim(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
    ) -> Result<Self> {
        let Some(claim) = claim(context, id).await? else { return Err(taken()) };
        Self::claimed(context, repository, id, claim).await
    }

    /// Opens one, for a body whose bytes are to be staged under `key`.
    pub(super) async fn open(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        key: ContentKey,
        algorithm: Algorithm,
    ) -> Result<Self> {
        let row = open_as(context, repository, &key, algorithm).await?;
        let claim = claim(context, &row.id).await?.ok_or_else(OciError::blob_upload_unknown)?;
        Ok(Self { context, repository, key, row, claim })
    }

    /// Claims a session and finds it with all the bytes that its row counts.
    pub(super) async fn take_up(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
    ) -> Result<Self> {
        let session = Self::claim(context, repository, id).await?.check_bytes().await?;
        // It goes with the login that fed it last, which is this one from now on.
        if session.row.login != Some(context.grant.login) && !session.touch().await? {
            return Err(OciError::blob_upload_unknown().into());
        }
        Ok(session)
    }

    async fn claimed(
        context: &'a Context<'_>,
        repository: &'a RepositoryName,
        id: &str,
        claim: Held,
    ) -> Result<Self> {
        let row = find(context, repository, id).await?;
        let key = ContentKey::parse(&row.id).ok_or_else(OciError::blob_upload_unknown)?;
        Ok(Self { context, repository, key, row, claim })
    }

    /// Goes on only with all the bytes that the row counts.
    ///
    /// Neither the row nor staged bytes wait for the disk, so a crash can take bytes that the row counts, or
    /// leave zeros in their place. Then the row is wrong, and the session is over.
    async fn check_bytes(mut self) -> Result<Self> {
        if self.is_whole().await? {
            return Ok(self);
        }
        self.give_up().await;
        Err(OciError::blob_upload_unknown().into())
    }

    async fn is_whole(&mut self) -> Result<bool> {
        let (app, received) = (self.context.app, self.row.received);
        if received == 0 {
            return Ok(true);
        }
        if app.blobs.staged_size(&self.key)? < Some(received) {
            return Ok(false);
        }
        if self.row.run == app.run {
            return Ok(true);
        }
        let counted = self.hasher()?;
        let staged = hash_staged(app, &self.key, counted.algorithm(), received).await?;
        if staged.state() != counted.state() {
            return Ok(false);
        }
        self.row.run.clone_from(&app.run);
        Ok(app.metadata.advance_upload(&self.owner(), received, self.row.clone()).await?)
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.row.id
    }

    /// How many bytes its row counts.
    pub(super) fn received(&self) -> u64 {
        self.row.received
    }

    /// What its client is told when it has so many bytes.
    pub(super) fn standing(&self, received: u64) -> Standing {
        Standing::new(self.repository, &self.row.id, received)
    }

    /// The hash of the bytes that its row counts.
    pub(super) fn hasher(&self) -> Result<Hasher> {
        let hasher = Hasher::resume(&self.row.hash_state).ok();
        // A newer program may not read an older one's hash state: the client starts this blob anew.
        let hasher = hasher.filter(|hasher| hasher.hashed() == self.row.received);
        hasher.ok_or_else(|| OciError::blob_upload_unknown().into())
    }

    /// Notes how far it has come.
    pub(super) async fn advance(&self, hasher: &Hasher) -> Result<()> {
        if self.claim.is_lost() {
            return Err(taken());
        }
        let advanced =
            UploadSession { received: hasher.hashed(), hash_state: state(hasher), ..self.touched() };
        let app = self.context.app;
        if app.metadata.advance_upload(&self.owner(), self.row.received, advanced).await? {
            return Ok(());
        }
        // What was written since it ended.
        discard(self.context, self.key.clone()).await;
        Err(OciError::blob_upload_unknown().into())
    }

    /// Notes that it is in use; `false` if it has ended.
    pub(super) async fn touch(&self) -> Result<bool> {
        let metadata = &self.context.app.metadata;
        Ok(metadata.advance_upload(&self.owner(), self.row.received, self.touched()).await?)
    }

    /// Whether its row is gone, and with it what was staged.
    pub(super) async fn has_ended(&self) -> bool {
        matches!(self.context.app.metadata.upload(&self.owner(), &self.row.id).await, Ok(None))
    }

    fn touched(&self) -> UploadSession {
        let (touched_at, login) = (self.context.app.clock.steady(), Some(self.context.grant.login));
        UploadSession { touched_at, login, ..self.row.clone() }
    }

    /// Ends it as its client asks. The bytes go first, as in [`give_up`](Self::give_up); here the client
    /// hears if the row could not follow.
    pub(super) async fn cancel(self) -> Result<()> {
        discard(self.context, self.key.clone()).await;
        self.context.app.metadata.close_upload(&self.owner(), &self.row.id).await?;
        Ok(())
    }

    /// Ends it as far as that can be done. The bytes go first: that needs no space on a full disk, and a
    /// session without its bytes is over.
    pub(super) async fn give_up(&self) {
        discard(self.context, self.key.clone()).await;
        if let Err(error) = self.context.app.metadata.close_upload(&self.owner(), &self.row.id).await {
            // It is over when it has been idle for long enough.
            tracing::warn!(%error, "cannot end an upload session");
        }
    }

    /// The same after a refusal. If it had ended already, with its login or for another session, its bytes went while
    /// they were needed, and that is what its client is told.
    pub(super) async fn give_up_for(&self, refusal: Refusal) -> Refusal {
        let has_ended = self.has_ended().await;
        self.give_up().await;
        if has_ended { OciError::blob_upload_unknown().into() } else { refusal }
    }

    fn owner(&self) -> UploadOwner {
        owner(self.context, self.repository)
    }
}

/// How long a request waits for another that writes to the same session, such as one whose connection was cut and which
/// has not noticed yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// Claims a session; `None` if whoever has it keeps it.
async fn claim(context: &Context<'_>, id: &str) -> Result<Option<Held>> {
    Ok(context.app.claims.wait_for(Work::Upload(id.to_owned()), PATIENCE).await?)
}

/// What a request is told whose session another one writes to.
fn taken() -> Refusal {
    OciError::blob_upload_range("another request is writing to this upload; ask for its status").into()
}

/// Discards what is staged under a key, if that can be done.
pub(super) async fn discard(context: &Context<'_>, key: ContentKey) {
    if let Err(error) = context.app.blocking(move |blobs| blobs.discard_staged(&key)).await {
        // The next start sweeps it up.
        tracing::warn!(%error, "cannot discard staged content");
    }
}

/// Finds the row of a session that goes on.
async fn find(context: &Context<'_>, repository: &RepositoryName, id: &str) -> Result<UploadSession> {
    let found = context.app.metadata.upload(&owner(context, repository), id).await?;
    let now = context.app.clock.steady();
    let lifetime = context.app.limits.upload;
    let goes_on = |found: &UploadSession| !lifetime.is_over(found.created_at, found.touched_at, now);
    found.filter(goes_on).ok_or_else(|| OciError::blob_upload_unknown().into())
}

/// Who the caller's sessions in this repository belong to.
pub(super) fn owner(context: &Context<'_>, repository: &RepositoryName) -> UploadOwner {
    UploadOwner {
        tenant: context.grant.tenant.clone(),
        repository: repository.clone(),
        owner: context.grant.owner.clone(),
    }
}

fn state(hasher: &Hasher) -> Vec<u8> {
    hasher.state().unwrap_or_default()
}
