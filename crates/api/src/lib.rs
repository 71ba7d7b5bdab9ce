//! The control API as data: operations, shapes and their constraints, errors, AWS JSON 1.1.
//!
//! Two services share one machinery: [`lightsail`], the container part of Amazon Lightsail's API exactly as
//! its clients know it, and [`gangplank`], what is ours and not Amazon's.
//!
//! Each structure is defined once, with the `structure!` macro. That one definition is the Rust type that the
//! server and the clients hold, and the [`Structure`] description from which requests are checked and command
//! line options, skeletons and manual pages are made. [`decode`] and [`encode`] go between bytes and the
//! types.
//!
//! [`sts`] is the little of another service of AWS's that clients ask before they ask Lightsail, in a protocol of
//! its own; [`Protocol`] knows how errors look in all of AWS's protocols.
//!
//! Nothing here reads a file, a socket or a clock, and the descriptions are constants: no work at start-up.

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
