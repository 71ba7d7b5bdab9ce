//! The contract of blobs.

mod content;
mod folder;
mod staging;
