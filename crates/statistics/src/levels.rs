//! Items in the order of their confidence, where equal ones are on one level: no order among them is better than another.

use crate::unusable::Unusable;

/// Items in ascending order of confidence.
pub(crate) struct Levels {
    order: Vec<usize>,
    /// The number of items up to each level's end.
    ends: Vec<usize>,
}

impl Levels {
    /// Returns the levels of items after checking that there is one finite number in each list for each item.
    pub(crate) fn new(confidence: &[f64], right: &[f64]) -> Result<Self, Unusable> {
        if confidence.len() != right.len() {
            return Err(Unusable::Lengths { values: right.len(), items: confidence.len() });
        }
        if confidence.is_empty() {
            return Err(Unusable::Empty);
        }
        if !confidence.iter().chain(right).all(|number| number.is_finite()) {
            return Err(Unusable::NotFinite);
        }
        let mut order: Vec<usize> = (0..confidence.len()).collect();
        order.sort_by(|&a, &b| confidence[a].total_cmp(&confidence[b]));
        let lengths = order.chunk_by(|&a, &b| confidence[a] == confidence[b]).map(<[usize]>::len);
        let ends = lengths.scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        Ok(Self { ends: ends.collect(), order })
    }

    /// Returns the items of each level, the least confident first.
    pub(crate) fn ascending(&self) -> impl DoubleEndedIterator<Item = &[usize]> {
        (0..self.ends.len())
            .map(|at| &self.order[at.checked_sub(1).map_or(0, |at| self.ends[at])..self.ends[at]])
    }
}
