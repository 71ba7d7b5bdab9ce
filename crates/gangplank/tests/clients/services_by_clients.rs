//! stub
use crate::suite::Test;
pub(crate) const TESTS: [(&str, Test); 0] = [];
