//! Everything that commands print: answers on standard output, messages and progress on standard error. Text from
//! outside passes through `foreign` first.

pub(crate) mod bar;
pub(crate) mod colour;
pub(crate) mod foreign;
pub(crate) mod listing;
pub(crate) mod masks;
pub(crate) mod output;
