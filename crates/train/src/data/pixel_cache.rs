//! A cache of decoded images on disk.

use std::path::{Path, PathBuf};

use cliptune_clip::image::{DECODING, Preprocessor};
use cliptune_durable::write_remade;
use cliptune_store::{PIXEL_CHECKSUM, pixel_checksum, read_file};
use fs_err as fs;

/// The number of hexadecimal digits that stand for a preprocessing in its folder's name.
const DIGITS: usize = 16;
/// The most bytes that a data set may take, so that none fills a disk with what can be computed again.
const LARGEST: u64 = 32 << 30;
/// The free space, in bytes, that is left to checkpoints and models.
const RESERVE: u64 = 8 << 30;

/// Stores pixels by content and preprocessing: `<folder>/<preprocessing>/<first two digits>/<image hash>`.
///
/// The cache holds nothing that cannot be computed again and may be removed at any time. A damaged file counts as
/// absent, and an image that cannot be written is not kept: a full disk costs time and nothing else.
#[derive(Debug)]
pub struct PixelCache {
    folder: PathBuf,
    /// The number of bytes of an image.
    length: usize,
    /// The number of bytes that must be free on the file system for another image to be kept.
    reserve: u64,
}

impl PixelCache {
    /// Opens the cache below a folder for so many images, or returns `None` if they are more than it should hold.
    pub fn open(folder: &Path, preprocessor: &Preprocessor, images: usize) -> Option<Self> {
        let length = preprocessor.length();
        let fits = (images as u64).saturating_mul(length as u64) <= LARGEST;
        let description = preprocessor.describe().ok().filter(|_| fits)?;
        let mut name = blake3::hash(format!("{DECODING} {description}").as_bytes()).to_hex().to_string();
        name.truncate(DIGITS);
        Some(Self { folder: folder.join("pixels").join(name), length, reserve: RESERVE })
    }

    /// Returns the pixels of the image with this content.
    pub fn get(&self, image_hash: &str) -> Option<Vec<u8>> {
        let mut bytes = read_file(&self.file(image_hash)).ok()?;
        if bytes.len() != self.length + PIXEL_CHECKSUM {
            return None;
        }
        let found = bytes.split_off(self.length);
        (found == pixel_checksum(image_hash, &bytes)).then_some(bytes)
    }

    /// Keeps the pixels of an image while there is enough space.
    pub fn put(&self, image_hash: &str, pixels: &[u8]) {
        let file = self.file(image_hash);
        let kept = file.parent().map_or(Ok(()), fs::create_dir_all).is_ok() && self.has_space();
        if kept {
            // Whatever else has the file's name is replaced, and what cannot be written is not kept.
            let _ = write_remade(&file, &[pixels, &pixel_checksum(image_hash, pixels)].concat());
        }
    }

    fn has_space(&self) -> bool {
        rustix::fs::statvfs(&self.folder)
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= self.reserve)
    }

    fn file(&self, image_hash: &str) -> PathBuf {
        self.folder.join(image_hash.get(..2).unwrap_or_default()).join(image_hash)
    }
}

#[cfg(test)]
mod tests {
    use cliptune_clip::image::Fit;

    use super::*;

    fn cache(folder: &Path, fit: Fit) -> PixelCache {
        let cache = PixelCache::open(folder, &Preprocessor::openai(1, fit), 1).unwrap();
        PixelCache { reserve: 0, ..cache }
    }

    #[test]
    fn pixels_come_back_for_the_same_content_and_preprocessing_alone() {
        let folder = tempfile::tempdir().unwrap();
        let crop = cache(folder.path(), Fit::Crop);
        assert_eq!(crop.get("abc"), None);
        crop.put("abc", &[1, 2, 3]);
        assert_eq!(cache(folder.path(), Fit::Crop).get("abc"), Some(vec![1, 2, 3]));
        assert_eq!(crop.get("abd"), None);
        assert_eq!(cache(folder.path(), Fit::Pad).get("abc"), None);
    }

    #[test]
    fn what_is_damaged_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), Fit::Crop);
        cache.put("abc", &[1, 2, 3]);
        let whole = fs::read(cache.file("abc")).unwrap();
        let mut changed = whole.clone();
        changed[1] += 1;
        for damaged in [&whole[..5], &[], &changed[..]] {
            fs::write(cache.file("abc"), damaged).unwrap();
            assert_eq!(cache.get("abc"), None);
        }
        // The file is whole, but belongs to another image.
        fs::write(cache.file("abd"), &whole).unwrap();
        assert_eq!(cache.get("abd"), None);
    }

    #[test]
    fn what_is_no_file_is_not_there_and_makes_way() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), Fit::Crop);
        let file = cache.file("abc");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // To read it would never end.
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        assert_eq!(cache.get("abc"), None);
        cache.put("abc", &[1, 2, 3]);
        assert_eq!(cache.get("abc"), Some(vec![1, 2, 3]));
    }

    #[test]
    fn what_cannot_be_written_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pixels"), "a file in the way").unwrap();
        let cache = cache(folder.path(), Fit::Crop);
        cache.put("abc", &[1, 2, 3]);
        assert_eq!(cache.get("abc"), None);
    }

    #[test]
    fn nothing_is_kept_on_a_disk_that_is_nearly_full() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PixelCache { reserve: u64::MAX, ..cache(folder.path(), Fit::Crop) };
        cache.put("abc", &[1, 2, 3]);
        assert_eq!(cache.get("abc"), None);
    }

    #[test]
    fn whoever_reads_while_others_write_sees_whole_images_alone() {
        let folder = tempfile::tempdir().unwrap();
        // Each has a cache of its own, as processes have.
        let (writers, side) = (4, 512);
        let open = || {
            let cache = PixelCache::open(folder.path(), &Preprocessor::openai(side, Fit::Crop), 1).unwrap();
            PixelCache { reserve: 0, ..cache }
        };
        let pixels = |image: u8| vec![image; open().length];
        std::thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| {
                    let cache = open();
                    for image in (0..3).cycle().take(30) {
                        let name = format!("{image:02}");
                        let found = cache.get(&name);
                        assert!(found.is_none_or(|found| found == pixels(image)));
                        cache.put(&name, &pixels(image));
                    }
                });
            }
        });
        let files = fs::read_dir(open().file("00").parent().unwrap()).unwrap().count();
        assert_eq!((open().get("00"), files), (Some(pixels(0)), 1), "nothing unfinished is left");
    }

    #[test]
    fn a_very_large_dataset_is_decoded_each_time() {
        let preprocessor = Preprocessor::openai(224, Fit::Crop);
        assert!(PixelCache::open(Path::new("cache"), &preprocessor, 1_000_000).is_none());
    }
}
