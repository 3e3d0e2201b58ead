//! Finds groups that are connected and have to stay together in a split.

use cliptune_store::DisjointSets;

/// Units that go into a split as a whole: components of groups, which have numbers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Components {
    /// The component of each group; `None` for a group without any row.
    pub(crate) of: Vec<Option<u32>>,
    /// The number of joined rows in each component. Every dataset over the same rows counts them alike, whatever it
    /// makes of them.
    pub(crate) sizes: Vec<usize>,
    /// The number of groups in each component.
    pub(crate) groups: Vec<usize>,
}

impl Components {
    /// Finds the components of groups. `rows` is the number of rows of each group, and `edges` are pairs of groups that
    /// belong together. Components are numbered by their smallest groups.
    pub(crate) fn find(rows: &[usize], edges: &[[usize; 2]]) -> Self {
        let mut sets = DisjointSets::of(rows.len());
        for [one, other] in edges {
            sets.unite(*one, *other);
        }
        let mut numbers: Vec<Option<u32>> = vec![None; rows.len()];
        let mut found = Self { of: vec![None; rows.len()], ..Self::default() };
        for (group, rows) in rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            let number = *numbers[sets.root(group)].get_or_insert_with(|| {
                found.sizes.push(0);
                found.groups.push(0);
                found.sizes.len() as u32 - 1
            });
            found.of[group] = Some(number);
            found.sizes[number as usize] += rows;
            found.groups[number as usize] += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hang_together_over_several_steps() {
        let found = Components::find(&[1, 1, 2, 1, 1], &[[3, 1], [1, 2]]);
        assert_eq!(found.of, [Some(0), Some(1), Some(1), Some(1), Some(2)]);
        assert_eq!((found.sizes, found.groups), (vec![1, 4, 1], vec![1, 3, 1]));
    }

    #[test]
    fn the_order_of_pairs_changes_nothing() {
        let edges = [[0, 1], [2, 3], [4, 1], [5, 4], [6, 2]];
        let backwards: Vec<[usize; 2]> = edges.iter().rev().map(|[one, other]| [*other, *one]).collect();
        assert_eq!(Components::find(&[1; 8], &edges), Components::find(&[1; 8], &backwards));
    }

    #[test]
    fn a_group_without_rows_is_in_no_component() {
        let found = Components::find(&[0, 3, 0, 2], &[]);
        assert_eq!((found.of, found.sizes), (vec![None, Some(0), None, Some(1)], vec![3, 2]));
    }
}
