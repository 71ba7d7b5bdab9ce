//! Layers on their way into the registry: how they are compressed, checked, and taken out of an image one by one.

mod gzip;
pub(crate) mod packing;
pub(crate) mod parts;
pub(crate) mod staging;
mod unpacked;
