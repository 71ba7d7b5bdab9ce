//! Decides from the present nodes of a deployment which to start and which to retire.

use std::collections::BTreeSet;

/// The facts of a node that the decision needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Present {
    /// Its ordinal.
    pub(super) ordinal: u32,
    /// Whether the node was made from the spec that is wanted now.
    pub(super) is_alike: bool,
    /// Whether the node can answer requests.
    pub(super) is_ready: bool,
    /// Whether the node will not recover by itself.
    pub(super) is_lost: bool,
}

/// The next steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The ordinals of nodes to start.
    pub(super) start: Vec<u32>,
    /// The ordinals of nodes to retire, after their open requests.
    pub(super) retire: BTreeSet<u32>,
    /// Whether exactly the wanted nodes are there.
    pub(super) is_settled: bool,
}

/// Plans the way from the present nodes to `count` nodes of the wanted spec. A serving node is only retired
/// when another one is ready in its place.
///
/// `leaving` has the ordinals of nodes that are leaving. No new node gets one of these ordinals.
pub(super) fn plan(present: &[Present], leaving: &[u32], count: u32) -> Plan {
    let (good, bad): (Vec<&Present>, Vec<&Present>) =
        present.iter().partition(|node| node.is_alike && !node.is_lost);
    let mut plan = Plan::default();
    let taken: BTreeSet<u32> =
        present.iter().map(|node| node.ordinal).chain(leaving.iter().copied()).collect();
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let missing = wanted.saturating_sub(good.len());
    plan.start = (0..).filter(|ordinal| !taken.contains(ordinal)).take(missing).collect();
    // Nodes that are not ready are retired first, then the highest ordinals.
    let mut leaving: Vec<&Present> = good.clone();
    leaving.sort_by_key(|node| (node.is_ready, std::cmp::Reverse(node.ordinal)));
    plan.retire.extend(leaving.iter().take(good.len().saturating_sub(wanted)).map(|node| node.ordinal));
    let ready = good.iter().filter(|node| node.is_ready && !plan.retire.contains(&node.ordinal)).count();
    // Nodes of another spec serve until enough wanted ones are ready.
    let replaced = ready >= wanted;
    plan.retire.extend(bad.iter().filter(|_| replaced).map(|node| node.ordinal));
    // Limit the lost nodes to the wanted number. Otherwise they would pile up if a service loses one node after
    // another.
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

    /// `r` is a ready node, `n` a new one, `o` one of another spec, `l` a lost one.
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
