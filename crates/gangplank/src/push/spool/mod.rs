//! Streams that have to be read more than once. They are written to a temporary file, which can be read while it
//! still grows.

pub(crate) mod spooled;
mod tail_reader;
pub(crate) mod temp_file;
