//! Finds what is nearest to a text or an image among any number of embeddings, exactly.
//!
//! The codes of all vectors are passed over once, on all cores, in pieces that fit into a processor's cache. Only rows that may be
//! among the best by what their codes tell are compared by their vectors, and only until no other can be. Nothing of the file is
//! kept in memory: it is read from where the system keeps files that were read before, which costs no more than to map it, and
//! a file that is cut short meanwhile is an error and no signal that ends the process.

mod file;
mod page;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;

use crate::error::ApplyError;
pub use file::Embeddings;
pub use page::page;

/// Something that was found, with whatever has the same content.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// The number of its row, from 0.
    pub row: usize,
    /// The cosine of the angle to the query.
    pub cosine: f64,
    /// The path of the image, or the text.
    pub name: String,
    /// The BLAKE3 of its content.
    pub hash: String,
    /// The other images of the same content that are as near.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

impl Embeddings {
    /// Returns the `most` contents that are nearest to a unit vector, the nearest first; of those that are equally near, the
    /// first of the file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or is not what it says.
    pub fn nearest(&self, query: &[f32], most: usize) -> Result<Vec<Hit>, ApplyError> {
        let mut rows = most.min(self.rows());
        loop {
            let found = scan::best(self, query, rows)?;
            let hits = self.distinct(&found)?;
            if hits.len() >= most || rows == self.rows() {
                return Ok(hits.into_iter().take(most).collect());
            }
            // Copies of one content have taken the places of others.
            rows = rows.saturating_mul(4).min(self.rows());
        }
    }

    /// Returns rows as hits, those of one content as one.
    fn distinct(&self, found: &[(usize, f64)]) -> Result<Vec<Hit>, ApplyError> {
        let (mut hits, mut places) = (Vec::<Hit>::new(), HashMap::<String, usize>::new());
        for &(row, cosine) in found {
            let (name, hash) = (self.name(row)?, self.hash(row)?);
            match places.get(&hash) {
                Some(&place) => {
                    let hit = &mut hits[place];
                    if name != hit.name && !hit.also.contains(&name) {
                        hit.also.push(name);
                    }
                }
                None => {
                    places.insert(hash.clone(), hits.len());
                    hits.push(Hit { row, cosine, name, hash, also: Vec::new() });
                }
            }
        }
        Ok(hits)
    }
}
