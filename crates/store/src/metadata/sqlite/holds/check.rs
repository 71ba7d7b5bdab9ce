//! Rows that contradict the list of edges, and how they are set right.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::closure::Extent;
use super::walk::{Part, PartKind, explain};
use super::{Texts, closure};
use crate::Result;
use crate::metadata::sqlite::image_names;

/// Manifests and repositories' blobs whose column `held` is not as the edges say.
pub(crate) fn wrong_holds(connection: &Connection) -> Result<Vec<String>> {
    const WHERE: &str = "t.account || ' ' || t.region || ', ' || r.name || '@' ||";
    let texts = Texts::get();
    let mut found = Vec::new();
    let manifests = format!(
        "SELECT {WHERE} m.digest, m.id
         FROM manifests m CROSS JOIN repositories r CROSS JOIN tenants t
         WHERE r.id = m.repository AND t.id = r.tenant AND m.held <> {}",
        texts.manifest_is_held
    );
    let mut select = connection.prepare(&manifests)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (what, manifest): (String, i64) = (row.get(0)?, row.get(1)?);
        found.push(match explain(connection, manifest)?.as_slice() {
            [] => format!("{what} counts as held, and nothing holds it"),
            holders => format!("{what} counts as not held, and is by: {}", holders.join(", ")),
        });
    }
    let links = format!(
        "SELECT {WHERE} b.digest
         FROM blob_links l CROSS JOIN blobs b CROSS JOIN repositories r CROSS JOIN tenants t
         WHERE b.id = l.blob AND r.id = l.repository AND t.id = r.tenant AND l.held <> {}",
        texts.link_is_held
    );
    let mut select = connection.prepare(&links)?;
    for what in select.query_map([], |row| row.get::<_, String>(0))? {
        found.push(what?);
    }
    Ok(found)
}

/// Sets every column `held` as the edges say.
pub(crate) fn mend_holds(connection: &Connection) -> Result<()> {
    let Texts { manifest_is_held, link_is_held, .. } = Texts::get();
    connection.execute_batch(&format!(
        "UPDATE manifests AS m SET held = {manifest_is_held} WHERE m.held <> {manifest_is_held};
         UPDATE blob_links AS l SET held = NOT l.held
         WHERE EXISTS (SELECT 1 FROM blobs b WHERE b.id = l.blob AND l.held <> {link_is_held});"
    ))?;
    Ok(())
}

/// A registered image whose parts are not all there, or not all kept as its contents.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// A manifest needs what its repository has not.
    Dangling(String),
    /// The kept contents are not those that its manifests name.
    WrongContents(String),
}

/// Looks through every registration; a flaw comes with its image's name.
pub(crate) fn flaws(connection: &Connection) -> Result<Vec<(String, Flaw)>> {
    let mut flaws = Vec::new();
    for image in registrations(connection)? {
        let found = closure::contents(connection, image.manifest, Extent::All)?;
        for (holder, Part { digest, kind }) in &found.missing {
            let kind = match kind {
                // Its bytes are the scrub's business.
                PartKind::Blob { .. } => continue,
                PartKind::AbsentBlob => "blob",
                PartKind::Manifest(_) => "manifest",
            };
            let sql = "SELECT digest FROM manifests WHERE id = ?1";
            let holder: String = connection.prepare_cached(sql)?.query_row([holder], |row| row.get(0))?;
            flaws.push((image.name(connection)?, Flaw::Dangling(format!("{holder} needs {kind} {digest}"))));
        }
        let manifests = found.manifests.iter().map(|(manifest, _)| *manifest).collect();
        let blobs = found.blobs.iter().copied().collect();
        if kept(connection, "SELECT manifest FROM image_manifests", &image)? != manifests
            || kept(connection, "SELECT blob FROM image_blobs", &image)? != blobs
        {
            flaws.push((image.name(connection)?, Flaw::WrongContents(image.digest)));
        }
    }
    Ok(flaws)
}

/// Keeps the contents of every registration anew, as far as they are there.
pub(crate) fn mend_contents(connection: &Connection) -> Result<()> {
    connection.execute_batch("DELETE FROM image_manifests; DELETE FROM image_blobs")?;
    for Image { service, number, manifest, .. } in registrations(connection)? {
        let contents = closure::contents(connection, manifest, Extent::All)?;
        closure::keep(connection, (service, number), &contents)?;
    }
    Ok(())
}

struct Image {
    service: i64,
    number: i64,
    manifest: i64,
    digest: String,
}

impl Image {
    fn name(&self, connection: &Connection) -> Result<String> {
        image_names::of_image(connection, self.service, self.number)
    }
}

fn registrations(connection: &Connection) -> Result<Vec<Image>> {
    let mut select = connection.prepare("SELECT service, number, manifest, digest FROM container_images")?;
    let images = select.query_map([], |row| {
        let (service, number, manifest) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Image { service, number, manifest, digest: row.get(3)? })
    })?;
    Ok(images.collect::<rusqlite::Result<_>>()?)
}

fn kept(connection: &Connection, select: &str, image: &Image) -> Result<BTreeSet<i64>> {
    let mut select = connection.prepare_cached(&format!("{select} WHERE service = ?1 AND number = ?2"))?;
    let ids = select.query_map([image.service, image.number], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}
