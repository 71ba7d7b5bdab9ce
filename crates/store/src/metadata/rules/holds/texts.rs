//! The SQL texts that follow from the list of edges, composed once.

use std::sync::LazyLock;

use super::{EDGES, Edge, Held, Holder, Role};

/// Statements and conditions. In conditions `m` is a manifest, `l` a link and `b` its content.
pub(crate) struct Texts {
    /// The value that `held` of the manifest `m` must have.
    pub(super) manifest_held: String,
    /// The value that `held` of the link `l` must have; its content is `b`.
    pub(super) link_held: String,
    /// After the manifest `?1` was inserted: marks everything that it holds as held. Marks the manifest, too,
    /// if something holds it.
    pub(super) hold: [String; 2],
    /// For each kind of edge that starts at a manifest and has a separate table: deletes the rows of the
    /// manifest `?1`.
    pub(super) end: Vec<String>,
    /// Sets `held` of the manifest `?1`.
    pub(super) refresh_manifest: String,
    /// Sets `held` of the link of the repository `?1` to the blob `?2`.
    pub(super) refresh_link: String,
    /// Sets `held` of all manifests, and of all links.
    pub(super) refresh_all: [String; 2],
    /// Whether an edge leads to the manifest `?1`.
    pub(super) is_manifest_held: String,
    /// Whether an edge leads to the link of the repository `?1` to the blob `?2`.
    pub(super) is_link_held: String,
    /// How many rows of edges the manifest `m` has.
    pub(crate) edges_of_manifest: String,
    /// Adds the blob `?2` to the repository `?1`, leased at `?3`. An existing link keeps a later lease.
    pub(super) put_link: String,
    /// Renews leases of `?3` or earlier to `?2`, on everything that the manifest `?1` holds.
    pub(crate) renew_below: [String; 2],
    /// When the manifest `?1` was leased, and whether a root holds it.
    pub(super) kept_by_itself: String,
    /// For each edge from a manifest to manifests: the ids of the manifests that `?1` holds.
    pub(super) manifests_below: Vec<String>,
    /// For each edge from a manifest to blobs: repository and blob of the links that `?1` holds.
    pub(super) links_below: Vec<String>,
    /// The ids of the manifests that hold the manifest `?1`.
    pub(super) manifests_above: String,
    /// The ids of the manifests that hold the link of the repository `?1` to the blob `?2`.
    pub(super) manifests_above_link: String,
    /// For each edge to child manifests: the digests of the children of `?1`, and their ids if they exist.
    pub(super) children: Vec<String>,
    /// For each edge to blobs: the digests of the blobs of `?1`, and, if the repository has them, their ids and
    /// whether they are damaged.
    pub(super) blobs: Vec<String>,
    /// For each edge to a manifest: the name of its kind of holder, and a query that tells whether one holds the
    /// manifest `?1`.
    pub(super) names: Vec<(&'static str, String)>,
}

impl Texts {
    /// The texts, composed at the first call.
    pub(crate) fn get() -> &'static Self {
        static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::new);
        &TEXTS
    }

    fn new() -> Self {
        const RENEW: &str = "SET leased_at = ?2 WHERE leased_at < ?2 AND leased_at <= ?3 AND";
        let manifest_is_held = any(to_manifests().map(|(edge, on)| exists(edge, on)));
        let manifest_held = as_number(&manifest_is_held);
        let link_is_held = any(to_blobs().map(|(edge, on)| exists(edge, on)));
        let link_held = as_number(&link_is_held);
        let linked = format!("EXISTS (SELECT 1 FROM blobs b WHERE b.id = l.blob AND {link_is_held})");
        // Only rows whose value is wrong are written.
        let refresh_manifests =
            format!("UPDATE manifests AS m SET held = 1 - m.held WHERE m.held <> {manifest_held}");
        let refresh_links =
            format!("UPDATE blob_links AS l SET held = 1 - l.held WHERE l.held <> {}", as_number(&linked));
        let is_rooted = any(to_manifests()
            .filter(|(edge, _)| edge.holder == Holder::Root)
            .map(|(edge, on)| exists(edge, on)));
        let manifests_below: Vec<_> =
            to_manifests().filter_map(|(edge, on)| manifests_below(edge, on)).collect();
        let links_below: Vec<_> = to_blobs().filter_map(|(edge, on)| links_below(edge, on)).collect();
        let (ids_below, keys_below) = (manifests_below.join(" UNION ALL "), links_below.join(" UNION ALL "));
        let itself = format!("SELECT m.id FROM manifests m WHERE m.id = ?1 AND {manifest_is_held}");
        Self {
            // The condition is not `held = 0`: to find these few rows, PostgreSQL would walk the index of all rows
            // that are not held.
            hold: [
                format!(
                    "UPDATE manifests SET held = 1 WHERE held <> 1 AND id IN ({ids_below} UNION ALL {itself})"
                ),
                format!(
                    "UPDATE blob_links SET held = 1 WHERE held <> 1 AND (repository, blob) IN ({keys_below})"
                ),
            ],
            end: EDGES.iter().filter_map(end).collect(),
            refresh_manifest: format!("{refresh_manifests} AND m.id = ?1"),
            refresh_link: format!("{refresh_links} AND l.repository = ?1 AND l.blob = ?2"),
            refresh_all: [refresh_manifests, refresh_links],
            is_manifest_held: format!("SELECT {manifest_is_held} FROM manifests m WHERE m.id = ?1"),
            is_link_held: format!(
                "SELECT {linked} FROM blob_links l WHERE l.repository = ?1 AND l.blob = ?2"
            ),
            edges_of_manifest: EDGES.iter().filter_map(count).collect::<Vec<_>>().join(" + "),
            put_link: format!(
                "INSERT INTO blob_links (repository, blob, leased_at, held)
                 SELECT l.repository, l.blob, CAST(?3 AS BIGINT), {link_held}
                 FROM (SELECT CAST(?1 AS BIGINT) AS repository, CAST(?2 AS BIGINT) AS blob) AS l
                 CROSS JOIN blobs b WHERE b.id = l.blob
                 ON CONFLICT (repository, blob) DO UPDATE SET leased_at = excluded.leased_at
                 WHERE blob_links.leased_at < excluded.leased_at"
            ),
            renew_below: [
                format!("UPDATE manifests {RENEW} id IN ({ids_below})"),
                format!("UPDATE blob_links {RENEW} (repository, blob) IN ({keys_below})"),
            ],
            kept_by_itself: format!("SELECT m.leased_at, {is_rooted} FROM manifests m WHERE m.id = ?1"),
            manifests_above: above("manifests m", "m.id = ?1", to_manifests()),
            manifests_above_link: above(
                "blob_links l CROSS JOIN blobs b",
                "l.repository = ?1 AND l.blob = ?2 AND b.id = l.blob",
                to_blobs(),
            ),
            children: to_manifests().filter_map(|(edge, on)| children(edge, on)).collect(),
            blobs: to_blobs().filter_map(|(edge, _)| blobs(edge)).collect(),
            names: to_manifests()
                .map(|(edge, on)| {
                    let held = exists(edge, on);
                    (edge.name, format!("SELECT {held} FROM manifests m WHERE m.id = ?1"))
                })
                .collect(),
            manifest_held,
            link_held,
            manifests_below,
            links_below,
        }
    }
}

fn end(edge: &Edge) -> Option<String> {
    let (table, holder) = own_rows(edge)?;
    Some(format!("DELETE FROM {table} WHERE {holder} = ?1"))
}

fn count(edge: &Edge) -> Option<String> {
    let (table, holder) = own_rows(edge)?;
    Some(format!("(SELECT count(*) FROM {table} WHERE {holder} = m.id)"))
}

/// The table and the holder's column of an edge. An edge from a subject is the row of the manifest about it, so
/// it has no row of its own.
fn own_rows(edge: &Edge) -> Option<(&'static str, &'static str)> {
    let (table, holder) = (edge.table, edge.holder_column()?);
    (table != "manifests").then(|| (table, holder.trim_start_matches("e.")))
}

impl Edge {
    fn holder_column(&self) -> Option<&'static str> {
        match self.holder {
            Holder::Root => None,
            Holder::Manifest(column) => Some(column),
        }
    }
}

/// The edges to manifests, each with the condition that it leads to `m`.
fn to_manifests() -> impl Iterator<Item = (&'static Edge, &'static str)> {
    EDGES.iter().filter_map(|edge| match edge.held {
        Held::Manifest(on) => Some((edge, on)),
        Held::Blob(_) => None,
    })
}

/// The edges to blobs, each with the condition that it leads to `l`.
fn to_blobs() -> impl Iterator<Item = (&'static Edge, &'static str)> {
    EDGES.iter().filter_map(|edge| match edge.held {
        Held::Blob(on) => Some((edge, on)),
        Held::Manifest(_) => None,
    })
}

fn any(conditions: impl Iterator<Item = String>) -> String {
    format!("({})", conditions.collect::<Vec<_>>().join(" OR "))
}

/// A condition as the number that columns have for it.
fn as_number(condition: &str) -> String {
    format!("CASE WHEN {condition} THEN 1 ELSE 0 END")
}

fn exists(Edge { table, .. }: &Edge, on: &str) -> String {
    format!("EXISTS (SELECT 1 FROM {table} e WHERE {on})")
}

fn manifests_below(edge: &Edge, on: &str) -> Option<String> {
    let (table, holder) = (edge.table, edge.holder_column()?);
    Some(format!("SELECT m.id FROM {table} e CROSS JOIN manifests m WHERE {holder} = ?1 AND {on}"))
}

fn links_below(edge: &Edge, on: &str) -> Option<String> {
    let (table, holder) = (edge.table, edge.holder_column()?);
    Some(format!(
        "SELECT l.repository, l.blob
         FROM {table} e CROSS JOIN repositories r CROSS JOIN blobs b CROSS JOIN blob_links l
         WHERE {holder} = ?1 AND r.id = e.repository AND b.tenant = r.tenant AND b.digest = e.digest
           AND l.repository = r.id AND l.blob = b.id AND {on}"
    ))
}

fn above(from: &str, what: &str, edges: impl Iterator<Item = (&'static Edge, &'static str)>) -> String {
    let holders = edges.filter_map(|(edge, on)| {
        let (table, holder) = (edge.table, edge.holder_column()?);
        Some(format!("SELECT {holder} FROM {from} CROSS JOIN {table} e WHERE {what} AND {on}"))
    });
    holders.collect::<Vec<_>>().join(" UNION ")
}

fn children(edge: &Edge, on: &str) -> Option<String> {
    let (table, holder) = (edge.table, edge.holder_column().filter(|_| edge.role == Role::Part)?);
    Some(format!("SELECT e.digest, m.id FROM {table} e LEFT JOIN manifests m ON {on} WHERE {holder} = ?1"))
}

fn blobs(edge: &Edge) -> Option<String> {
    let (table, holder) = (edge.table, edge.holder_column().filter(|_| edge.role == Role::Part)?);
    Some(format!(
        "SELECT e.digest, l.blob, b.damaged
         FROM {table} e CROSS JOIN repositories r
         LEFT JOIN blobs b ON b.tenant = r.tenant AND b.digest = e.digest
         LEFT JOIN blob_links l ON l.repository = r.id AND l.blob = b.id
         WHERE {holder} = ?1 AND r.id = e.repository"
    ))
}
