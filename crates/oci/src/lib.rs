//! The terms and wire rules of container images and of the OCI Distribution API.
//!
//! It defines what a digest, a repository name or a manifest *is*, which request a method and a path mean, and how an
//! error looks on the wire. That is everything on which a registry and its clients must agree.
//!
//! # Invariants
//!
//! - Pure: no IO, no async, no clock, no global state. Every function is a function of its arguments.
//! - [`route`] and [`location`] are the only places that know the grammar of a registry URL.
//! - A value of [`Digest`], [`RepositoryName`], [`Tag`] or [`ManifestView`] has passed its grammar; nobody needs
//!   to check it again.
//! - Input is hostile: nothing here panics on any bytes, and memory and time stay proportional to the input.
//! - A manifest's bytes are never rewritten. [`ManifestView`] is a reading of them, and not a replacement.

mod basic;
mod descriptor;
mod digest;
mod endpoint;
mod error;
mod excerpt;
mod hasher;
mod index_builder;
pub mod location;
mod manifest;
mod manifest_error;
pub mod media_type;
mod members;
mod name;
mod query;
mod range;
mod reference;
mod route;
mod strict_json;
mod text;

pub use basic::basic_credentials;
pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest, DigestError};
pub use endpoint::Endpoint;
pub use error::{ErrorCode, OciError};
pub use hasher::{Hasher, ResumeError};
pub use index_builder::IndexBuilder;
pub use manifest::{MAX_ANNOTATIONS, ManifestKind, ManifestLimits, ManifestView};
pub use manifest_error::ManifestError;
pub use name::{NameError, RepositoryName};
pub use range::{ContentRange, ContentRangeError, RangeOutcome, byte_range};
pub use reference::{Reference, ReferenceError, Tag, TagError};
pub use route::{MAX_TAGS_PER_PUT, route};
pub use strict_json::{DEEPEST, MAX_VALUES};
