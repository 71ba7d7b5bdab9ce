use crate::suite::Suite;
pub(crate) fn add(_: &mut Suite) {}
