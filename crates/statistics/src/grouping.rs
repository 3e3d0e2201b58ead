//! Which items belong together, and how much each of them counts.

/// The groups of a list of items, and their weights. A list of names is the groups of items that all count alike; those of
/// [`Weighted`] do not.
pub trait Grouping {
    /// Returns the name of each item's group.
    fn groups(&self) -> Vec<&str>;

    /// Returns how much each item counts, which is more than nothing, or `None` where all count alike. An item with a weight of
    /// two counts as if it were there twice.
    fn weights(&self) -> Option<&[f64]> {
        None
    }
}

impl<S: AsRef<str>> Grouping for [S] {
    fn groups(&self) -> Vec<&str> {
        self.iter().map(AsRef::as_ref).collect()
    }
}

impl<S: AsRef<str>, const ITEMS: usize> Grouping for [S; ITEMS] {
    fn groups(&self) -> Vec<&str> {
        self.as_slice().groups()
    }
}

impl<S: AsRef<str>> Grouping for Vec<S> {
    fn groups(&self) -> Vec<&str> {
        self.as_slice().groups()
    }
}

impl<G: Grouping + ?Sized> Grouping for &G {
    fn groups(&self) -> Vec<&str> {
        (**self).groups()
    }

    fn weights(&self) -> Option<&[f64]> {
        (**self).weights()
    }
}

/// Items that do not all count alike, such as those of folds that differ in size where each fold counts as much as another.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a, G> {
    /// The groups of the items.
    pub groups: G,
    /// How much each item counts.
    pub weights: &'a [f64],
}

impl<G: Grouping> Grouping for Weighted<'_, G> {
    fn groups(&self) -> Vec<&str> {
        self.groups.groups()
    }

    fn weights(&self) -> Option<&[f64]> {
        Some(self.weights)
    }
}
