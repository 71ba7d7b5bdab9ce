//! Receives a whole blob in one request. A small blob is gathered in memory. A larger one, or one for which
//! memory has no room, is staged like an upload in chunks. It counts as an open upload meanwhile.

use gangplank_oci::{Digest, RepositoryName};
use gangplank_store::blobs::{Checkpoint, ContentKey};
use hyper::body::Incoming;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::ingest::{BeforeStaging, Ingested, Then, ingest};
use super::publish::{Complete, publish};
use super::upload_append::touching;
use super::upload_session::{Session, cancel};
use super::{Context, Result};

/// A session that is only opened once the blob needs one.
struct LateSession<'a> {
    context: &'a Context<'a>,
    repository: &'a RepositoryName,
    key: ContentKey,
    digest: &'a Digest,
    session: OnceCell<Session<'a>>,
}

impl BeforeStaging for LateSession<'_> {
    async fn provide(&self) -> Result<()> {
        let open = async || {
            self.context.confirm().await?;
            Session::open(self.context, self.repository, self.key.clone(), self.digest.algorithm()).await
        };
        self.session.get_or_try_init(open).await.map(drop)
    }

    async fn note(&self, progress: Checkpoint) -> Result<()> {
        match self.session.get() {
            Some(session) => session.advance(progress).await,
            None => Ok(()),
        }
    }

    async fn has_ended(&self) -> bool {
        match self.session.get() {
            Some(session) => session.has_ended().await,
            None => false,
        }
    }
}

/// Receives the blob and stores it.
pub(super) async fn store(
    context: &Context<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    body: Incoming,
) -> Result<()> {
    let key = ContentKey::unused();
    let late = LateSession { context, repository, key: key.clone(), digest, session: OnceCell::new() };
    let stored = async {
        let ended = CancellationToken::new();
        let writer = context.app.blobs.writer(&key, &Checkpoint::beginning(digest.algorithm()))?;
        let ingesting = ingest(context, writer, body, None, Then::Commits, &late, &ended);
        let Ingested { writer, cut, room: _room } =
            touching(context.app, || late.session.get(), &ended, ingesting).await?;
        if let Some(cut) = cut {
            return Err(cut.refusal(context.app).into());
        }
        context.confirm().await?;
        let session = late.session.get();
        publish(context, repository, digest, Complete { key: key.clone(), writer, session }).await
    };
    let Err(refusal) = stored.await else { return Ok(()) };
    Err(match late.session.get() {
        // No client knows the session, so nobody would continue it.
        Some(session) => session.end_for(refusal).await,
        None => {
            cancel(context, &key, &Checkpoint::beginning(digest.algorithm())).await;
            refusal
        }
    })
}
