//! Images that look alike though their files differ: what they connect, and which of them are in different splits.
//!
//! How an image looks is its perceptual hash. Images with the same one are counted, and only different hashes are compared,
//! so that many copies of one picture cost no more than few.

use std::sync::Arc;

use cliptune_clip::image::{PerceptualHash, near_duplicates};
use cliptune_store::{DisjointSets, ImageFile};
use duckdb::arrow::array::{AsArray, Int32Array, UInt64Array};
use duckdb::arrow::datatypes::{Int32Type, Int64Type, UInt64Type};

use super::images::columns;
use crate::database::Database;
use crate::error::IngestError;

/// The number of hashes that are appended at once.
const BATCH: usize = 1 << 16;

/// The number of pairs in different splits that are named.
const NAMED: usize = 3;

/// Makes the table `alike`: for each hash among the images of a query, which has the column `look`, the number of the cluster
/// that it belongs to. Two near hashes are in one cluster.
pub(crate) fn make_clusters(database: &Database, images: &str) -> Result<(), IngestError> {
    let mut looks: Vec<PerceptualHash> = Vec::new();
    database.stream(
        &format!("SELECT DISTINCT look FROM {images} WHERE look IS NOT NULL ORDER BY look"),
        |batch| looks.extend(hashes(batch.column(0).as_primitive::<UInt64Type>())),
    )?;
    let mut clusters = DisjointSets::of(looks.len());
    near_duplicates(&looks, PerceptualHash::NEAR, |one, other| clusters.unite(one, other));
    database.make("CREATE TABLE alike (look UBIGINT, cluster INTEGER)")?;
    let batches = looks.chunks(BATCH).enumerate().map(|(at, looks)| {
        let numbers = at * BATCH..at * BATCH + looks.len();
        columns(
            ["look", "cluster"],
            [
                Arc::new(looks.iter().map(|look| look.bits()).collect::<UInt64Array>()),
                Arc::new(numbers.map(|number| clusters.root(number) as i32).collect::<Int32Array>()),
            ],
        )
    });
    database.append("alike", batches)
}

fn hashes(bits: &UInt64Array) -> impl Iterator<Item = PerceptualHash> {
    bits.values().iter().map(|bits| PerceptualHash::from_bits(*bits))
}

/// The pairs of images that look alike and are in different splits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Crossing {
    /// The number of these pairs.
    pub(crate) pairs: u64,
    /// The first few of them, by the numbers of their images.
    pub(crate) first: Vec<[i32; 2]>,
}

impl Crossing {
    fn add(&mut self, one: &Alike, other: &Alike) {
        if one.splits == other.splits && one.splits.count_ones() == 1 {
            return;
        }
        self.pairs += one.images * other.images;
        self.first.push([one.first.min(other.first), one.first.max(other.first)]);
        if self.first.len() > 2 * NAMED {
            self.shorten();
        }
    }

    /// Adds the pairs among images that look the same and are in the same several splits.
    fn add_within(&mut self, alike: &Alike) {
        if alike.splits.count_ones() > 1 {
            self.pairs += alike.images * (alike.images - 1) / 2;
        }
    }

    fn shorten(&mut self) {
        self.first.sort_unstable();
        self.first.truncate(NAMED);
    }
}

/// Images with the same hash that are in the same splits.
#[derive(Debug)]
struct Alike {
    /// A bit for each split.
    splits: i32,
    /// The number of images, by content.
    images: u64,
    /// The number of the first image file.
    first: i32,
}

/// The images of items, by how they look.
#[derive(Debug, Default)]
struct Looks {
    hashes: Vec<PerceptualHash>,
    /// Where the images of each hash begin in `alike`.
    starts: Vec<usize>,
    alike: Vec<Alike>,
}

impl Looks {
    /// Reads the images of the table `placed`, in the order of their hashes.
    fn read(database: &Database) -> Result<Self, IngestError> {
        let mut looks = Self::default();
        let query = "
            SELECT look, splits, count(*) AS images, min(image) AS first FROM (
                SELECT any_value(look) AS look, bit_or(1 << enum_code(split)::INTEGER) AS splits, min(image) AS image
                FROM placed JOIN images ON images.number = placed.image WHERE look IS NOT NULL GROUP BY content)
            GROUP BY look, splits ORDER BY look, splits";
        database.stream(query, |batch| {
            let counts = batch.column(2).as_primitive::<Int64Type>().values();
            let [splits, first] =
                [1, 3].map(|column| batch.column(column).as_primitive::<Int32Type>().values());
            for (row, hash) in hashes(batch.column(0).as_primitive::<UInt64Type>()).enumerate() {
                let alike =
                    Alike { splits: splits[row], images: counts[row].cast_unsigned(), first: first[row] };
                looks.push(hash, alike);
            }
        })?;
        Ok(looks)
    }

    fn push(&mut self, hash: PerceptualHash, alike: Alike) {
        if self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
            self.starts.push(self.alike.len());
        }
        self.alike.push(alike);
    }

    /// Returns the images with a hash.
    fn of(&self, hash: usize) -> &[Alike] {
        let end = self.starts.get(hash + 1).copied().unwrap_or(self.alike.len());
        &self.alike[self.starts[hash]..end]
    }

    fn crossing(&self) -> Crossing {
        let mut crossing = Crossing::default();
        for hash in 0..self.hashes.len() {
            let alike = self.of(hash);
            for (at, one) in alike.iter().enumerate() {
                crossing.add_within(one);
                alike[at + 1..].iter().for_each(|other| crossing.add(one, other));
            }
        }
        near_duplicates(&self.hashes, PerceptualHash::NEAR, |one, other| {
            for one in self.of(one) {
                self.of(other).iter().for_each(|other| crossing.add(one, other));
            }
        });
        crossing.shorten();
        crossing
    }
}

/// Counts the pairs of different images that look alike and are in different splits.
pub(crate) fn crossing(database: &Database) -> Result<Crossing, IngestError> {
    Ok(Looks::read(database)?.crossing())
}

/// Returns the names of two images.
pub(crate) fn names(images: &[ImageFile], pair: [i32; 2]) -> Option<[String; 2]> {
    let [one, other] = pair.map(|number| images.get(usize::try_from(number).ok()?));
    Some([one?, other?].map(|image| image.name().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs each image with each: its number, its hash and a bit for each of its splits.
    fn each_with_each(images: &[(i32, u64, i32)]) -> u64 {
        let is_crossing = |&(_, one, splits): &(i32, u64, i32), &(_, other, others): &(i32, u64, i32)| {
            let is_near = (one ^ other).count_ones() <= PerceptualHash::NEAR;
            is_near && (splits != others || splits.count_ones() > 1)
        };
        let pairs = images
            .iter()
            .enumerate()
            .map(|(at, one)| images[at + 1..].iter().filter(|other| is_crossing(one, other)).count() as u64);
        pairs.sum()
    }

    fn looks(images: &[(i32, u64, i32)]) -> Looks {
        let mut sorted: Vec<_> =
            images.iter().map(|(number, bits, splits)| (*bits, *splits, *number)).collect();
        sorted.sort_unstable();
        let mut looks = Looks::default();
        for same in sorted.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let (bits, splits, first) = same[0];
            looks.push(PerceptualHash::from_bits(bits), Alike { splits, images: same.len() as u64, first });
        }
        looks
    }

    #[test]
    fn pairs_in_different_splits_are_those_of_comparing_each_with_each() {
        // Six clusters of hashes that differ in a few bits, with many equal ones, in all sets of splits.
        let images: Vec<(i32, u64, i32)> = (0..400_i32)
            .map(|number| {
                let random = u64::from(number.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let center = (random >> 61) * 0x0101_0101_0101_0101;
                (
                    number,
                    center ^ 1 << (random >> 32 & 3) ^ 1 << (random >> 40 & 7),
                    (random >> 16 & 7).max(1) as i32,
                )
            })
            .collect();
        let crossing = looks(&images).crossing();
        assert_eq!(crossing.pairs, each_with_each(&images));
        assert!(crossing.pairs > 1_000 && crossing.first.len() == NAMED);
    }

    #[test]
    fn many_copies_of_one_picture_cost_no_more_than_few() {
        let alike = |splits, images, first| Alike { splits, images, first };
        let mut looks = Looks::default();
        looks.push(PerceptualHash::from_bits(7), alike(1, 1_000_000, 0));
        looks.push(PerceptualHash::from_bits(7), alike(4, 1_000_000, 5));
        looks.push(PerceptualHash::from_bits(3), alike(1, 2, 1));
        assert_eq!(
            looks.crossing(),
            Crossing { pairs: 1_000_000_000_000 + 2_000_000, first: vec![[0, 5], [1, 5]] }
        );
    }

    #[test]
    fn copies_in_one_split_cross_nothing() {
        assert_eq!(
            looks(&[(0, 7, 1), (1, 7, 1), (2, 3, 1), (3, u64::MAX, 4)]).crossing(),
            Crossing::default()
        );
    }
}
