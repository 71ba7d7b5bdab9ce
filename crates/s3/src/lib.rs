//! A client of S3 for those calls that every S3 server has: it puts, reads, inspects and deletes objects,
//! uploads and joins parts, and lists keys. It knows nothing of registries.
//!
//! Many servers speak S3, and each leaves something out. So this client sends only what all of them accept: no
//! trailer, no `aws-chunked`, and only one conditional write, at the end of a multipart upload. [`probe`] finds
//! out by trial what else the server of a bucket can do.

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
mod presigned;
mod pressure;
pub mod probe;
mod request;
mod sending;
mod statistics;
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
pub use deadlines::Deadlines;
pub use endpoint::{Endpoint, Style};
pub use error::{Error, Refusal, Result};
pub use location::Location;
pub use payload::{Guard, Payload};
pub use statistics::{Figures, Statistics};
