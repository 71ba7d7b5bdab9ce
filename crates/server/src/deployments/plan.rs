//! Which nodes of one deployment are started and which go: a function of what is there.

use std::collections::BTreeSet;

/// A node of a deployment, as far as it decides who starts and who goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Present {
    /// Its ordinal.
    pub(super) ordinal: u32,
    /// Whether it was made from what is wanted now.
    pub(super) is_alike: bool,
    /// Whether it answers requests, or could.
    pub(super) is_ready: bool,
    /// Whether it will not come back by itself.
    pub(super) is_lost: bool,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The ordinals of nodes to start.
    pub(super) start: Vec<u32>,
    /// The ordinals of nodes that go, after what they have under way.
    pub(super) retire: BTreeSet<u32>,
    /// Whether there is all that is wanted and nothing else.
    pub(super) is_settled: bool,
}

/// Goes from what is there to `count` nodes that are as wanted. Nothing that serves goes before something else is
/// ready in its place.
///
/// The ordinals in `leaving` belong to nodes that are on their way out, and are not given to others yet.
pub(super) fn plan(present: &[Present], leaving: &[u32], count: u32) -> Plan {
    let (good, bad): (Vec<&Present>, Vec<&Present>) =
        present.iter().partition(|node| node.is_alike && !node.is_lost);
    let mut plan = Plan::default();
    let taken: BTreeSet<u32> =
        present.iter().map(|node| node.ordinal).chain(leaving.iter().copied()).collect();
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let missing = wanted.saturating_sub(good.len());
    plan.start = (0..).filter(|ordinal| !taken.contains(ordinal)).take(missing).collect();
    // The highest ordinals go first, those that are not ready before all others.
    let mut leaving: Vec<&Present> = good.clone();
    leaving.sort_by_key(|node| (node.is_ready, std::cmp::Reverse(node.ordinal)));
    plan.retire.extend(leaving.iter().take(good.len().saturating_sub(wanted)).map(|node| node.ordinal));
    let ready = good.iter().filter(|node| node.is_ready && !plan.retire.contains(&node.ordinal)).count();
    // What is not as wanted serves until as many others are ready.
    let replaced = ready >= wanted;
    plan.retire.extend(bad.iter().filter(|_| replaced).map(|node| node.ordinal));
    // A service whose nodes are lost one after another does not get more and more of them.
    let lost = bad.iter().filter(|node| node.is_lost);
    plan.retire.extend(lost.clone().take(lost.count().saturating_sub(wanted)).map(|node| node.ordinal));
    plan.is_settled = replaced && good.len() == wanted && bad.is_empty();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: Present = Present { ordinal: 0, is_alike: true, is_ready: true, is_lost: false };

    fn nodes(kinds: &str) -> Vec<Present> {
        let node = |(ordinal, kind): (usize, char)| Present {
            ordinal: u32::try_from(ordinal).unwrap(),
            is_alike: kind != 'o',
            is_ready: kind != 'n' && kind != 'l',
            is_lost: kind == 'l',
        };
        kinds.chars().enumerate().map(node).collect()
    }

    /// `r` is ready, `n` is new, `o` was made from something else, `l` is lost.
    #[track_caller]
    fn check(kinds: &str, count: u32, start: &[u32], retire: &[u32], is_settled: bool) {
        let found = plan(&nodes(kinds), &[], count);
        let retired: Vec<u32> = found.retire.iter().copied().collect();
        assert_eq!(
            (&found.start[..], &retired[..], found.is_settled),
            (start, retire, is_settled),
            "{kinds} to {count}"
        );
    }

    #[test]
    fn nodes_come_before_others_go() {
        check("", 2, &[0, 1], &[], false);
        check("r", 1, &[], &[], true);
        check("rn", 2, &[], &[], false);
        check("rrr", 1, &[], &[1, 2], false);
        check("rnr", 2, &[], &[1], false);
        check("oo", 2, &[2, 3], &[], false);
        check("oorn", 2, &[], &[], false);
        check("oorr", 2, &[], &[0, 1], false);
        check("lr", 2, &[2], &[], false);
        check("lrr", 2, &[], &[0], false);
        check("lln", 1, &[], &[0], false);
        check("r", 0, &[], &[0], false);
        check("", 0, &[], &[], true);
    }

    #[test]
    fn ordinals_of_nodes_that_are_leaving_are_not_given_out() {
        assert_eq!(plan(&nodes("r"), &[1, 2], 3).start, [3, 4]);
    }

    #[test]
    fn a_plan_that_is_followed_comes_to_its_end() {
        for kinds in ["", "r", "ooo", "lllr", "rnol", "rrrrr"] {
            for count in 0..4 {
                let mut present = nodes(kinds);
                let mut rounds = 0;
                loop {
                    let plan = plan(&present, &[], count);
                    if plan.is_settled {
                        break;
                    }
                    present.retain(|node| !plan.retire.contains(&node.ordinal));
                    for node in &mut present {
                        node.is_ready |= node.is_alike && !node.is_lost;
                    }
                    present.extend(plan.start.iter().map(|&ordinal| Present {
                        ordinal,
                        is_ready: false,
                        ..READY
                    }));
                    rounds += 1;
                    assert!(rounds < 10, "{kinds} to {count}");
                }
                assert_eq!(present.len(), usize::try_from(count).unwrap());
            }
        }
    }
}
