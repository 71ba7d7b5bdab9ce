//! The control API as data: operations, shapes with their constraints, errors, and AWS JSON 1.1.
//!
//! Two services use the same code: [`lightsail`], the container part of Amazon Lightsail's API as its clients know
//! it, and [`gangplank`], our own operations.
//!
//! Each structure is defined once, with the `structure!` macro. That definition gives two things. The first is the
//! Rust type for server and clients. The second is the [`Structure`] description, from which requests are checked,
//! and from which command line options, skeletons and manual pages are made. [`decode`] and [`encode`] convert
//! between bytes and the types.
//!
//! [`sts`] is a small part of another AWS service, which clients call before they call Lightsail. It has its
//! own protocol. [`Protocol`] knows the form of errors in all of AWS's protocols.
//!
//! Nothing here reads a file, a socket or a clock. The descriptions are constants, so they need no work at start-up.

mod decode;
mod describe;
mod error;
mod json;
mod macros;
mod path;
mod pattern;
mod protocol;
mod secret;
mod target;
mod timestamp;
mod validate;
mod xml;

pub mod gangplank;
pub mod lightsail;
pub mod sts;

pub use decode::{decode, encode};
pub use describe::{Described, Field, Kind, Map, Member, Range, Request, Shape, StringShape, Structure};
pub use error::{ApiError, ErrorCode};
pub use json::strict_json;
pub use pattern::{Pattern, image_name, is_digest, is_name};
pub use protocol::{Protocol, Traits, WireError};
pub use secret::Secret;
pub use target::Target;
pub use timestamp::Timestamp;
