//! Manifests: put, read and deleted.

use gangplank_core::Access;
use gangplank_core::quotas::MAX_HUNG;
use gangplank_oci::media_type::is_foreign_layer;
use gangplank_oci::{
    Algorithm, Descriptor, Digest, ErrorCode, ManifestView, OciError, Reference, RepositoryName, Tag,
    location,
};
use gangplank_store::metadata::manifests::{ManifestDeleted, ManifestOutcome, NewManifest, StoredManifest};
use gangplank_store::metadata::registry_logins::Push;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, LOCATION};

use super::refusal::Refusal;
use super::room::require_left;
use super::{CONTENT_DIGEST, Context, Result, readable};
use crate::app::App;
use crate::http::large_answers::FREE;
use crate::http::response::Answer;
use crate::http::small_body::Unread;
use crate::pulls::Pull;

/// The refusal if a push login asks for a manifest that it did not put itself.
const OWN_ALONE: &str = "a push login sees only what it put itself";

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// `HEAD …/manifests/<reference>`.
pub(super) async fn head(
    context: &Context<'_>,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Answer> {
    let manifest = readable::manifest(context, repository, reference).await?;
    let manifest = manifest.ok_or_else(|| unknown(context))?;
    let length = manifest.body.len() as u64;
    Ok(described(&manifest).header(CONTENT_TYPE, &manifest.media_type).content_length(length))
}

/// `GET …/manifests/<reference>`: the same bytes that were put.
pub(super) async fn get(
    context: &Context<'_>,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Answer> {
    let find = || readable::manifest(context, repository, reference);
    let mut found = find().await?;
    let length = found.as_ref().map_or(0, |manifest| manifest.body.len());
    let mut room = None;
    if length > FREE {
        let (answers, login) = (&context.app.large_answers, context.grant.login);
        room = answers.take(login, length);
        if room.is_none() {
            // A request that waits must not hold the memory for which it waits.
            drop(found);
            room = Some(answers.wait(login, length).await.ok_or_else(Refusal::busy)?);
            found = find().await?;
        }
    }
    let manifest = found.ok_or_else(|| not_readable(context, reference))?;
    note_pull(context, repository, reference, &manifest);
    let answer = described(&manifest);
    let StoredManifest { media_type, body, .. } = manifest;
    Ok(match room {
        Some(room) => answer.body(&media_type, room.of(body)),
        None => answer.body(&media_type, body),
    })
}

/// The answer if a manifest does not exist or may not be read. A push login is not told which of the two.
fn not_readable(context: &Context<'_>, reference: &Reference) -> Refusal {
    if context.access != Access::OwnManifests {
        return OciError::manifest_unknown().into();
    }
    match reference {
        // A client that asks for a tag wants to pull. Only a tag about a manifest, such as the tag of a signature, is
        // asked for before a push.
        Reference::Tag(tag) if !tag.is_about_a_manifest() => context.deny(),
        // Clients ask for these while they push. They continue when the answer says that nothing is there.
        _ => {
            context.count_refusal(OWN_ALONE);
            unknown(context).into()
        }
    }
}

fn unknown(context: &Context<'_>) -> OciError {
    let unknown = OciError::manifest_unknown();
    if context.access == Access::OwnManifests { unknown.because(OWN_ALONE) } else { unknown }
}

/// Records a pull: a login that may pull was given a manifest.
fn note_pull(
    context: &Context<'_>,
    repository: &RepositoryName,
    reference: &Reference,
    manifest: &StoredManifest,
) {
    let Context { app, grant, .. } = context;
    let Ok(digest) = Digest::parse(&manifest.digest) else { return };
    let tag = match reference {
        Reference::Tag(tag) => Some(tag.as_str()),
        Reference::Digest(_) => None,
    };
    if grant.scope.pull {
        let pull = Pull { tenant: &grant.tenant, repository: repository.as_str(), digest, tag };
        app.pulls.note(grant.login, &pull, || context.origin());
    }
}

/// `PUT …/manifests/<reference>`.
pub(super) async fn put(
    context: &Context<'_>,
    repository: &RepositoryName,
    reference: Reference,
    mut tags: Vec<Tag>,
    body: Incoming,
) -> Result<Answer> {
    let Context { app, grant, peer, head, .. } = context;
    let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let read =
        app.small_bodies.read(grant.login, body, app.limits.manifest_bytes, app.limits.body_stall).await;
    let mut read = read.map_err(|reason| unread(app, reason))?;
    // `read` itself stays alive, because it holds the room for the body until the manifest is stored.
    let body = std::mem::take(&mut read.bytes);
    context.confirm().await?;
    let digest = match &reference {
        Reference::Digest(expected) => {
            let computed = Digest::of(expected.algorithm(), &body);
            if computed != *expected {
                return Err(OciError::digest_mismatch(expected, &computed).into());
            }
            computed
        }
        Reference::Tag(_) => Digest::of(Algorithm::Sha256, &body),
    };
    // The manifest goes into the database. Deletions need space there, too, so some has to stay free.
    app.blobs.require(body.len() as u64).await?;
    require_left(context, body.len() as u64).await?;
    let view =
        ManifestView::parse_within(&app.limits.manifest, &body, content_type).map_err(OciError::from)?;
    let subject = view.subject.as_ref().map(|subject| subject.digest);
    // Only tags in parameters are acknowledged. Every client expects a tag in the path to work.
    let acknowledged: Vec<String> = tags.iter().map(ToString::to_string).collect();
    if let Reference::Tag(tag) = reference {
        tags.push(tag);
    }
    let elsewhere: Vec<Digest> =
        view.blobs.iter().filter(|it| is_elsewhere(it)).map(|it| it.digest).collect();
    let pushed_by = context.pusher().map(|_| grant.owner.clone());
    // A push login must push these layers, too. Otherwise it could send machines that pull to an address of its
    // choice.
    let may_be_absent = if grant.scope.pull { elsewhere.clone() } else { Vec::new() };
    let (now, lease) = (app.clock.now(), app.leases.renewal(app.clock.steady()));
    let max_depth = app.limits.index_depth;
    let manifest = NewManifest {
        digest,
        body,
        view,
        may_be_absent,
        pushed_by,
        max_depth,
        quotas: app.quotas,
        tags,
        now,
        lease,
    };
    let outcome = app.metadata.put_manifest(&context.origin(), &grant.tenant, repository, manifest).await?;
    refuse_unless_stored(context, outcome, &elsewhere)?;
    app.login_use.pushed(grant.login, Push { at: now, address: *peer });
    context.record.has_changed(Some(digest));
    let mut answer = Answer::new(StatusCode::CREATED)
        .header(LOCATION, location::manifest(repository, &Reference::Digest(digest)))
        .header(CONTENT_DIGEST, digest.to_string());
    if let Some(subject) = subject {
        answer = answer.header(OCI_SUBJECT, subject.to_string());
    }
    Ok(acknowledged.iter().fold(answer, |answer, tag| answer.header(OCI_TAG, tag)))
}

/// `DELETE …/manifests/<reference>`: a tag, or a manifest with all its tags.
pub(super) async fn delete(
    context: &Context<'_>,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Answer> {
    let grant = context.grant;
    match reference {
        Reference::Tag(tag) => {
            if !context.app.metadata.delete_tag(&context.origin(), &grant.tenant, repository, tag).await? {
                return Err(OciError::manifest_unknown().into());
            }
        }
        Reference::Digest(digest) => {
            let (origin, now) = (context.origin(), context.app.clock.steady());
            match context
                .app
                .metadata
                .delete_manifest(&origin, &grant.tenant, repository, digest, now)
                .await?
            {
                ManifestDeleted::Deleted => {}
                ManifestDeleted::NoSuchManifest => return Err(OciError::manifest_unknown().into()),
                ManifestDeleted::Registered => {
                    let message = "the manifest is registered on a container service; delete the image first";
                    return Err(OciError::denied(message).into());
                }
            }
        }
    }
    context.record.has_changed(reference.digest().copied());
    Ok(Answer::new(StatusCode::ACCEPTED))
}

/// The refusal for a manifest whose body could not be read.
fn unread(app: &App, unread: Unread) -> Refusal {
    match unread {
        Unread::TooLong { .. } => OciError::manifest_too_large(app.limits.manifest_bytes).into(),
        Unread::Stalled => OciError::new(ErrorCode::ManifestInvalid, 408, "the body stopped coming").into(),
        Unread::Broken => OciError::manifest_invalid("the body ended early").into(),
        Unread::NoRoom => Refusal::busy(),
    }
}

/// Whether a layer is nondistributable: its media type says so, or `urls` says where to get it. A login that
/// copies whole repositories may name such a layer without its bytes.
fn is_elsewhere(blob: &Descriptor) -> bool {
    !blob.urls.is_empty() || is_foreign_layer(&blob.media_type)
}

fn refuse_unless_stored(context: &Context<'_>, outcome: ManifestOutcome, elsewhere: &[Digest]) -> Result<()> {
    Err(match outcome {
        ManifestOutcome::Stored => return Ok(()),
        ManifestOutcome::BlobUnknown(digest) if elsewhere.contains(&digest) => {
            OciError::manifest_blob_unknown(&digest).because(
                "it is a foreign (nondistributable) layer, which a push login may not leave elsewhere; push its \
                 content too (Docker: allow-nondistributable-artifacts), or copy the image with an operator's login",
            )
        }
        ManifestOutcome::ChildUnknown(digest) if context.pusher().is_some() => {
            OciError::manifest_blob_unknown(&digest)
                .because("a push login sees only the manifests that its own access key put")
        }
        ManifestOutcome::BlobUnknown(digest) | ManifestOutcome::ChildUnknown(digest) => {
            OciError::manifest_blob_unknown(&digest)
        }
        ManifestOutcome::SizeMismatch(digest) => {
            OciError::manifest_invalid(format!("the manifest gives {digest} a wrong size"))
        }
        ManifestOutcome::TooManyAbout(subject) => OciError::denied(format!(
            "push logins have put {MAX_HUNG} of the {MAX_HUNG} manifests that they may put about {subject}: delete \
             some, or use a login that may pull too"
        )),
        ManifestOutcome::TooDeep => OciError::manifest_invalid(format!(
            "indexes may nest {} deep at the most",
            context.app.limits.index_depth
        )),
    }
    .into())
}

fn described(manifest: &StoredManifest) -> Answer {
    Answer::new(StatusCode::OK).header(CONTENT_DIGEST, &manifest.digest)
}
