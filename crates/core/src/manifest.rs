//! Decides whether a manifest is accepted, given the parts that its repository has.

use crate::quotas::MAX_HUNG;

/// A blob or child manifest that a manifest references, and whether the repository has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartFacts {
    /// The size in the manifest.
    pub declared: u64,
    /// The size of the stored part. `None` if it is missing for the principal who puts the manifest.
    pub found: Option<u64>,
    /// Whether the repository has to have it.
    pub need: Need,
}

/// Whether the repository has to have a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It has to be there.
    Required,
    /// It may be missing: it is a layer that registries do not distribute.
    MayBeAbsent,
}

/// The reason for which a part keeps a manifest from being accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartRefusal {
    /// It is missing.
    Unknown,
    /// Its size differs from the one in the manifest.
    SizeMismatch,
}

impl PartFacts {
    /// Checks the part.
    ///
    /// # Errors
    /// [`PartRefusal`].
    pub fn check(self) -> Result<(), PartRefusal> {
        match (self.found, self.need) {
            (None, Need::MayBeAbsent) => Ok(()),
            (None, Need::Required) => Err(PartRefusal::Unknown),
            (Some(found), _) if found == self.declared => Ok(()),
            (Some(_), _) => Err(PartRefusal::SizeMismatch),
        }
    }
}

/// How many indexes are nested above the deepest image, given the depths of the children. `None` if there are more
/// than `most`. A manifest without children has depth 0.
pub fn depth(children: impl IntoIterator<Item = u32>, most: u32) -> Option<u32> {
    let depth = children.into_iter().max().map_or(0, |deepest| deepest.saturating_add(1));
    (depth <= most).then_some(depth)
}

/// Whether push logins may put one more referrer of a subject. `hung` is the number of referrers that push
/// logins have put so far.
pub fn may_hang(hung: u32) -> bool {
    hung < MAX_HUNG
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_part_is_there_and_as_large_as_it_is_said_to_be() {
        let check = |found, need| PartFacts { declared: 7, found, need }.check();
        assert_eq!(check(Some(7), Need::Required), Ok(()));
        assert_eq!(check(Some(8), Need::Required), Err(PartRefusal::SizeMismatch));
        assert_eq!(check(None, Need::Required), Err(PartRefusal::Unknown));
        assert_eq!(check(None, Need::MayBeAbsent), Ok(()));
        // Even a part that may be missing must have the declared size if it is there.
        assert_eq!(check(Some(8), Need::MayBeAbsent), Err(PartRefusal::SizeMismatch));
    }

    #[test]
    fn one_more_hangs_on_a_subject_up_to_the_most() {
        assert!(may_hang(0) && may_hang(MAX_HUNG - 1) && !may_hang(MAX_HUNG));
    }

    proptest! {
        #[test]
        fn an_index_is_one_deeper_than_its_deepest_child(children in proptest::collection::vec(0..9u32, 0..5), most in 0..9u32) {
            match depth(children.iter().copied(), most) {
                Some(0) => prop_assert!(children.is_empty()),
                Some(depth) => {
                    prop_assert!(depth <= most && children.contains(&(depth - 1)));
                    prop_assert!(children.iter().all(|child| *child < depth));
                }
                None => prop_assert!(children.iter().any(|child| *child >= most)),
            }
        }
    }
}
