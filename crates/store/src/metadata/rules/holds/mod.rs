//! Which row keeps which other row. The list [`EDGES`] has the rule, and everything else here follows from it.
//!
//! A registration holds its manifest. A current or next deployment holds the manifests of its images. An index
//! holds its children. A subject holds the manifests about it. A manifest holds its blobs. A tag holds nothing,
//! since tags are moved and forgotten. Collection takes only rows that no edge leads to.
//!
//! - [`keep`]: the columns `held`, written by each transaction that adds or ends an edge;
//! - [`walk`]: finds what is above and below a manifest, and what keeps it;
//! - [`closure`]: the contents of a registered image, recorded in `image_manifests` and `image_blobs`;
//! - [`check`]: finds rows that contradict all this.

pub(crate) mod check;
pub(crate) mod closure;
pub(crate) mod keep;
pub(crate) mod texts;
pub(crate) mod walk;

pub(crate) use texts::Texts;

/// Where an edge starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// At a root, which ends only by a call of a user. Nothing holds a root.
    Root,
    /// At a manifest. The text is the column of the edge's row that has the id of the manifest.
    Manifest(&'static str),
}

/// Where an edge leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// The edge leads to the manifest `m` that meets this condition.
    Manifest(&'static str),
    /// The edge leads to the link `l` that meets this condition, with its content `b`.
    Blob(&'static str),
}

/// How the held row belongs to the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The user named it.
    Named,
    /// The holder cannot be pulled without it.
    Part,
    /// It is about the holder, such as a signature.
    Attached,
}

/// One way in which a row holds another. `e` in the conditions is the row of an edge.
#[derive(Debug)]
struct Edge {
    /// The word for the holder in messages.
    name: &'static str,
    /// The table with one row for each edge.
    table: &'static str,
    holder: Holder,
    held: Held,
    role: Role,
}

/// All ways in which a row holds another. A new kind of holder is one more entry.
///
/// The rows of edges to parts have the columns `repository` and `digest`, which name the part.
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
