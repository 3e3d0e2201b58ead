//! Sets of byte ranges.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A set of bytes of a file, as ranges in order that do not touch each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Ranges(Vec<Range<u64>>);

impl FromIterator<Range<u64>> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> Self {
        let mut sorted: Vec<Range<u64>> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        sorted.sort_unstable_by_key(|range| range.start);
        let mut apart: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        Self(apart)
    }
}

impl From<Range<u64>> for Ranges {
    fn from(range: Range<u64>) -> Self {
        [range].into_iter().collect()
    }
}

impl From<Vec<(u64, u64)>> for Ranges {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        pairs.into_iter().map(|(start, end)| start..end).collect()
    }
}

impl From<Ranges> for Vec<(u64, u64)> {
    fn from(ranges: Ranges) -> Self {
        ranges.0.into_iter().map(|range| (range.start, range.end)).collect()
    }
}

impl Ranges {
    /// Returns the ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.0.iter().cloned()
    }

    /// Returns the number of bytes in the set.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// Checks whether all bytes of a range are in the set.
    pub fn contains(&self, range: &Range<u64>) -> bool {
        let after = self.0.partition_point(|own| own.start <= range.start);
        let holder = after.checked_sub(1).and_then(|at| self.0.get(at));
        range.is_empty() || holder.is_some_and(|own| range.end <= own.end)
    }

    /// Checks whether all bytes of another set are in this one.
    pub fn contain(&self, other: &Self) -> bool {
        other.0.iter().all(|range| self.contains(range))
    }

    /// Returns the bytes that are in either set.
    #[must_use]
    pub fn with(&self, other: impl Into<Self>) -> Self {
        self.iter().chain(other.into().0).collect()
    }

    /// Returns the bytes that are in this set and not in the other one.
    #[must_use]
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for range in self.iter() {
            let mut start = range.start;
            let first = other.0.partition_point(|taken| taken.end <= range.start);
            for taken in other.0.iter().skip(first).take_while(|taken| taken.start < range.end) {
                left.push(start..taken.start.max(start));
                start = start.max(taken.end);
            }
            left.push(start..range.end.max(start));
        }
        left.into_iter().collect()
    }

    /// Returns the ranges to ask a server for: neighbours less than `gap` bytes apart together, unless some of the bytes
    /// between them are in `there`, and none of them longer than `most`.
    pub(crate) fn requests(&self, gap: u64, there: &Self, most: u64) -> Vec<Range<u64>> {
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in self.iter() {
            match joined.last_mut() {
                Some(last) if range.start - last.end < gap && there.is_outside(last.end..range.start) => {
                    last.end = range.end;
                }
                _ => joined.push(range),
            }
        }
        joined.into_iter().flat_map(|range| pieces(range, most)).collect()
    }

    /// Checks whether no byte of a range is in the set.
    fn is_outside(&self, range: Range<u64>) -> bool {
        let first = self.0.partition_point(|own| own.end <= range.start);
        self.0.get(first).is_none_or(|own| own.start >= range.end)
    }
}

fn pieces(range: Range<u64>, most: u64) -> impl Iterator<Item = Range<u64>> {
    let step = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
    let end = range.end;
    range.step_by(step).map(move |start| start..end.min(start.saturating_add(most.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ranges: &[(u64, u64)]) -> Ranges {
        ranges.to_vec().into()
    }

    /// Returns the bytes of a set one by one.
    fn all(ranges: &Ranges) -> Vec<u64> {
        ranges.iter().flatten().collect()
    }

    #[test]
    fn ranges_are_kept_in_order_and_apart() {
        assert_eq!(set(&[(5, 7), (0, 2), (2, 3), (6, 9), (4, 4)]), set(&[(0, 3), (5, 9)]));
        assert_eq!(set(&[(5, 7), (0, 3)]).bytes(), 5);
        assert_eq!(set(&[(9, 2)]), Ranges::default());
    }

    #[test]
    fn sets_behave_as_sets_of_bytes() {
        // All pairs of sets of the bytes 0 to 5.
        let sets: Vec<Ranges> = (0_u64..64)
            .map(|bits| (0..6).filter(|at| bits >> at & 1 == 1).map(|at| at..at + 1).collect())
            .collect();
        for (bits, a) in (0_u64..).zip(&sets) {
            for (other, b) in (0_u64..).zip(&sets) {
                assert_eq!(all(&a.without(b)), all(&sets[(bits & !other) as usize]), "{a:?} {b:?}");
                assert_eq!(&a.with(b.clone()), &sets[(bits | other) as usize], "{a:?} {b:?}");
                assert_eq!(a.contain(b), bits & other == other, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn neighbours_are_asked_for_together_and_long_ranges_in_pieces() {
        let wanted = set(&[(0, 10), (12, 20), (30, 55)]);
        assert_eq!(wanted.requests(5, &Ranges::default(), 100), [0..20, 30..55]);
        assert_eq!(wanted.requests(5, &set(&[(11, 12)]), 100), [0..10, 12..20, 30..55]);
        assert_eq!(wanted.requests(1, &Ranges::default(), 10), [0..10, 12..20, 30..40, 40..50, 50..55]);
    }

    #[test]
    fn sets_are_recorded_as_pairs() {
        let set = set(&[(0, 3), (5, 9)]);
        assert_eq!(serde_json::to_string(&set).unwrap(), "[[0,3],[5,9]]");
        assert_eq!(serde_json::from_str::<Ranges>("[[5,9],[0,3]]").unwrap(), set);
    }
}
