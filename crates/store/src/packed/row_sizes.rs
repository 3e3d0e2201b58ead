//! Which rows of a parquet file have an image, and how large each is, remembered between calls: only whoever reads all images
//! finds it out.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::compact::{read_compact, write_compact};
use crate::digests::{Stamp, cache_file};
use crate::error::StoreError;

/// The numbers of rows with the sizes of their images, in order.
pub(super) type Sizes = Vec<(u64, u64)>;

/// The version of the cache's files.
const FORMAT: u32 = 1;

/// The content of `cache/rows-<hash>.bin`.
#[derive(Serialize, Deserialize)]
struct Known {
    /// The stamp that the parquet file had before it was read.
    stamp: Stamp,
    sizes: Sizes,
}

/// The place in the cache for what is known of a parquet file.
pub(super) struct RowSizes {
    file: PathBuf,
    stamp: Stamp,
    is_settled: bool,
}

impl RowSizes {
    /// Looks at a parquet file that is read after a moment that [`settled`](crate::settled) gave. Returns `None` where it
    /// cannot be looked at.
    pub(super) fn of(cache: &Path, parquet: &Path, settled: i64) -> Option<Self> {
        let stamp = Stamp::of_file(parquet)?;
        let file = cache_file(cache, "rows", &parquet.to_string_lossy());
        Some(Self { file, stamp, is_settled: stamp.is_settled(settled) })
    }

    /// Recalls the sizes if the file is as it was when they were measured. Else measures them, and remembers them if they
    /// hold for as long as the stamp does.
    pub(super) fn recall_or(
        &self,
        measure: impl FnOnce() -> Result<Sizes, StoreError>,
    ) -> Result<Sizes, StoreError> {
        let known = read_compact(&self.file, FORMAT).filter(|known: &Known| known.stamp == self.stamp);
        if let Some(Known { sizes, .. }) = known {
            return Ok(sizes);
        }
        let known = Known { stamp: self.stamp, sizes: measure()? };
        if self.is_settled {
            write_compact(&self.file, FORMAT, &known);
        }
        Ok(known.sizes)
    }
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    /// A parquet file, as far as its stamp goes, and a cache.
    struct Small(tempfile::TempDir);

    impl Small {
        fn new() -> Self {
            let small = Self(tempfile::tempdir().unwrap());
            small.write("one");
            small
        }

        fn write(&self, text: &str) {
            fs::write(self.0.path().join("a.parquet"), text).unwrap();
        }

        fn place(&self, settled: i64) -> RowSizes {
            let at = self.0.path();
            RowSizes::of(&at.join("cache"), &at.join("a.parquet"), settled).unwrap()
        }

        /// Checks whether the sizes have to be measured, which are always these.
        fn is_measured(&self, settled: i64, sizes: &[(u64, u64)]) -> bool {
            let mut is_measured = false;
            let found = self.place(settled).recall_or(|| {
                is_measured = true;
                Ok(sizes.to_vec())
            });
            assert_eq!(found.unwrap(), sizes);
            is_measured
        }
    }

    #[test]
    fn a_file_is_measured_once_and_again_when_it_has_changed() {
        let small = Small::new();
        let sizes = [(0, 70), (2, 1 << 40)];
        assert!(small.is_measured(i64::MAX, &sizes));
        assert!(!small.is_measured(i64::MAX, &sizes));
        small.write("another one");
        assert!(small.is_measured(i64::MAX, &[(1, 1)]));
        assert!(!small.is_measured(i64::MAX, &[(1, 1)]));
    }

    #[test]
    fn a_file_that_changed_a_moment_ago_is_not_remembered() {
        let small = Small::new();
        for _ in 0..2 {
            assert!(small.is_measured(0, &[(0, 1)]));
        }
    }

    #[test]
    fn a_damaged_cache_costs_time_only() {
        let small = Small::new();
        assert!(small.is_measured(i64::MAX, &[(0, 1)]));
        for damage in [b"".as_slice(), b"garbage"] {
            fs::write(small.place(0).file, damage).unwrap();
            assert!(small.is_measured(i64::MAX, &[(0, 1)]));
            assert!(!small.is_measured(i64::MAX, &[(0, 1)]));
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_remembered() {
        let small = Small::new();
        let broken = || Err(StoreError::NoTable { path: "a.parquet".into() });
        assert!(small.place(i64::MAX).recall_or(broken).is_err());
        assert!(small.is_measured(i64::MAX, &[(0, 1)]));
    }
}
