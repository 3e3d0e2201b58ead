//! Numbers that a few sums of the items in each of some cells say all about, such as a calibration error in its bins.
//!
//! A resample of groups adds up what each group has in each cell, in the order of the groups. What it costs is a matter of groups and
//! cells and not of items, and nothing is looked up in the order of the items, which is another one in every list.

use crate::clusters::Clusters;
use crate::statistic::{Drawn, Number, OfGroups};

/// The sums of the items in a cell. What they are of is a matter of the number.
pub(crate) type Sums = [f64; 3];

/// A part of an item that lies in a cell, with what it adds to the sums there when the item counts once.
pub(crate) struct Part {
    pub(crate) item: usize,
    pub(crate) cell: usize,
    pub(crate) adds: Sums,
}

/// A number of the sums in all cells.
type OfCells = Box<dyn Fn(&[Sums]) -> f64 + Send + Sync>;

/// A number of items that lie in cells.
pub(crate) struct Cells {
    parts: Vec<Part>,
    count: usize,
    of: OfCells,
}

/// The same by groups: what each group adds to each cell, in the order of the groups.
struct CellsOfGroups<'a> {
    shares: Vec<Share>,
    cells: &'a Cells,
}

/// What a group adds to a cell when it counts once.
struct Share {
    group: u32,
    cell: u32,
    adds: Sums,
}

impl Cells {
    /// Returns the number that `of` makes of the sums in so many cells.
    pub(crate) fn new(
        parts: Vec<Part>,
        count: usize,
        of: impl Fn(&[Sums]) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { parts, count, of: Box::new(of) }
    }

    /// Returns what each group adds to each cell, in the order of the groups.
    fn shares(&self, clusters: &Clusters) -> Vec<Share> {
        let (groups, weights) = (clusters.group_of(), clusters.weights());
        let share = |part: &Part| Share {
            group: groups[part.item] as u32,
            cell: part.cell as u32,
            adds: part.adds.map(|add| add * weights[part.item]),
        };
        let mut shares: Vec<Share> = self.parts.iter().map(share).collect();
        // The sort is stable: the items of a group are added up in the order of the parts.
        shares.sort_by_key(|share| (share.group, share.cell));
        shares.dedup_by(|next, first| {
            let is_same = (next.group, next.cell) == (first.group, first.cell);
            if is_same {
                add(&mut first.adds, 1.0, &next.adds);
            }
            is_same
        });
        shares
    }

    fn of_sums<'a>(&self, parts: impl Iterator<Item = (f64, usize, &'a Sums)>) -> f64 {
        let mut sums = vec![[0.0; 3]; self.count];
        parts.for_each(|(times, cell, adds)| add(&mut sums[cell], times, adds));
        (self.of)(&sums)
    }
}

impl Number for Cells {
    fn of_weights(&self, weights: &[f64]) -> f64 {
        let parts = self.parts.iter().map(|part| (weights[part.item], part.cell, &part.adds));
        self.of_sums(parts)
    }

    fn by_group<'a>(&'a self, clusters: &'a Clusters) -> Box<dyn OfGroups + 'a> {
        Box::new(CellsOfGroups { shares: self.shares(clusters), cells: self })
    }
}

impl OfGroups for CellsOfGroups<'_> {
    fn of(&self, drawn: &Drawn<'_>) -> f64 {
        self.cells.of_sums(
            self.shares.iter().map(|one| (drawn.counts[one.group as usize], one.cell as usize, &one.adds)),
        )
    }
}

fn add(sums: &mut Sums, times: f64, adds: &Sums) {
    for (sum, one) in sums.iter_mut().zip(adds) {
        *sum += times * one;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_add_what_their_items_add() {
        // Whole numbers, for which every order of summation is exact. Some items lie in two cells.
        let part =
            |item: usize, cell: usize| Part { item, cell, adds: [1.0, item as f64, (item * cell) as f64] };
        let parts = (0..60).rev().flat_map(|item| [part(item, item * 7 % 5), part(item, item % 4)]).collect();
        let hash = |sums: &[Sums]| sums.iter().flatten().fold(0.0, |hash, sum| (hash * 31.0 + sum) % 1e6);
        let cells = Cells::new(parts, 5, hash);
        let names: Vec<String> = (0..60).map(|item| format!("{:02}", item * 11 % 13)).collect();
        let clusters = Clusters::new(&names).unwrap();
        assert!(cells.shares(&clusters).len() <= 13 * 5, "a group has a cell once");
        let by_group = cells.by_group(&clusters);
        for seed in 0..20 {
            let counts: Vec<f64> = (0..13).map(|group| ((group * seed + seed) % 4) as f64).collect();
            let weights: Vec<f64> = clusters.group_of().iter().map(|&group| counts[group]).collect();
            assert_eq!(by_group.of(&Drawn::new(&counts, &clusters)), cells.of_weights(&weights));
        }
    }
}
