//! Finds groups that are connected and have to stay together in a split.

use std::collections::HashMap;

use cliptune_experiment::Seed;
use cliptune_store::{ImageFile, ImageIdentity};

use crate::candidates::{JoinedSources, group};
use crate::deal::Piece;
use crate::row::JoinedRow;

/// One joined row, reduced to what connects its group with others: its texts or values of other columns, and its
/// image.
pub(crate) struct Link<'a> {
    pub(crate) group: &'a str,
    pub(crate) texts: Vec<&'a str>,
    pub(crate) image: &'a ImageFile,
}

/// A value that connects groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tie<'a> {
    /// A text, or a value of one of the columns in `split.across`.
    Text(&'a str),
    /// An image, by its content.
    Image(ImageIdentity),
}

impl<'a> Link<'a> {
    pub(crate) fn ties(&self) -> impl Iterator<Item = Tie<'a>> {
        self.texts.iter().copied().map(Tie::Text).chain([Tie::Image(self.image.identity)])
    }
}

/// Returns every group and value of the joined rows that `where` keeps, whether or not the row becomes an item. Two
/// datasets over the same rows are therefore connected in the same way, whatever each of them makes of a row.
///
/// The values are those of `split.across`, or else the row's texts. The image is always included.
pub(crate) fn links<'a>(sides: &JoinedSources<'a>, across: &[String]) -> Vec<Link<'a>> {
    let link = |row: &'a JoinedRow| {
        let image = &sides.images[row.image.filter(|_| row.kept)?];
        let listed = if across.is_empty() { row.texts.as_deref().unwrap_or_default() } else { &row.across };
        let said = listed.iter().flatten().map(String::as_str).filter(|text| !text.trim().is_empty());
        Some(Link { group: group(sides.plan, image, row)?, texts: said.collect(), image })
    };
    sides.joined.rows.iter().filter_map(link).collect()
}

/// The connected components of groups.
#[derive(Debug, Default)]
pub(crate) struct Components<'a> {
    /// The index of the component that each group is in.
    of: HashMap<&'a str, usize>,
    /// The components.
    pub(crate) units: Vec<Unit<'a>>,
}

/// A unit that goes into a split as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    /// The groups of the unit in order; for a split by row, the item.
    pub(crate) members: Vec<&'a str>,
    /// The number of joined rows in the unit. Every dataset over the same rows counts them alike, whatever it makes
    /// of them.
    pub(crate) size: usize,
}

impl Unit<'_> {
    /// Returns the unit with its place on the line, which its members and the seed decide. The member with the
    /// smallest hash sets the place, so that it seldom moves when members come and go.
    pub(crate) fn piece(&self, seed: Seed) -> Piece {
        let hash = |member: &&str| *blake3::hash(format!("{seed}\n{member}").as_bytes()).as_bytes();
        Piece { anchor: self.members.iter().map(hash).min().unwrap_or_default(), size: self.size }
    }
}

impl<'a> Components<'a> {
    /// Finds the components of groups that share a text, a value or an image.
    pub(crate) fn connected(links: &[Link<'a>]) -> Self {
        Self::find(links, |link| link.ties().collect())
    }

    /// Makes each group a component of its own.
    pub(crate) fn groups(links: &[Link<'a>]) -> Self {
        Self::find(links, |_| Vec::new())
    }

    fn find(links: &[Link<'a>], ties: impl Fn(&Link<'a>) -> Vec<Tie<'a>>) -> Self {
        let mut sets = Sets::default();
        let mut groups: HashMap<&str, usize> = HashMap::new();
        let mut owners: HashMap<Tie<'_>, usize> = HashMap::new();
        for link in links {
            let group = *groups.entry(link.group).or_insert_with(|| sets.add());
            for tie in ties(link) {
                let owner = *owners.entry(tie).or_insert(group);
                sets.unite(owner, group);
            }
        }
        let mut names: Vec<&str> = groups.keys().copied().collect();
        // Components are numbered by their smallest groups.
        names.sort_unstable();
        let mut components = Self::default();
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        for name in names {
            let number = *numbers.entry(sets.root(groups[name])).or_insert_with(|| {
                components.units.push(Unit { members: Vec::new(), size: 0 });
                components.units.len() - 1
            });
            components.units[number].members.push(name);
            components.of.insert(name, number);
        }
        for link in links {
            components.units[components.of[link.group]].size += 1;
        }
        components
    }

    /// Returns the index of a group's component, or `None` for a group that is in no joined row.
    pub(crate) fn of(&self, group: &str) -> Option<usize> {
        self.of.get(group).copied()
    }
}

/// Disjoint sets, with union by size and path halving.
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

    fn image(group: &str) -> ImageFile {
        ImageFile {
            folder: 0,
            relative: format!("{group}.png").into(),
            size: 1,
            identity: ImageIdentity::of(group.as_bytes()),
        }
    }

    fn connected(links: &[(&'static str, &[&'static str])]) -> Vec<(Vec<String>, usize)> {
        let images: Vec<ImageFile> = links.iter().map(|(group, _)| image(group)).collect();
        let links: Vec<Link<'_>> = links
            .iter()
            .zip(&images)
            .map(|((group, texts), image)| Link { group, texts: texts.to_vec(), image })
            .collect();
        let owned = |unit: &Unit<'_>| (unit.members.iter().map(|&name| name.to_owned()).collect(), unit.size);
        Components::connected(&links).units.iter().map(owned).collect()
    }

    fn unit(members: &[&str], size: usize) -> (Vec<String>, usize) {
        (members.iter().map(|&member| member.to_owned()).collect(), size)
    }

    #[test]
    fn groups_hang_together_over_several_steps() {
        let links: &[(&str, &[&str])] =
            &[("7", &["x"]), ("3", &["y", "z"]), ("5", &["x", "y"]), ("1", &["w"]), ("9", &[])];
        assert_eq!(connected(links), [unit(&["1"], 1), unit(&["3", "5", "7"], 3), unit(&["9"], 1)]);
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

    #[test]
    fn a_text_that_reads_like_an_images_hash_is_not_that_image() {
        let hash: &'static str = ImageIdentity::of(b"b").to_string().leak();
        assert_eq!(connected(&[("a", &[hash]), ("b", &["c"])]).len(), 2);
    }

    #[test]
    fn a_place_moves_only_when_a_member_with_a_smaller_hash_comes() {
        let place =
            |members: &[&'static str]| Unit { members: members.to_vec(), size: 1 }.piece(Seed(3)).anchor;
        let (a, b) = (place(&["a"]), place(&["b"]));
        assert_ne!(a, b);
        assert_eq!(place(&["a", "b"]), a.min(b));
        assert_ne!(a, Unit { members: vec!["a"], size: 1 }.piece(Seed(4)).anchor);
    }
}
