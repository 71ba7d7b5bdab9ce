//! Takes blobs from repositories, and discards the content that no repository has any more.

use gangplank_core::{EventKind, Tenant, Time};
use gangplank_oci::{Digest, RepositoryName};

use super::find_link;
use crate::Result;
use crate::metadata::blobs::BlobDeleted;
use crate::metadata::rules::audit::Note;
use crate::metadata::rules::usage::Usage;
use crate::metadata::rules::{content_keys, holds, rows};
use crate::metadata::store::Outcome;
use crate::metadata::tx::{Level, Lock, Tx, values};

pub(super) fn delete(
    tx: &dyn Tx,
    tenant: &Tenant,
    name: &RepositoryName,
    digest: &Digest,
    now: Time,
) -> Result<Outcome<BlobDeleted>> {
    let Some(repository) = rows::lock_repository(tx, tenant, name, Lock::Update)? else {
        return Ok(Outcome::Unchanged(BlobDeleted::NoSuchBlob));
    };
    let Some(link) = find_link(tx, tenant, name, digest, None)? else {
        return Ok(Outcome::Unchanged(BlobDeleted::NoSuchBlob));
    };
    if holds::closure::needs_blob(tx, repository.id, link.blob)? {
        return Ok(Outcome::Unchanged(BlobDeleted::Registered));
    }
    lock_contents(tx, [link.blob], Lock::Update)?;
    let mut usage = Usage::default();
    unlink(tx, &[(repository.id, link.blob)], tx.steady(now)?, &mut usage)?;
    usage.write(tx, repository.tenant)?;
    let note = Note::of(EventKind::BlobDeleted, tenant).repository(name).digest(digest);
    Ok(Outcome::Changed(BlobDeleted::Deleted, note))
}

/// Locks contents, given in ascending order, and returns those that exist. With [`Lock::SkipLocked`], contents
/// that another transaction has locked are left out.
pub(crate) fn lock_contents(
    tx: &dyn Tx,
    blobs: impl IntoIterator<Item = i64>,
    lock: Lock,
) -> Result<Vec<i64>> {
    let (blobs, mut found) = (blobs.into_iter().map(Into::into).collect::<Vec<_>>(), Vec::new());
    tx.lock_each((Level::Blob, lock), "SELECT id FROM blobs WHERE id = ?1", 1, &blobs, &mut |_, row| {
        found.push(row.get(0)?);
        Ok(())
    })?;
    Ok(found)
}

/// Removes blobs from repositories of one tenant, and discards the bytes that no repository has any more.
/// Returns how many contents were discarded, and their bytes. The repositories and the contents must be locked
/// with `Update`.
pub(crate) fn unlink(tx: &dyn Tx, links: &[(i64, i64)], now: Time, usage: &mut Usage) -> Result<(u64, u64)> {
    let each = || links.iter().map(|(repository, blob)| values![*repository, *blob]);
    tx.post_each("DELETE FROM blob_puts WHERE repository = ?1 AND blob = ?2", each())?;
    tx.post_each("DELETE FROM blob_links WHERE repository = ?1 AND blob = ?2", each())?;
    let (contents, bytes) = forget_unlinked(tx, links.iter().map(|(_, blob)| *blob), now)?;
    usage.remove_content(bytes)?;
    Ok((contents, bytes))
}

/// Deletes the given contents that no repository has, and discards their bytes. Returns how many contents were
/// discarded, and their bytes. They must be locked with `Update`.
pub(crate) fn forget_unlinked(
    tx: &dyn Tx,
    blobs: impl IntoIterator<Item = i64>,
    now: Time,
) -> Result<(u64, u64)> {
    let forgotten = tx.find_each(
        "DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM blob_links WHERE blob = ?1)
         RETURNING size, key",
        blobs.into_iter().map(|blob| values![blob]),
        |row| Ok((rows::unsigned(row.get(0)?)?, content_keys::read(row.text(1)?)?)),
    )?;
    let (mut contents, mut bytes) = (0, 0);
    for (size, _) in forgotten.iter().flatten() {
        contents += 1;
        bytes += size;
    }
    content_keys::discard(tx, forgotten.iter().flatten().map(|(_, key)| key), now)?;
    Ok((contents, bytes))
}
