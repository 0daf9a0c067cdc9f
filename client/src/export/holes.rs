//! What stands between the entries that are shown: the fewest hashes that cover it.

use breakglass_tlog::Hash;

/// A complete node of the tree, by the first entry it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    /// The first entry it covers.
    pub(super) first: u64,
    /// It covers `2^level` entries.
    pub(super) level: u8,
    pub(super) hash: Hash,
}

/// Entries that are not shown, on their way to be covered. Holds a hash for each level at most twice,
/// however many entries there are.
#[derive(Default)]
pub(super) struct Holes {
    nodes: Vec<Node>,
}

impl Holes {
    /// Takes the next entry, by its leaf hash.
    pub(super) fn cover(&mut self, index: u64, leaf: Hash) {
        self.nodes.push(Node {
            first: index,
            level: 0,
            hash: leaf,
        });
        while let [.., left, right] = self.nodes.as_slice()
            && left.level == right.level
            && (left.first >> left.level).is_multiple_of(2)
        {
            let joined = Node {
                first: left.first,
                level: left.level + 1,
                hash: Hash::of_node(&left.hash, &right.hash),
            };
            self.nodes.truncate(self.nodes.len() - 2);
            self.nodes.push(joined);
        }
    }

    /// What covers everything taken since the last time, in order.
    pub(super) fn close(&mut self) -> impl Iterator<Item = Node> + '_ {
        self.nodes.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use breakglass_tlog::Frontier;

    use super::*;

    #[test]
    fn what_is_shown_and_what_is_covered_lead_to_the_same_root() {
        let leaf = |index: u64| Hash::of_leaf(&index.to_be_bytes());
        for shown in [&[][..], &[0], &[1], &[5, 6], &[0, 7, 8, 30], &[99]] {
            let (mut whole, mut partly, mut holes) =
                (Frontier::new(), Frontier::new(), Holes::default());
            let mut most = 0;
            for index in 0..100 {
                whole.push(leaf(index));
                if shown.contains(&index) {
                    for node in holes.close() {
                        assert_eq!(node.first, partly.size());
                        partly.push_node(node.level, node.hash).unwrap();
                    }
                    partly.push(leaf(index));
                } else {
                    holes.cover(index, leaf(index));
                    most = most.max(holes.nodes.len());
                }
            }
            for node in holes.close() {
                partly.push_node(node.level, node.hash).unwrap();
            }
            assert_eq!(partly, whole, "{shown:?}");
            assert!(most <= 14, "{most}");
        }
    }
}
