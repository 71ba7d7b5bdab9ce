//! Chooses the node for a request: two are drawn, and the one with less work gets it.
//!
//! Two draws spread the load nearly as well as comparing all nodes. Comparing all would send every request of a
//! moment to the same node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::routes::Node;

/// A node that is not in `tried`, drawn with `number`. Unhealthy nodes are left out unless all are unhealthy.
/// `None` if all were tried.
pub(super) fn choose<'a>(nodes: &'a [Arc<Node>], tried: &[SocketAddr], number: u64) -> Option<&'a Arc<Node>> {
    let untried = || nodes.iter().filter(|node| !tried.contains(&node.address));
    let healthy = || untried().filter(|node| node.is_healthy.load(Ordering::Relaxed));
    match healthy().count() {
        0 => less_busy(untried, untried().count(), number),
        count => less_busy(healthy, count, number),
    }
}

fn less_busy<'a, I>(nodes: impl Fn() -> I, count: usize, number: u64) -> Option<&'a Arc<Node>>
where
    I: Iterator<Item = &'a Arc<Node>>,
{
    if count < 2 {
        return nodes().next();
    }
    let (high, low) = mixed(number);
    let first = below(high, count);
    // Any of the other nodes.
    let second = (first + 1 + below(low, count - 1)) % count;
    let (first, second) = (nodes().nth(first)?, nodes().nth(second)?);
    Some(if second.under_way() < first.under_way() { second } else { first })
}

fn below(random: u32, count: usize) -> usize {
    random as usize % count
}

/// Turns a counter into two numbers that look random (the last step of `SplitMix64`).
fn mixed(number: u64) -> (u32, u32) {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    #[expect(clippy::cast_possible_truncation, reason = "the upper and the lower half")]
    let halves = ((mixed >> 32) as u32, mixed as u32);
    halves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u16) -> Vec<Arc<Node>> {
        (1..=count).map(|port| Arc::new(Node::new(([127, 0, 0, 1], port).into()))).collect()
    }

    #[test]
    fn requests_are_spread_and_busy_nodes_spared() {
        let nodes = nodes(4);
        let mut all = Vec::new();
        for number in 0..400 {
            all.push(choose(&nodes, &[], number).unwrap().begin());
        }
        for node in &nodes {
            assert!((80..120).contains(&node.under_way()), "{}", node.under_way());
        }
        drop(all);
        let _busy: Vec<_> = (0..50).map(|_| nodes[0].begin()).collect();
        assert!((0..100).all(|number| choose(&nodes, &[], number).unwrap().address != nodes[0].address));
    }

    #[test]
    fn unhealthy_nodes_are_left_out_unless_all_are() {
        let nodes = nodes(3);
        nodes[0].is_healthy.store(false, Ordering::Relaxed);
        nodes[2].is_healthy.store(false, Ordering::Relaxed);
        assert!((0..100).all(|number| choose(&nodes, &[], number).unwrap().address == nodes[1].address));
        let second = choose(&nodes, &[nodes[1].address], 0).unwrap();
        assert_ne!(second.address, nodes[1].address);
        nodes[1].is_healthy.store(false, Ordering::Relaxed);
        let chosen: std::collections::BTreeSet<_> =
            (0..100).map(|number| choose(&nodes, &[], number).unwrap().address).collect();
        assert_eq!(chosen.len(), 3);
        let all: Vec<_> = nodes.iter().map(|node| node.address).collect();
        assert!(choose(&nodes, &all, 0).is_none() && choose(&[], &[], 0).is_none());
    }
}
