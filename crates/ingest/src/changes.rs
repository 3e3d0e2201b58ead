//! Finds out what has changed since the previous dataset.

use std::collections::{BTreeMap, HashMap, HashSet};

use cliptune_experiment::Split;
use cliptune_store::{Changes, Difference, ImageIdentity, Item, Move};

/// Two consecutive datasets of the same experiments.
pub(crate) struct Pair<'a> {
    pub(crate) before: &'a [Item],
    pub(crate) after: &'a [Item],
    /// Whether rows have an identifier of their own, which distinguishes a changed row from a different one.
    pub(crate) has_ids: bool,
}

impl Pair<'_> {
    pub(crate) fn changes(&self, since: &str, merges: u64) -> Changes {
        Changes {
            since: since.to_owned(),
            images: self.images(),
            rows: self.rows(),
            moved: self.moved(),
            merges,
        }
    }

    /// Compares the images. They are the same if their content is, and changed if a path has another content.
    fn images(&self) -> Difference {
        let contents =
            |items: &[Item]| -> HashSet<ImageIdentity> { items.iter().map(|item| item.image_hash).collect() };
        let (before, after) = (contents(self.before), contents(self.after));
        let alone = |items: &[Item], others: &HashSet<ImageIdentity>| -> BTreeMap<ImageIdentity, String> {
            let alone = items.iter().filter(|item| !others.contains(&item.image_hash));
            alone.map(|item| (item.image_hash, item.image.clone())).collect()
        };
        let (gone, new) = (alone(self.before, &after), alone(self.after, &before));
        let paths: HashSet<&String> = gone.values().collect();
        let changed = new.values().filter(|path| paths.contains(path)).count();
        difference(gone.len(), new.len(), changed)
    }

    /// Compares the rows. They are the same if all of their content is, and changed if the same identifier, or else
    /// the same group and image, have another content.
    fn rows(&self) -> Difference {
        let (before, after) = (self.contents(self.before), self.contents(self.after));
        let (gone, new) = (surplus(&before, &after), surplus(&after, &before));
        let changed = gone.iter().map(|(key, count)| (*count).min(new.get(key).copied().unwrap_or(0))).sum();
        difference(gone.values().sum(), new.values().sum(), changed)
    }

    /// Counts the rows with each content, together with the keys that they are found by.
    fn contents<'i>(&self, items: &'i [Item]) -> HashMap<(Key<'i>, &'i str), usize> {
        let mut contents = HashMap::new();
        for item in items {
            for id in &item.ids {
                let key =
                    if self.has_ids { (id.as_str(), "") } else { (item.group.as_str(), item.image.as_str()) };
                *contents.entry((key, item.item_id.as_str())).or_default() += 1;
            }
        }
        contents
    }

    fn moved(&self) -> Vec<Move> {
        let mut moves: BTreeMap<(Split, Split), u64> = BTreeMap::new();
        let before: HashMap<&str, Split> =
            self.before.iter().map(|item| (item.item_id.as_str(), item.split)).collect();
        for item in self.after {
            match before.get(item.item_id.as_str()) {
                Some(from) if *from != item.split => *moves.entry((*from, item.split)).or_default() += 1,
                _ => {}
            }
        }
        moves.into_iter().map(|((from, to), items)| Move { from, to, items }).collect()
    }
}

/// The values by which a row is found again.
type Key<'a> = (&'a str, &'a str);

/// Counts, by key, the rows of one side that the other side lacks.
fn surplus<'a>(
    own: &HashMap<(Key<'a>, &'a str), usize>,
    other: &HashMap<(Key<'a>, &'a str), usize>,
) -> HashMap<Key<'a>, usize> {
    let mut surplus = HashMap::new();
    for (content, count) in own {
        let more = count.saturating_sub(other.get(content).copied().unwrap_or(0));
        if more > 0 {
            *surplus.entry(content.0).or_default() += more;
        }
    }
    surplus
}

fn difference(gone: usize, new: usize, changed: usize) -> Difference {
    let rest = |all: usize| all.saturating_sub(changed) as u64;
    Difference { added: rest(new), removed: rest(gone), changed: changed as u64 }
}
