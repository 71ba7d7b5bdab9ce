//! Finds and repairs rows that contradict the list of edges.

use std::collections::BTreeSet;

use gangplank_core::ServiceId;
use gangplank_oci::Digest;

use super::closure::Extent;
use super::walk::{Part, PartKind, explain};
use super::{Texts, closure};
use crate::Result;
use crate::metadata::rules::image_names;
use crate::metadata::tx::{Query, Row, Tx, values};

/// Manifests and links whose column `held` contradicts the edges.
pub(crate) fn wrong_holds(tx: &dyn Tx) -> Result<Vec<String>> {
    let (texts, mut found) = (Texts::get(), Vec::new());
    let manifests = format!(
        "SELECT t.account, t.region, r.name, m.digest, m.id
         FROM manifests m CROSS JOIN repositories r CROSS JOIN tenants t
         WHERE r.id = m.repository AND t.id = r.tenant AND m.held <> {}",
        texts.manifest_held
    );
    let read = |row: &Row<'_>| Ok((place(row)?, row.get::<i64>(4)?));
    for (what, manifest) in tx.all(&Query::new(&manifests, values![], read))? {
        found.push(match explain(tx, manifest)?.as_slice() {
            [] => format!("{what} counts as held, and nothing holds it"),
            holders => format!("{what} counts as not held, and is by: {}", holders.join(", ")),
        });
    }
    let links = format!(
        "SELECT t.account, t.region, r.name, b.digest
         FROM blob_links l CROSS JOIN blobs b CROSS JOIN repositories r CROSS JOIN tenants t
         WHERE b.id = l.blob AND r.id = l.repository AND t.id = r.tenant AND l.held <> {}",
        texts.link_held
    );
    found.append(&mut tx.all(&Query::new(&links, values![], place))?);
    Ok(found)
}

/// Reads `account, region, repository, digest`, the first four columns.
fn place(row: &Row<'_>) -> Result<String> {
    Ok(format!("{} {}, {}@{}", row.text(0)?, row.text(1)?, row.text(2)?, row.get::<Digest>(3)?))
}

/// Sets every column `held` from the edges. Nobody else may change edges meanwhile.
pub(crate) fn mend_holds(tx: &dyn Tx) -> Result<()> {
    Texts::get().refresh_all.iter().try_for_each(|text| tx.post(text, values![]))
}

/// A registered image that lacks a part, or whose recorded contents are wrong.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// A manifest references something that its repository does not have.
    Dangling(String),
    /// The recorded contents differ from those that its manifests name.
    WrongContents(String),
}

/// Checks every registration. Each flaw comes with the image's name.
pub(crate) fn flaws(tx: &dyn Tx) -> Result<Vec<(String, Flaw)>> {
    let mut flaws = Vec::new();
    for image in registrations(tx)? {
        let found = closure::contents(tx, image.manifest, Extent::All)?;
        for (holder, Part { digest, kind }) in &found.missing {
            let kind = match kind {
                // The scrub looks for damaged bytes.
                PartKind::Blob { .. } => continue,
                PartKind::AbsentBlob => "blob",
                PartKind::Manifest(_) => "manifest",
            };
            let of = Query::column("SELECT digest FROM manifests WHERE id = ?1", values![*holder]);
            let holder: Digest = tx.one(&of)?;
            flaws.push((image.name(tx)?, Flaw::Dangling(format!("{holder} needs {kind} {digest}"))));
        }
        let manifests = found.manifests.iter().map(|(manifest, _)| *manifest).collect();
        let blobs = found.blobs.iter().copied().collect();
        let kept_manifests = "SELECT manifest FROM image_manifests WHERE service = ?1 AND number = ?2";
        let kept_blobs = "SELECT blob FROM image_blobs WHERE service = ?1 AND number = ?2";
        if image.kept(tx, kept_manifests)? != manifests || image.kept(tx, kept_blobs)? != blobs {
            flaws.push((image.name(tx)?, Flaw::WrongContents(image.digest.to_string())));
        }
    }
    Ok(flaws)
}

/// Records the contents of every registration again, without missing parts. Nobody else may change them
/// meanwhile.
pub(crate) fn mend_contents(tx: &dyn Tx) -> Result<()> {
    tx.post("DELETE FROM image_manifests", values![])?;
    tx.post("DELETE FROM image_blobs", values![])?;
    for Image { service, number, manifest, .. } in registrations(tx)? {
        let contents = closure::contents(tx, manifest, Extent::All)?;
        closure::keep(tx, (service, number), &contents)?;
    }
    Ok(())
}

struct Image {
    service: ServiceId,
    number: i64,
    manifest: i64,
    digest: Digest,
}

impl Image {
    fn name(&self, tx: &dyn Tx) -> Result<String> {
        image_names::of_image(tx, self.service.0, self.number)
    }

    /// The recorded parts, read by the query `text`.
    fn kept(&self, tx: &dyn Tx, text: &str) -> Result<BTreeSet<i64>> {
        Ok(tx.all(&Query::column(text, values![self.service, self.number]))?.into_iter().collect())
    }
}

fn registrations(tx: &dyn Tx) -> Result<Vec<Image>> {
    tx.all(&Query::new("SELECT service, number, manifest, digest FROM container_images", values![], |row| {
        let (service, number, manifest) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Image { service, number, manifest, digest: row.get(3)? })
    }))
}
