//! The rules of the store, each written once over a transaction, a file for each noun.
//!
//! A rule takes its input by reference, so that it can run again. It takes its locks first, in the order of
//! [`Level`](super::tx::Level).
//!
//! # Edges, leases and contents under concurrent transactions
//!
//! Collection removes everything that no edge leads to ([`holds`]). If a transaction misses an edge, data is
//! lost later. The table shows which locks protect edges, leases and contents. `R` is a repository, `M` a
//! manifest in it, `L` a link of the repository to a blob, `B` the content of a blob.
//!
//! | a transaction that | locks |
//! |---|---|
//! | puts or deletes a manifest, moves or deletes a tag | `R` Update |
//! | deletes a blob | `R` Update, `B` Update |
//! | adds a blob | `R` Share, `B` Update |
//! | mounts a blob | `R` Update (where it goes), `B` Share |
//! | registers an image or ends a registration, makes or ends a deployment, deletes a service | the service Update, `R` Share, `M` Update |
//! | renews a lease for a request | `M` Update or `L` Update, and nothing else |
//! | collects | `R`, then `M`, or `B` and `L`: each Update, skipping rows that are locked |
//! | repairs the rows (`reconcile`) | all services and all `R` Update |
//!
//! No transaction misses an edge:
//!
//! 1. *Edges inside a repository* (index to child, subject to a manifest about it, manifest to blob) are added
//!    and ended under `R` Update, so one after the other.
//! 2. *Edges from roots* (registrations, deployments) are added and ended under `R` Share and `M` Update. `M`
//!    orders two such transactions on the same manifest. `R` orders them against edges inside the repository.
//!    `M` alone would not suffice: a put of an index over a manifest that is already held does not write the
//!    manifest's row.
//! 3. *`held` of a manifest* is counted and written by the transactions of 1 and 2, after they have their
//!    locks. So each count sees all committed edges. A transaction that adds or ends another edge waits until
//!    the count is committed.
//! 4. *`held` of a link* is counted by the transactions of 1, and once when the link is added. The link is
//!    added under `R` Share, so no manifest comes or goes meanwhile. Two transactions that add the same link
//!    count the same.
//! 5. *The blobs and children that a put relies on* stay from its check to its commit, because removing them
//!    needs `R` Update, which the put has. *The contents that a registration relies on* stay likewise, because
//!    the registration has `R` Share.
//!
//! Collection misses no lease. It locks `M` or `L` and reads the lease in the locked row. A renewal locks the
//! same row. It either finds the row gone, or writes the lease before its caller gets an answer. A renewal
//! needs no `R`, since it adds no edge. Collection removes an index that holds itself only while all manifests
//! above it are locked, because a renewal of any of them would keep the index.
//!
//! No content is removed while a link needs it. `B` goes together with its last link. A transaction locks `B`
//! before it adds a link, and locks `B` with Update before it removes a link and counts the others. If two
//! transactions add the same content at once, one inserts its row. The other waits and then finds the row.
//!
//! There is no deadlock, because all lock in the order of [`Level`](super::tx::Level). A transaction that
//! writes several `M` or `L` without locking each one first has `R` Update. A transaction that locks several of
//! them has `R`, and locks them in the order of their numbers. A transaction without `R` locks a single row and
//! waits for no other. Collection never waits.
//!
//! Foreign keys are a second safeguard: the database refuses to remove a manifest or content that is part of a
//! registered image.

pub(crate) mod access_keys;
pub(crate) mod audit;
pub(crate) mod blobs;
pub(crate) mod callers;
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
pub(crate) mod lineage;
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
