//! The hashes by which a dataset knows its sources. Where no image has changed they are recalled, and nothing is made of any image.

use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, Verify};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::compact::{read_compact, write_compact};
use crate::digests::cache_file;

use crate::error::StoreError;
use crate::identity::{self, DATASET_FORMAT};
use crate::image_files::{Found, Look};
use crate::inputs::{Inputs, Listed, read_table};
use crate::reading::Reading;

/// What a dataset knows its sources by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHashes {
    /// The folders that images are relative to, in the order of the plan. They are no part of what is known.
    pub images_folders: Vec<PathBuf>,
    /// The BLAKE3 of all image names and identities.
    pub images_hash: String,
    /// The BLAKE3 of the table: that of its only file, or that of the hashes of its files in order. A parquet file is
    /// known by what the plan reads of it.
    pub table_hash: String,
}

impl SourceHashes {
    /// Returns the identity of the dataset that the plan makes of these sources, in 64 hexadecimal digits.
    ///
    /// The recipe, the names and identities of the images and the content of the table decide it; the places of the
    /// sources do not.
    pub fn dataset_hash(&self, plan: &DataPlan) -> String {
        identity::hash(json!({
            "format": DATASET_FORMAT,
            "recipe": identity::recipe(plan),
            "images": self.images_hash,
            "table": self.table_hash,
        }))
    }

    /// Reads the sources as far as they have changed.
    pub(crate) fn read(
        cache: &Path,
        plan: &DataPlan,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Self, StoreError> {
        Self::of_listed(cache, plan, Listed::of(plan)?, on_progress)
    }

    fn of_listed(
        cache: &Path,
        plan: &DataPlan,
        listed: Listed<'_>,
        on_progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Self, StoreError> {
        if let Some(images_hash) = listed.seen.and_then(|seen| seen.recall(cache, plan)) {
            let table = read_table(cache, plan, &listed, on_progress)?;
            let folders = listed.images.iter().map(|(_, found)| found.folder().to_path_buf());
            let images_folders = folders.collect();
            // Nobody waits until the names of all images are freed.
            let images: Vec<Found> = listed.images.into_iter().map(|(_, found)| found).collect();
            rayon::spawn(move || drop(images));
            return Ok(Self { images_folders, images_hash, table_hash: table.hash });
        }
        Ok(Inputs::of(cache, plan, listed, None, &Reading::quietly(on_progress))?.hashes)
    }
}

/// The version of the cache's files.
const FORMAT: u32 = 2;

/// The content of `cache/images-<hash>.bin`.
#[derive(Serialize, Deserialize)]
struct Known {
    /// The hash of what all images look like.
    seen: [u8; 32],
    images_hash: String,
}

fn file(cache: &Path, plan: &DataPlan) -> PathBuf {
    // Images that are examined are known by their contents, however they are examined.
    let is_content = plan.verify != Verify::None;
    cache_file(cache, "images", &json!([is_content, plan.images]).to_string())
}

/// What a listing says of the images of all sources: a hash of what those of each look like.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    hash: [u8; 32],
    /// Whether all images had settled before they were listed.
    is_settled: bool,
}

impl Seen {
    /// Returns what has been seen of images that were listed after a moment that [`settled`](crate::settled) gave, or `None`
    /// where they are parts of other files, of which a listing says nothing, or were not listed with
    /// their stamps, as those are that a glob matches.
    pub(crate) fn of<'f>(images: impl Iterator<Item = &'f Found>, settled: i64) -> Option<Self> {
        let (mut hasher, mut is_settled) = (blake3::Hasher::new(), true);
        for found in images {
            let Look { hash, latest } = found.look()?;
            hasher.update(&hash);
            is_settled &= latest < settled;
        }
        Some(Self { hash: *hasher.finalize().as_bytes(), is_settled })
    }

    /// Recalls the hash of images that looked the same when it was made.
    fn recall(self, cache: &Path, plan: &DataPlan) -> Option<String> {
        let known: Known = read_compact(&file(cache, plan), FORMAT)?;
        (known.seen == self.hash).then_some(known.images_hash)
    }

    /// Remembers the hash of images that look so, if they stay what they are for as long as they do.
    pub(crate) fn remember(self, cache: &Path, plan: &DataPlan, images_hash: &str) {
        if self.is_settled {
            let known = Known { seen: self.hash, images_hash: images_hash.to_owned() };
            write_compact(&file(cache, plan), FORMAT, &known);
        }
    }
}

/// Hashes the bytes that `write` gives for each of many things, in their order. Long runs of bytes are hashed several times as
/// fast as many short ones.
pub(crate) fn update_in_runs(
    hasher: &mut blake3::Hasher,
    count: usize,
    write: impl Fn(usize, &mut Vec<u8>) + Sync,
) {
    const RUN: usize = 1 << 12;
    const RUNS: usize = 16;
    let run = |start: usize| {
        let end = count.min(start + RUN);
        let mut run = Vec::with_capacity((end - start) * 96);
        (start..end).for_each(|at| write(at, &mut run));
        run
    };
    let starts: Vec<usize> = (0..count).step_by(RUN).collect();
    for starts in starts.chunks(RUNS) {
        let runs: Vec<Vec<u8>> = starts.par_iter().map(|start| run(*start)).collect();
        runs.iter().for_each(|run| _ = hasher.update(run));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use fs_err as fs;

    use super::*;

    /// A table and images in two folders, and a plan of them.
    struct Small(tempfile::TempDir);

    impl Small {
        fn new() -> Self {
            let small = Self(tempfile::tempdir().unwrap());
            for (file, text) in
                [("a/1.png", "one"), ("a/b/2.png", "two"), ("c/1.png", "three"), ("t.csv", "f,t\n")]
            {
                small.write(file, text);
            }
            small
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
            fs::write(self.path(name), text).unwrap();
        }

        fn plan(&self, verify: Verify) -> DataPlan {
            let yaml = "name: small\ndata:\n  images: [a, c]\n  metadata: t.csv\n  join: { image: name, metadata: f }\n  \
                        columns: { text: t }\nmodel: { from: openai/clip-vit-base-patch32 }\n";
            self.write("small.yaml", yaml);
            let mut experiments = cliptune_experiment::load(&[self.path("small.yaml")], &[]).unwrap();
            DataPlan { verify, ..experiments.remove(0).plans.remove(0).data }
        }

        /// The hashes where files that changed before a moment have settled, and whether they come from reading images.
        fn read(&self, plan: &DataPlan, settled: i64) -> (SourceHashes, bool) {
            let cache = self.path("cache");
            let listed = Listed::settled(plan, settled).unwrap();
            let is_known = listed.seen.and_then(|seen| seen.recall(&cache, plan)).is_some();
            (SourceHashes::of_listed(&cache, plan, listed, &|_, _| {}).unwrap(), !is_known)
        }

        /// The hashes without anything that is remembered.
        fn afresh(&self, plan: &DataPlan) -> SourceHashes {
            let cache = tempfile::tempdir().unwrap();
            Inputs::read(cache.path(), plan, &Reading::quietly(&|_, _| {})).unwrap().hashes
        }
    }

    #[test]
    fn hashes_are_recalled_until_an_image_changes_and_are_always_those_of_the_images() {
        type Change = (&'static str, fn(&Small));
        let changes: [Change; 7] = [
            ("another content of the same size", |small| small.write("a/1.png", "ONE")),
            ("another name", |small| fs::rename(small.path("a/1.png"), small.path("a/3.png")).unwrap()),
            ("another folder", |small| fs::rename(small.path("a/b"), small.path("a/d")).unwrap()),
            ("an image more", |small| small.write("c/4.png", "four")),
            ("an image less", |small| fs::remove_file(small.path("c/4.png")).unwrap()),
            ("two that change places", |small| {
                fs::rename(small.path("a/3.png"), small.path("x")).unwrap();
                fs::rename(small.path("c/1.png"), small.path("a/3.png")).unwrap();
                fs::rename(small.path("x"), small.path("c/1.png")).unwrap();
            }),
            ("another table", |small| small.write("t.csv", "f,t\n1,2\n")),
        ];
        for verify in [Verify::Header, Verify::Whole, Verify::None] {
            let small = Small::new();
            let plan = small.plan(verify);
            assert_eq!(small.read(&plan, i64::MAX), (small.afresh(&plan), true));
            for (what, change) in changes {
                assert_eq!(small.read(&plan, i64::MAX), (small.afresh(&plan), false), "before {what}");
                change(&small);
                let (hashes, is_read) = small.read(&plan, i64::MAX);
                assert_eq!(hashes, small.afresh(&plan), "{what}");
                assert_eq!(is_read, what != "another table", "{what}");
            }
        }
    }

    #[test]
    fn images_that_changed_a_moment_ago_are_looked_at_again() {
        let small = Small::new();
        let plan = small.plan(Verify::Whole);
        for _ in 0..2 {
            assert_eq!(small.read(&plan, 0), (small.afresh(&plan), true));
        }
    }

    #[test]
    fn images_within_other_files_are_looked_at_every_time() {
        let small = Small::new();
        fs::remove_dir_all(small.path("a")).unwrap();
        let mut archive = tar::Builder::new(fs::File::create(small.path("a.tar")).unwrap());
        archive.append_path_with_name(small.path("c/1.png"), "1.png").unwrap();
        archive.finish().unwrap();
        fs::create_dir(small.path("a")).unwrap();
        fs::rename(small.path("a.tar"), small.path("a/1.tar")).unwrap();
        let plan = small.plan(Verify::Whole);
        for _ in 0..2 {
            assert_eq!(small.read(&plan, i64::MAX), (small.afresh(&plan), true));
        }
    }

    #[test]
    fn a_damaged_cache_costs_time_only() {
        let small = Small::new();
        let plan = small.plan(Verify::Whole);
        let (hashes, _) = small.read(&plan, i64::MAX);
        let file = file(&small.path("cache"), &plan);
        for damage in [b"".as_slice(), b"garbage"] {
            fs::write(&file, damage).unwrap();
            assert_eq!(small.read(&plan, i64::MAX), (hashes.clone(), true));
        }
        assert_eq!(small.read(&plan, i64::MAX), (hashes, false));
    }

    #[test]
    fn bytes_are_hashed_in_their_order_however_many_there_are() {
        for count in [0, 1, 4095, 4096, 4097, 200_000] {
            let whole: Vec<u8> = (0..count as u32).flat_map(u32::to_le_bytes).collect();
            let mut hasher = blake3::Hasher::new();
            let written = AtomicU64::new(0);
            update_in_runs(&mut hasher, count, |at, run| {
                written.fetch_add(1, Ordering::Relaxed);
                run.extend_from_slice(&(at as u32).to_le_bytes());
            });
            assert_eq!(hasher.finalize(), blake3::hash(&whole), "{count}");
            assert_eq!(written.into_inner(), count as u64);
        }
    }
}
