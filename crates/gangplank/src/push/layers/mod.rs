//! Layers on their way into the registry: taking an image apart, checking and compressing its layers.

mod gzip;
pub(crate) mod packing;
pub(crate) mod parts;
pub(crate) mod staging;
mod unpacked;
