//! The rules of the store, each written once over a transaction, a file for each noun.
//!
//! A rule takes its input by reference, so that it can run again, and locks first, in the order of
//! [`Level`](super::tx::Level).
//!
//! # What holds what, where many write at once
//!
//! Collection removes what no edge leads to ([`holds`]). An edge that is missed once is data that is lost later. So these
//! are the locks around edges, leases and contents; `R` is a repository, `M` a manifest and `L` a link in it, `B` a content.
//!
//! | who | locks |
//! |---|---|
//! | puts or deletes a manifest, moves or deletes a tag | `R` Update |
//! | deletes a blob | `R` Update, `B` Update |
//! | adds a blob | `R` Share, `B` Update |
//! | mounts a blob | `R` Update (where it goes), `B` Share |
//! | registers an image or ends a registration, makes or ends a deployment, deletes a service | the service Update, `R` Share, `M` Update |
//! | renews a lease because somebody asked | `M` Update or `L` Update, and nothing else |
//! | collects | `R`, then `M`, or `B` and `L`: each Update, and passed over if somebody else has it |
//! | sets everything right | all services and all `R` Update |
//!
//! No edge is missed:
//!
//! 1. *Edges inside a repository* (index to child, subject to what is about it, manifest to blob) are made and ended
//!    under `R` Update alone, so one after the other.
//! 2. *Edges from roots* (registrations, deployments) are made and ended under `R` Share and `M` Update. Two of one
//!    manifest come one after the other because of `M`. One of them and an edge inside come one after the other because
//!    of `R`: `M` would not do, since whoever puts an index over a manifest that is held already changes nothing in its row.
//! 3. *`held` of a manifest* is counted and written by those of 1 and 2, after their locks. So each count sees all edges
//!    that were committed, and whoever makes or ends another waits until it is committed itself.
//! 4. *`held` of a link* is counted by those of 1, and once when the link is made. That is under `R` Share, so no manifest
//!    comes or goes meanwhile. Two who make the same link count the same.
//! 5. *What a put relies on* (blobs, children) stays from its check to its commit: whoever takes it away needs `R` Update.
//!    *What a registration relies on* stays likewise, against its `R` Share.
//!
//! No lease is missed: whoever collects locks `M` or `L` and reads the lease in the locked row, and whoever renews locks
//! the same row, finds it gone or writes its lease before anybody hears of it. A renewal needs no `R`, since it makes no
//! edge. An index that holds itself goes only when all manifests above it are locked, for a renewal of any of them would
//! keep it.
//!
//! No content is missed: `B` goes with its last link. Whoever makes a link has `B` locked before, and whoever takes one
//! away has `B` Update before it counts the others. The row of a content that two add at once is made by one of them; the
//! other waits for it and finds it.
//!
//! Nobody waits in a circle: all lock in the order of [`Level`](super::tx::Level). Those who change several `M` or `L`
//! without having locked each of them first have `R` Update, those who lock several have `R` and lock them by their
//! numbers, and those who have no `R` lock one row and wait for no other. Collection waits for nobody.
//!
//! Beside all this stand foreign keys: a manifest or content that a registration is made of cannot be removed at all.

pub(crate) mod access_keys;
pub(crate) mod audit;
pub(crate) mod blobs;
pub(crate) mod catalogue;
pub(crate) mod collection;
pub(crate) mod console_logins;
pub(crate) mod container_images;
pub(crate) mod container_services;
pub(crate) mod content_keys;
pub(crate) mod deployments;
pub(crate) mod garbage;
pub(crate) mod holds;
pub(crate) mod image_names;
pub(crate) mod inspection;
pub(crate) mod leases;
pub(crate) mod live_counts;
pub(crate) mod login_facts;
pub(crate) mod login_limits;
pub(crate) mod manifests;
pub(crate) mod metric_points;
pub(crate) mod progress;
pub(crate) mod provenance;
pub(crate) mod put_manifest;
pub(crate) mod registry_logins;
pub(crate) mod role_sessions;
pub(crate) mod roles;
pub(crate) mod rows;
pub(crate) mod service_domains;
pub(crate) mod sources;
pub(crate) mod tags;
pub(crate) mod uploads;
pub(crate) mod usage;
