//! Values of options, read as people write them.

pub(crate) mod byte_size;
pub(crate) mod comma_list;
pub(crate) mod duration;
pub(crate) mod timestamp;
pub(crate) mod whole_number;
