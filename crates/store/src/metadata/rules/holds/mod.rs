//! What holds what. The rule stands once, as the list [`EDGES`]; everything else here follows from it.
//!
//! A registration holds its manifest, and so does a deployment that runs or is to run one. An index holds its
//! children, a subject the manifests about it, a manifest its blobs. A tag holds nothing, since tags are moved and
//! forgotten. Collection takes only what no edge leads to.
//!
//! - [`keep`]: the columns `held`, kept by each transaction that makes or ends an edge;
//! - [`walk`]: what stands above and below a manifest, and what keeps it;
//! - [`closure`]: all that a registered image is made of, kept in `image_manifests` and `image_blobs`;
//! - [`check`]: rows that contradict all this.

pub(crate) mod check;
pub(crate) mod closure;
pub(crate) mod keep;
pub(crate) mod texts;
pub(crate) mod walk;

pub(crate) use texts::Texts;

/// Where an edge starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// At a root: nothing holds it, and it ends only when somebody says so.
    Root,
    /// At a manifest, whose id is in this column of the edge's row.
    Manifest(&'static str),
}

/// Where an edge leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// To the manifest `m` of which this is true.
    Manifest(&'static str),
    /// To the repository's blob `l`, with its content `b`, of which this is true.
    Blob(&'static str),
}

/// What the held thing is to the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The image that was named.
    Named,
    /// A part of it, without which it cannot be pulled.
    Part,
    /// Something about it, which hangs on it.
    Attached,
}

/// One way of holding. Its rows are called `e` in the conditions.
#[derive(Debug)]
struct Edge {
    /// What people call the holder.
    name: &'static str,
    /// The table that has a row for each edge.
    table: &'static str,
    holder: Holder,
    held: Held,
    role: Role,
}

/// Every way in which something is held. A new kind of holder is one more entry.
///
/// The rows of an edge to parts have the columns `repository` and `digest`, which name the part.
const EDGES: [Edge; 5] = [
    Edge {
        name: "registration",
        table: "container_images",
        holder: Holder::Root,
        held: Held::Manifest("e.manifest = m.id"),
        role: Role::Named,
    },
    Edge {
        name: "deployment",
        table: "deployment_manifests",
        holder: Holder::Root,
        held: Held::Manifest("e.manifest = m.id"),
        role: Role::Named,
    },
    Edge {
        name: "index",
        table: "manifest_children",
        holder: Holder::Manifest("e.manifest"),
        held: Held::Manifest("e.repository = m.repository AND e.digest = m.digest"),
        role: Role::Part,
    },
    Edge {
        name: "subject",
        table: "manifests",
        holder: Holder::Manifest("e.id"),
        held: Held::Manifest("e.repository = m.repository AND e.digest = m.subject"),
        role: Role::Attached,
    },
    Edge {
        name: "manifest",
        table: "manifest_blobs",
        holder: Holder::Manifest("e.manifest"),
        held: Held::Blob("e.repository = l.repository AND e.digest = b.digest"),
        role: Role::Part,
    },
];
