//! Groups that hang together, and must stay together in a split.

use std::collections::HashMap;

use crate::candidates::{Sides, group};

/// What connects a group with others: a text, a value of another column, an image.
pub(crate) struct Link<'a> {
    pub(crate) group: &'a str,
    pub(crate) values: Vec<&'a str>,
}

/// Every group and value of the joined rows that `where` keeps, whether or not an item comes of them: two datasets
/// over the same rows then hang together in the same way, whatever each of them makes of a row.
///
/// The values are those of `split.across`, or else the row's texts, and always the image.
pub(crate) fn links<'a>(sides: &Sides<'a>, across: &[String]) -> Vec<Link<'a>> {
    let link = |row: &'a crate::join::JoinedRow| {
        let image = &sides.images[row.image.filter(|_| row.kept)?];
        let listed = if across.is_empty() { row.texts.as_deref().unwrap_or_default() } else { &row.across };
        let said = listed.iter().flatten().map(String::as_str).filter(|text| !text.trim().is_empty());
        let values = said.chain([image.hash.as_str()]).collect();
        Some(Link { group: group(sides.plan, image, row)?, values })
    };
    sides.joined.rows.iter().filter_map(link).collect()
}

/// Connected components of groups.
#[derive(Debug, Default)]
pub(crate) struct Components<'a> {
    /// The component of each group.
    of: HashMap<&'a str, usize>,
    /// Each component's name and number of groups.
    pub(crate) units: Vec<Unit>,
}

/// Something that goes into a split as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Its name, whatever the order of rows: the smallest of its groups.
    pub(crate) key: String,
    /// Its weight: its number of groups.
    pub(crate) size: usize,
}

impl<'a> Components<'a> {
    /// Components of groups that share a value.
    pub(crate) fn connected(links: &[Link<'a>]) -> Self {
        Self::find(links, |link| &link.values)
    }

    /// Each group on its own.
    pub(crate) fn groups(links: &[Link<'a>]) -> Self {
        Self::find(links, |_| &[])
    }

    fn find<'l>(links: &'l [Link<'a>], values: impl Fn(&'l Link<'a>) -> &'l [&'a str]) -> Self {
        let mut sets = Sets::default();
        let mut groups: HashMap<&str, usize> = HashMap::new();
        let mut owners: HashMap<&str, usize> = HashMap::new();
        for link in links {
            let group = *groups.entry(link.group).or_insert_with(|| sets.add());
            for value in values(link) {
                let owner = *owners.entry(value).or_insert(group);
                sets.unite(owner, group);
            }
        }
        let mut names: Vec<&str> = groups.keys().copied().collect();
        // The first group of a component that is met is its smallest.
        names.sort_unstable();
        let mut components = Self::default();
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        for name in names {
            let number = *numbers.entry(sets.root(groups[name])).or_insert_with(|| {
                components.units.push(Unit { key: name.to_owned(), size: 0 });
                components.units.len() - 1
            });
            components.units[number].size += 1;
            components.of.insert(name, number);
        }
        components
    }

    /// The component of a group; `None` for a group that is in no joined row.
    pub(crate) fn of(&self, group: &str) -> Option<usize> {
        self.of.get(group).copied()
    }
}

/// Disjoint sets (union by size, path halving).
#[derive(Default)]
struct Sets {
    parents: Vec<usize>,
    sizes: Vec<usize>,
}

impl Sets {
    fn add(&mut self) -> usize {
        self.parents.push(self.parents.len());
        self.sizes.push(1);
        self.parents.len() - 1
    }

    fn root(&mut self, mut element: usize) -> usize {
        while self.parents[element] != element {
            self.parents[element] = self.parents[self.parents[element]];
            element = self.parents[element];
        }
        element
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (small, large) = if self.sizes[a] < self.sizes[b] { (a, b) } else { (b, a) };
        self.parents[small] = large;
        self.sizes[large] += self.sizes[small];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected(links: &[(&'static str, &[&'static str])]) -> Vec<Unit> {
        let links: Vec<Link<'_>> =
            links.iter().map(|(group, values)| Link { group, values: values.to_vec() }).collect();
        Components::connected(&links).units
    }

    fn unit(key: &str, size: usize) -> Unit {
        Unit { key: key.to_owned(), size }
    }

    #[test]
    fn groups_hang_together_over_several_steps() {
        let links: &[(&str, &[&str])] =
            &[("7", &["x"]), ("3", &["y", "z"]), ("5", &["x", "y"]), ("1", &["w"]), ("9", &[])];
        assert_eq!(connected(links), [unit("1", 1), unit("3", 3), unit("9", 1)]);
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let links: &[(&str, &[&str])] =
            &[("b", &["x"]), ("a", &["x"]), ("c", &["y"]), ("a", &["y"]), ("d", &["z"])];
        let backwards: Vec<_> = links.iter().rev().copied().collect();
        assert_eq!(connected(links), connected(&backwards));
    }

    #[test]
    fn a_group_named_like_a_text_is_not_that_text() {
        assert_eq!(connected(&[("a", &["b"]), ("b", &["c"])]).len(), 2);
    }
}
