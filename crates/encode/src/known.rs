//! Vectors that are known from earlier calls, in the cache of a store.
//!
//! A vector is known by the tower that computed it and by the content of what it was computed from: the bytes of an image,
//! the ids of a text. Where it comes from and in which split it is does not matter. What is new is written into files of
//! its own, each named after its content, so that processes never wait for each other or spoil each other's work. The
//! folder may be removed at any time, and a file that is not as it was written counts as absent.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cliptune_clip::checkpoint::WEIGHTS_FILE;
use cliptune_clip::image::DECODING;
use cliptune_store::{make_room, oldest_first, read_compact, write_compact};
use serde::{Deserialize, Serialize};

use crate::error::EncodeError;
use crate::matrix::Matrix;
use crate::runtime::Runtime;
use crate::tower::Tower;
use crate::towers::Towers;

/// The name of the folder in the cache.
const FOLDER: &str = "embeddings";
/// The version of the files, and of everything between an image's pixels or a text's ids and the numbers of its embedding
/// that a graph's file does not say.
const FORMAT: u32 = 1;
/// The number of vectors after which what is new is written, so that little is lost when a process is killed.
const AT_A_TIME: usize = 8192;
/// The most bytes that the folder may take. The files that were written first make room for new ones.
const LARGEST: u64 = 1 << 30;
/// The most files of the folder.
const MOST: usize = 1000;
/// The number of hexadecimal digits of a hash in a file's name.
const DIGITS: usize = 16;

/// Returns the version of everything between the bytes of an image or a text and the numbers of its embedding that the files of a
/// model do not say.
pub fn version() -> String {
    format!("{FORMAT} {DECODING}")
}

/// What a vector is known by: the BLAKE3 of a content.
pub(crate) type Key = [u8; 32];

/// What is known of a model's vectors.
#[derive(Debug, Default)]
pub struct Known {
    pub(crate) texts: Vectors,
    pub(crate) images: Vectors,
}

/// What is known of a tower's vectors, which are not normalised.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    memory: Memory,
    places: HashMap<Key, usize>,
    rows: Matrix,
}

/// Where vectors are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Memory {
    /// Nowhere, so that any number of them needs no more room than a few.
    #[default]
    Nowhere,
    /// In this process.
    Here,
    /// In a folder, and in this process; the digits stand for the tower.
    Folder(PathBuf, String),
}

/// The content of `cache/embeddings/<tower>-<content>.bin`.
#[derive(Serialize, Deserialize)]
struct Segment {
    columns: usize,
    keys: Vec<Key>,
    values: Vec<f32>,
}

impl Known {
    /// Remembers in this process alone.
    pub(crate) fn here() -> Self {
        let here = || Vectors { memory: Memory::Here, ..Vectors::default() };
        Self { texts: here(), images: here() }
    }

    /// Reads what the cache knows of a model, and keeps what is known already. `hash_of` gives the hash of a file that lies
    /// with its graphs; a tower whose files have none is not remembered there.
    pub(crate) fn and_in(
        self,
        cache: &Path,
        runtime: &Runtime,
        towers: &Towers<'_>,
        hash_of: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let name = |tower: &Tower<'_>| {
            let graph = hash_of(tower.path().file_name()?.to_str()?)?;
            // A graph of another program may hold its weights itself.
            let weights = hash_of(WEIGHTS_FILE).unwrap_or_default();
            Some(format!("{} {} {graph} {weights}", version(), runtime.build()))
        };
        let read = |tower: &Tower<'_>, before: Vectors| match name(tower) {
            Some(name) => {
                let mut vectors = Vectors::read(cache.join(FOLDER), digits(name.as_bytes()));
                vectors.learn(&before);
                vectors
            }
            None => before,
        };
        Self { texts: read(&towers.text, self.texts), images: read(&towers.vision, self.images) }
    }
}

impl Vectors {
    fn read(folder: PathBuf, tower: String) -> Self {
        let mut vectors = Self::default();
        for (path, _) in oldest_first(&folder) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(&tower)
                && let Some(segment) = read_compact::<Segment>(&path, FORMAT)
            {
                vectors.add(&segment);
            }
        }
        vectors.memory = Memory::Folder(folder, tower);
        vectors
    }

    /// Remembers what another one knows.
    fn learn(&mut self, other: &Self) {
        let mut known: Vec<(usize, Key)> = other.places.iter().map(|(key, place)| (*place, *key)).collect();
        known.sort_unstable();
        self.keep(known.into_iter().map(|(_, key)| Some(key)), &other.rows);
    }

    fn add(&mut self, segment: &Segment) {
        let Segment { columns, keys, values } = segment;
        let is_usable = *columns > 0 && keys.len().checked_mul(*columns) == Some(values.len());
        if !is_usable || (self.rows.rows() > 0 && self.rows.columns() != *columns) {
            return;
        }
        for (key, row) in keys.iter().zip(values.chunks_exact(*columns)) {
            if !self.places.contains_key(key) {
                self.places.insert(*key, self.rows.rows());
                self.rows.push(row);
            }
        }
    }

    /// Returns the vectors of these keys in their order. Those that are not known, by their numbers, are given to `encode`
    /// and then remembered; what has no key is never known. `done` is told how many are ready.
    pub(crate) fn complete<D: FnMut(usize)>(
        &mut self,
        keys: &[Option<Key>],
        mut done: D,
        mut encode: impl FnMut(&[usize], &mut D) -> Result<Matrix, EncodeError>,
    ) -> Result<Matrix, EncodeError> {
        let found: Vec<Option<usize>> =
            keys.iter().map(|key| key.and_then(|key| self.places.get(&key).copied())).collect();
        let missing: Vec<usize> = (0..keys.len()).filter(|&at| found[at].is_none()).collect();
        done(keys.len() - missing.len());
        let mut fresh = Matrix::default();
        for some in missing.chunks(AT_A_TIME) {
            let rows = encode(some, &mut done)?;
            self.keep(some.iter().map(|&at| keys[at]), &rows);
            fresh.extend(&rows);
        }
        let (mut all, mut new) = (Matrix::default(), 0);
        for place in found {
            match place {
                Some(place) => all.push(self.rows.row(place)),
                None => {
                    all.push(fresh.row(new));
                    new += 1;
                }
            }
        }
        Ok(all)
    }

    /// Remembers vectors, but none that is no direction.
    fn keep(&mut self, keys: impl Iterator<Item = Option<Key>>, rows: &Matrix) {
        if self.memory == Memory::Nowhere {
            return;
        }
        let mut segment = Segment { columns: rows.columns(), keys: Vec::new(), values: Vec::new() };
        for (row, key) in keys.enumerate() {
            if let Some(key) = key
                && !self.places.contains_key(&key)
                && rows.row(row).iter().all(|value| value.is_finite())
            {
                segment.keys.push(key);
                segment.values.extend_from_slice(rows.row(row));
            }
        }
        if segment.keys.is_empty() {
            return;
        }
        self.add(&segment);
        if let Memory::Folder(folder, tower) = &self.memory {
            let name = format!("{tower}-{}.bin", digits(segment.keys.as_flattened()));
            write_compact(&folder.join(name), FORMAT, &segment);
            make_room(folder, LARGEST, MOST);
        }
    }
}

/// Returns the beginning of the BLAKE3 of something.
fn digits(content: &[u8]) -> String {
    blake3::hash(content).to_hex()[..DIGITS].to_owned()
}

/// Returns the key of a text.
pub(crate) fn key_of_ids(ids: &[i64]) -> Key {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    *blake3::hash(&bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    fn open(folder: &Path) -> Vectors {
        Vectors::read(folder.join("cache"), digits(b"tower"))
    }

    fn key(number: u8) -> Option<Key> {
        Some([number; 32])
    }

    /// Asks for vectors, each of which is its key's number twice, and returns which had to be encoded.
    fn ask(vectors: &mut Vectors, keys: &[Option<Key>]) -> Vec<usize> {
        let mut asked = Vec::new();
        let mut done = 0;
        let rows = vectors.complete(
            keys,
            |some| done += some,
            |missing, done| {
                asked.extend_from_slice(missing);
                done(missing.len());
                let value = |&at: &usize| [f32::from(keys[at].map_or(0, |key| key[0])); 2];
                Ok(Matrix::new(missing.len(), missing.iter().flat_map(value).collect()))
            },
        );
        let rows = rows.unwrap();
        assert_eq!((rows.rows(), done), (keys.len(), keys.len()));
        for (row, key) in keys.iter().enumerate() {
            assert_eq!(rows.row(row), [f32::from(key.map_or(0, |key| key[0])); 2]);
        }
        asked
    }

    #[test]
    fn only_what_is_new_is_encoded() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ask(&mut open(folder.path()), &[key(1), key(2), None]), [0, 1, 2]);
        let mut vectors = open(folder.path());
        assert_eq!(
            ask(&mut vectors, &[key(3), key(2), None, key(1)]),
            [0, 2],
            "what has no key is never known"
        );
        assert_eq!(ask(&mut vectors, &[key(1), key(3)]), [0_usize; 0], "the same process knows it, too");
        assert_eq!(ask(&mut open(folder.path()), &[key(3), key(1), key(2)]), [0_usize; 0]);
    }

    #[test]
    fn what_was_encoded_before_the_cache_was_opened_goes_into_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = Known::here().texts;
        assert_eq!(ask(&mut here, &[key(1), key(2)]), [0, 1]);
        assert_eq!(ask(&mut here, &[key(2)]), [0_usize; 0]);
        ask(&mut open(folder.path()), &[key(2)]);
        open(folder.path()).learn(&here);
        assert_eq!(ask(&mut open(folder.path()), &[key(1), key(2)]), [0_usize; 0]);
    }

    #[test]
    fn another_tower_knows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        ask(&mut open(folder.path()), &[key(1)]);
        let mut other = Vectors::read(folder.path().join("cache"), digits(b"another"));
        assert_eq!(ask(&mut other, &[key(1)]), [0]);
        assert_eq!(ask(&mut Vectors::default(), &[key(1)]), [0]);
    }

    #[test]
    fn a_damaged_file_is_ignored_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        ask(&mut open(folder.path()), &[key(1), key(2)]);
        let (file, _) = oldest_first(&folder.path().join("cache")).remove(0);
        let bytes = fs::read(&file).unwrap();
        for at in [0, 40, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&file, changed).unwrap();
            assert_eq!(ask(&mut open(folder.path()), &[key(1), key(2)]), [0, 1], "byte {at}");
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
    }

    #[test]
    fn two_that_encode_at_the_same_time_both_leave_what_they_made() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (open(folder.path()), open(folder.path()));
        ask(&mut one, &[key(1), key(2)]);
        ask(&mut other, &[key(2), key(3)]);
        assert_eq!(ask(&mut open(folder.path()), &[key(1), key(2), key(3)]), [0_usize; 0]);
    }

    #[test]
    fn what_is_not_finite_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut vectors = open(folder.path());
        let nan = |_: &[usize], _: &mut _| Ok(Matrix::new(1, vec![f32::NAN, 1.0]));
        let rows = vectors.complete(&[key(1)], |_| {}, nan).unwrap();
        assert!(rows.row(0)[0].is_nan());
        assert!(oldest_first(&folder.path().join("cache")).is_empty());
    }
}
