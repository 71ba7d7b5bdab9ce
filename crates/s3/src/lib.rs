//! A client of S3, of the calls that every server of it has: objects are put, read by ranges, looked at and deleted;
//! parts are uploaded and joined; keys are listed. It knows nothing of registries.
//!
//! "S3" is many servers, and each leaves something out. So this client sends what all of them take: no trailer, no
//! `aws-chunked`, no condition on a write but one on the end of a multipart upload. [`probe`] finds out what else a
//! bucket's server can do, and what it only says it can.

mod calls;
mod checksum;
mod client;
mod clock;
mod connector;
pub mod credentials;
mod deadlines;
mod endpoint;
mod error;
mod location;
mod payload;
mod pressure;
pub mod probe;
mod request;
mod sending;
mod tries;
mod xml;

pub use calls::complete::{Completed, OnlyNew, Part, WholeChecksum};
pub use calls::delete_many::NotDeleted;
pub use calls::get::{Content, Object};
pub use calls::head::Head;
pub use calls::list::{Listed, Page};
pub use calls::list_uploads::{OpenUpload, OpenUploads};
pub use checksum::{Crc64, Crc64Hasher};
pub use client::{Client, Settings};
pub use connector::Unusable;
pub use endpoint::{Endpoint, Style};
pub use error::{Error, Refusal, Result};
pub use location::Location;
pub use payload::{Guard, Payload};
