//! How many runs are worked on at once, and the memory that they have together.

use std::collections::BTreeMap;

/// The memory that a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// So many bytes, by an estimate.
    Bytes(u64),
    /// Nobody knows, so that nothing else is trained beside it.
    Unknown,
}

/// The places for runs, and their memory. Nothing enters that does not fit beside what is there.
#[derive(Debug)]
pub(crate) struct Room {
    places: usize,
    /// The bytes that all runs may take together, where that is known.
    bytes: Option<u64>,
    /// What is there, by the number of its job.
    there: BTreeMap<usize, Option<Need>>,
}

impl Room {
    /// Creates a room for so many runs with so much memory.
    pub(crate) fn new(places: usize, bytes: Option<u64>) -> Self {
        Self { places, bytes, there: BTreeMap::new() }
    }

    /// Sets the memory, if it is not known yet.
    pub(crate) fn learn(&mut self, bytes: Option<u64>) {
        self.bytes = self.bytes.or(bytes);
    }

    /// Checks whether another run may be worked on.
    pub(crate) fn has_place(&self) -> bool {
        self.there.len() < self.places
    }

    /// Checks whether a need fits beside the needs that are there. One that is larger than the room fits when nothing
    /// else is there: it is for the training to say whether the machine can do it.
    pub(crate) fn fits(&self, need: Option<Need>) -> bool {
        let others: Vec<Need> = self.there.values().copied().flatten().collect();
        let Some(need) = need else { return true };
        if others.is_empty() {
            return true;
        }
        let bytes = others.into_iter().chain([need]).map(|need| match need {
            Need::Bytes(bytes) => Some(bytes),
            Need::Unknown => None,
        });
        let together = bytes.sum::<Option<u64>>();
        together.zip(self.bytes).is_some_and(|(together, bytes)| together <= bytes)
    }

    /// Gives a place to a job.
    pub(crate) fn enter(&mut self, job: usize, need: Option<Need>) {
        self.there.insert(job, need);
    }

    /// Takes the place of a job back.
    pub(crate) fn leave(&mut self, job: usize) {
        self.there.remove(&job);
    }

    /// Checks whether nothing is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.there.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_enters_that_does_not_fit_beside_the_others() {
        let mut room = Room::new(3, Some(10));
        let need = |bytes| Some(Need::Bytes(bytes));
        assert!(room.fits(need(20)), "alone, it may be tried");
        room.enter(0, need(6));
        assert!(room.fits(need(4)) && !room.fits(need(5)));
        assert!(!room.fits(Some(Need::Unknown)));
        room.enter(1, need(4));
        assert!(!room.fits(need(1)) && room.has_place());
        room.leave(0);
        room.enter(2, Some(Need::Unknown));
        assert!(!room.fits(need(1)));
    }

    #[test]
    fn where_the_memory_is_unknown_one_is_trained_at_a_time() {
        let mut room = Room::new(2, None);
        assert!(room.fits(Some(Need::Bytes(1))));
        room.enter(0, Some(Need::Bytes(1)));
        assert!(!room.fits(Some(Need::Bytes(1))));
        room.learn(Some(2));
        assert!(room.fits(Some(Need::Bytes(1))));
        room.learn(Some(1));
        assert!(room.fits(Some(Need::Bytes(1))), "what was declared stays");
    }
}
