//! The contents that have a vector.

use std::collections::HashMap;

use super::journal::{Entry, Outcome};

/// The bytes of a hash that are kept: no two of a billion contents have the same ones.
const KEPT: usize = 16;

/// The contents that have a vector, with its number. They take about 30 bytes each.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<[u8; KEPT], u64>);

impl Seen {
    /// Returns the number of the vector of a content.
    pub(super) fn get(&self, hash: &[u8; 32]) -> Option<u64> {
        self.0.get(&Self::key(hash)).copied()
    }

    /// Gives the next number to a content that has none.
    pub(super) fn add(&mut self, hash: &[u8; 32]) {
        let next = self.0.len() as u64;
        self.0.entry(Self::key(hash)).or_insert(next);
    }

    /// Gives the contents of entries their numbers.
    pub(super) fn add_all(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Outcome::New(hash) = &entry.outcome {
                self.add(hash);
            }
        }
    }

    fn key(hash: &[u8; 32]) -> [u8; KEPT] {
        std::array::from_fn(|at| hash[at])
    }
}
