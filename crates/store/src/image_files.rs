//! Finds the image files of a plan.

mod found;

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

use cliptune_sources::glob;
use globset::GlobMatcher;
use rayon::slice::ParallelSliceMut as _;

use crate::digests::Stamp;
use crate::error::{MissingImages, StoreError};
use crate::folder_files::files_below;
use crate::image_kinds::{Kinds, extension, is_image_name, is_unread_name};
use crate::packed::{Packing, refuse_compressed};
use crate::regular::{is_folder, is_regular};
use found::Parts;

pub(crate) use found::{Beside, Found, Look};

/// Files, as sorted paths relative to a folder, with forward slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileNames {
    pub(crate) folder: PathBuf,
    pub(crate) relative: Vec<String>,
    /// Those whose names are not UTF-8, which neither a table nor JSON can hold; in no particular order.
    pub(crate) unnamed: Vec<PathBuf>,
    /// The stamp of each, where the listing has asked for them: then every one is a file of its own.
    pub(crate) stamps: Option<Vec<Stamp>>,
}

impl FileNames {
    /// Returns files whose stamps nobody has asked for yet.
    pub(crate) fn new(folder: PathBuf, relative: Vec<String>) -> Self {
        Self { folder, relative, unnamed: Vec::new(), stamps: None }
    }

    /// Splits files by whether their names are texts, and sorts these.
    fn sorted(folder: PathBuf, below: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut names = Self::new(folder, Vec::new());
        for below in below {
            match below.into_os_string().into_string() {
                Ok(name) => names.relative.push(name),
                Err(other) => names.unnamed.push(other.into()),
            }
        }
        names.relative.par_sort_unstable();
        names
    }

    /// Checks whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.relative.is_empty() && self.unnamed.is_empty()
    }

    /// Makes sure that all of them have names that are texts.
    pub(crate) fn all_named(self) -> Result<Self, StoreError> {
        match self.unnamed.first() {
            Some(unnamed) => Err(StoreError::FileName { path: self.folder.join(unnamed) }),
            None => Ok(self),
        }
    }
}

/// The image files of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageFiles {
    pub(crate) names: FileNames,
    /// The number of other files in the folder, by extension. Some of them may be images that the user meant.
    pub(crate) passed_over: BTreeMap<String, u64>,
    /// The tables that lie in the folder beside the images, sorted.
    pub(crate) tables: Vec<String>,
}

impl ImageFiles {
    /// Returns files that are images because somebody has named them, unless they are compressed archives. Of what was named,
    /// nothing but these was passed over.
    pub(crate) fn named(names: FileNames, passed_over: BTreeMap<String, u64>) -> Result<Self, StoreError> {
        refuse_compressed(&names)?;
        Ok(Self { names, passed_over, tables: Vec::new() })
    }

    /// Makes sure that all of them have names that are texts.
    pub(crate) fn all_named(self) -> Result<Self, StoreError> {
        Ok(Self { names: self.names.all_named()?, ..self })
    }
}

/// The names that Hugging Face gives the table of a folder of images.
const TABLES: [&str; 3] = ["metadata.jsonl", "metadata.csv", "metadata.parquet"];

/// Checks whether a file is the table of the images in its folder.
pub(crate) fn is_table(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| TABLES.contains(&name))
}

/// The files of a folder, by what they are.
#[derive(Default)]
pub(crate) struct Contents {
    images: Vec<String>,
    /// Images of kinds that are not read, until it is known which of them are there in another kind as well.
    unread: Vec<String>,
    archives: Vec<String>,
    parquet: Vec<String>,
    tables: Vec<String>,
    unnamed: Vec<PathBuf>,
    others: BTreeMap<String, u64>,
}

impl Contents {
    /// Adds a file by its path below the folder.
    pub(crate) fn add(&mut self, below: PathBuf, kinds: Kinds) {
        let files = match () {
            () if is_image_name(&below) => &mut self.images,
            () if kinds.have(&below) => &mut self.unread,
            () if is_table(&below) => &mut self.tables,
            () => match Packing::of(&below) {
                Some(Packing::Tar) => &mut self.archives,
                Some(Packing::Parquet) => &mut self.parquet,
                None => return self.count(&below),
            },
        };
        match below.into_os_string().into_string() {
            Ok(name) => files.push(name),
            Err(other) => self.unnamed.push(other.into()),
        }
    }

    /// Takes the images that are not read for images like all others once every file of their folder has been added, except
    /// those that lie beside the same image in a kind that is read, as `1.avif` beside `1.jpg` does.
    pub(crate) fn add_unread(&mut self) {
        fn stem(name: &str) -> &str {
            name.rsplit_once('.').map_or(name, |(stem, _)| stem)
        }
        let unread = std::mem::take(&mut self.unread);
        if unread.is_empty() {
            return;
        }
        let read: HashSet<&str> = self.images.iter().map(|name| stem(name)).collect();
        let (doubled, alone): (Vec<String>, Vec<String>) =
            unread.into_iter().partition(|name| read.contains(stem(name)));
        self.images.extend(alone);
        doubled.iter().for_each(|name| self.count(Path::new(name)));
    }

    fn count(&mut self, below: &Path) {
        *self.others.entry(extension(below)).or_default() += 1;
    }

    /// Checks whether there is nothing that is an image or that images may lie within.
    fn is_empty(&self) -> bool {
        self.images.is_empty() && self.unnamed.is_empty() && !self.is_packed()
    }

    /// Checks whether there is something that images may lie within.
    fn is_packed(&self) -> bool {
        !(self.archives.is_empty() && self.parquet.is_empty())
    }

    /// Checks whether no image is of a kind that is read.
    fn is_unread(&self) -> bool {
        self.images.iter().all(|name| is_unread_name(name.as_ref()))
    }

    /// Adds what is in another folder.
    fn append(&mut self, other: Self) {
        self.images.extend(other.images);
        self.archives.extend(other.archives);
        self.parquet.extend(other.parquet);
        self.tables.extend(other.tables);
        self.unnamed.extend(other.unnamed);
        other.others.into_iter().for_each(|(kind, files)| *self.others.entry(kind).or_default() += files);
    }

    /// Returns the images of the folder, and where it has none, the archives or else the parquet files that may hold them.
    /// The stamps are those of the images, in the order in which these were added.
    pub(crate) fn images(mut self, folder: PathBuf, stamps: Option<Vec<Stamp>>) -> ImageFiles {
        if self.is_packed() && self.is_unread() {
            // What is not read hides no archive.
            std::mem::take(&mut self.images).iter().for_each(|name| self.count(Path::new(name)));
        }
        let stamps = stamps.filter(|_| !self.images.is_empty());
        let mut sources = [&mut self.images, &mut self.archives, &mut self.parquet].map(std::mem::take);
        let chosen = sources.iter_mut().find(|files| !files.is_empty()).map(std::mem::take);
        sources.iter().flatten().for_each(|name| self.count(Path::new(name)));
        let (relative, stamps) = sorted(chosen.unwrap_or_default(), stamps);
        self.tables.sort_unstable();
        let names = FileNames { folder, relative, unnamed: self.unnamed, stamps };
        ImageFiles { names, passed_over: self.others, tables: self.tables }
    }
}

/// Sorts names, and stamps along with them.
fn sorted(mut names: Vec<String>, stamps: Option<Vec<Stamp>>) -> (Vec<String>, Option<Vec<Stamp>>) {
    match stamps {
        stamps if names.is_sorted() => (names, stamps),
        None => {
            names.par_sort_unstable();
            (names, None)
        }
        Some(stamps) => {
            let mut both: Vec<(String, Stamp)> = names.into_iter().zip(stamps).collect();
            both.par_sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            let (names, stamps) = both.into_iter().unzip();
            (names, Some(stamps))
        }
    }
}

/// Lists the images in a folder (recursively), a single file, or the files that a glob matches. Files that images lie within
/// stand for these.
///
/// Symbolic links are followed, except those that lead back to a folder above them. Names that start with a dot are
/// skipped as well, such as checkpoints of notebooks and resource forks.
pub(crate) fn list(images: &Path, kinds: Kinds) -> Result<ImageFiles, StoreError> {
    find(images, kinds).map(Found::files)
}

/// Does the same without putting the images of a folder tree into one list.
pub(crate) fn find(images: &Path, kinds: Kinds) -> Result<Found, StoreError> {
    if is_folder(images)? {
        let found = Parts::of(images, kinds)?;
        return match found.is_empty() {
            true => Err(StoreError::NoImages { path: images.to_path_buf(), missing: MissingImages::Folder }),
            false => Ok(Found::Parts(found)),
        };
    }
    if let Some(names) = single(images)? {
        return ImageFiles::named(names, BTreeMap::new()).map(Found::Files);
    }
    let missing = |missing| StoreError::NoImages { path: images.to_path_buf(), missing };
    let names = matching(images)?.ok_or_else(|| missing(MissingImages::Path))?;
    if names.is_empty() {
        return Err(missing(MissingImages::Glob));
    }
    ImageFiles::named(names, BTreeMap::new()).map(Found::Files)
}

/// Finds the tables of images in a folder.
pub(crate) fn tables_below(folder: &Path) -> Result<Vec<String>, StoreError> {
    Ok(below(folder, is_table)?.all_named()?.relative)
}

/// Returns the only file that a path names, if it names a file.
pub(crate) fn single(path: &Path) -> Result<Option<FileNames>, StoreError> {
    let (true, Some(folder), Some(name)) = (is_regular(path)?, path.parent(), path.file_name()) else {
        return Ok(None);
    };
    Ok(Some(FileNames::sorted(folder.to_path_buf(), [PathBuf::from(name)])))
}

/// Returns the files that a glob matches, possibly none. Returns `None` when the path is not a glob below an existing
/// folder.
pub(crate) fn matching(glob: &Path) -> Result<Option<FileNames>, StoreError> {
    let (folder, pattern) = split_glob(glob);
    if pattern.as_os_str().is_empty() || !is_folder(&folder)? {
        return Ok(None);
    }
    let matcher = matcher(glob, &pattern)?;
    Ok(Some(below(&folder, |below| matcher.is_match(below))?))
}

/// Returns the wanted files below a folder.
pub(crate) fn below(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<FileNames, StoreError> {
    let wanted = files_below(folder)?.into_iter().filter(|below| wanted(below));
    Ok(FileNames::sorted(folder.to_path_buf(), wanted))
}

/// Splits a path into the folder before the first component with a wildcard, and the rest. A folder that exists is no
/// wildcard, whatever its name: a glob means the same wherever the folder above it has been moved to.
pub fn split_glob(images: &Path) -> (PathBuf, PathBuf) {
    let is_wild = |component: &Component<'_>| glob::is_pattern(&component.as_os_str().to_string_lossy());
    let mut folder = PathBuf::new();
    let mut components = images.components();
    let mut pattern = components.as_path();
    while let Some(component) = components.next() {
        let below = folder.join(component);
        if is_wild(&component) && !below.is_dir() {
            break;
        }
        (folder, pattern) = (below, components.as_path());
    }
    (folder, pattern.to_path_buf())
}

fn matcher(images: &Path, pattern: &Path) -> Result<GlobMatcher, StoreError> {
    let text = pattern.to_str().ok_or_else(|| StoreError::FileName { path: images.to_path_buf() })?;
    glob::matcher(text).map_err(|source| StoreError::Glob { path: images.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    fn list(images: &Path) -> Result<ImageFiles, StoreError> {
        super::list(images, Kinds::Read)
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        root
    }

    #[test]
    fn a_folder_gives_its_images_sorted_and_nothing_else() {
        let root =
            folder(&["b/2.JPG", "a.png", "b/1.jpeg", "notes.txt", ".hidden.png", ".x/3.png", "c.webp", "d"]);
        assert_eq!(list(root.path()).unwrap().names.relative, ["a.png", "b/1.jpeg", "b/2.JPG", "c.webp"]);
    }

    #[test]
    fn images_of_all_folders_are_in_one_order_and_each_has_its_own_stamp() {
        let files = ["a-b.png", "a.png", "a/1.png", "a/b/2.png", "a/b0.png", "b.png", "c/d/3.png", "c/d.png"];
        let root = folder(&files);
        let names = list(root.path()).unwrap().names;
        let mut expected = files.to_vec();
        expected.sort_unstable();
        assert_eq!(names.relative, expected);
        let stamp = |name: &String| Stamp::of_file(&root.path().join(name)).unwrap();
        assert_eq!(names.stamps, Some(names.relative.iter().map(stamp).collect()));
    }

    #[test]
    fn files_that_are_no_images_by_their_name_are_counted_by_extension() {
        let root = folder(&["a.png", "b.AVIF", "c/d.avif", "e.svg", "README", ".hidden.avif"]);
        let passed_over = list(root.path()).unwrap().passed_over;
        let expected = [("", 1), ("avif", 2), ("svg", 1)].map(|(name, number)| (name.to_owned(), number));
        assert_eq!(passed_over, BTreeMap::from(expected));
        assert!(list(&root.path().join("*.png")).unwrap().passed_over.is_empty());
    }

    #[test]
    fn images_that_are_not_read_are_images_unless_they_are_there_in_another_kind() {
        let known = |files: &[&str]| {
            let root = folder(files);
            let found = super::list(root.path(), Kinds::Known).unwrap();
            let stamp = |name: &String| Stamp::of_file(&root.path().join(name)).unwrap();
            if let Some(stamps) = &found.names.stamps {
                assert_eq!(stamps, &found.names.relative.iter().map(stamp).collect::<Vec<_>>());
            }
            let passed_over: Vec<String> =
                found.passed_over.iter().map(|(kind, files)| format!("{files} {kind}")).collect();
            (found.names.relative.join(" "), passed_over.join(" "))
        };
        let both = |names: &str, passed_over: &str| (names.to_owned(), passed_over.to_owned());
        let files = ["1.jpg", "1.avif", "2.HEIC", "a/1.jxl", "a/2.png", "drawing.svg", "print.pdf"];
        assert_eq!(known(&files), both("1.jpg 2.HEIC a/1.jxl a/2.png", "1 avif 1 pdf 1 svg"));
        assert_eq!(known(&["logo.ico", "1.tar"]), both("1.tar", "1 ico"));
        assert_eq!(known(&["1.avif"]), both("1.avif", ""));
    }

    #[test]
    fn a_glob_gives_what_it_matches() {
        let root =
            folder(&["one/1.jpeg", "one/2.jpeg", "one/deep/3.jpeg", "two/4.jpeg", "one/5.png", "one/6.bmp"]);
        let under = |pattern: &str| list(&root.path().join(pattern)).unwrap();
        assert_eq!(under("one/*.jpeg").names.relative, ["1.jpeg", "2.jpeg"]);
        assert_eq!(under("one/*.jpeg").names.folder, root.path().join("one"));
        assert_eq!(under("one/**/*.jpeg").names.relative, ["1.jpeg", "2.jpeg", "deep/3.jpeg"]);
        assert_eq!(under("{one,two}/[4-6].*").names.relative, ["one/5.png", "one/6.bmp", "two/4.jpeg"]);
        assert_eq!(under("two/4.jpeg").names.relative, ["4.jpeg"]);
    }

    #[test]
    fn a_glob_means_the_same_below_a_folder_whose_name_looks_like_one() {
        let root = folder(&["[old] {a,b} ?/one/1.png", "[old] {a,b} ?/[1]/2.png", "o/one/3.png"]);
        let under = |pattern: &str| list(&root.path().join("[old] {a,b} ?").join(pattern)).unwrap().names;
        assert_eq!(under("one/*.png").relative, ["1.png"]);
        assert_eq!(under("*/*.png").relative, ["[1]/2.png", "one/1.png"]);
        assert_eq!(under("[1]/*.png").folder, root.path().join("[old] {a,b} ?/[1]"));
    }

    #[test]
    fn hostile_names_are_names() {
        let names = ["a'b.png", "c\"d;--.png", "e\nf.png", "g[1].png", "ü 漫画 🐈.png"];
        let root = folder(&names);
        let mut expected = names.to_vec();
        expected.sort_unstable();
        assert_eq!(list(root.path()).unwrap().names.relative, expected);
        // A path that names an existing file is that file, even if it looks like a glob.
        assert_eq!(list(&root.path().join("g[1].png")).unwrap().names.relative, ["g[1].png"]);
    }

    #[test]
    fn names_that_are_no_text_are_kept_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let root = folder(&["a.png", "notes.txt"]);
        for other in [&b"\xff.png"[..], b"\xff.txt"] {
            fs::write(root.path().join(OsStr::from_bytes(other)), "").unwrap();
        }
        let unnamed = PathBuf::from(OsStr::from_bytes(b"\xff.png"));
        for path in [root.path().to_path_buf(), root.path().join("*.png")] {
            let names = list(&path).unwrap().names;
            assert_eq!(
                (&*names.relative, &*names.unnamed),
                (&["a.png".to_owned()][..], &[unnamed.clone()][..])
            );
            assert!(
                matches!(names.all_named(), Err(StoreError::FileName { path }) if path == root.path().join(&unnamed))
            );
        }
        fs::remove_file(root.path().join("a.png")).unwrap();
        // A folder of such files is not empty.
        for path in [root.path().to_path_buf(), root.path().join(&unnamed)] {
            assert_eq!(list(&path).unwrap().names.unnamed, std::slice::from_ref(&unnamed));
        }
    }

    #[test]
    fn links_in_a_circle_end() {
        let root = folder(&["a/1.png"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink("nowhere.png", root.path().join("a/dangling.png")).unwrap();
        std::os::unix::fs::symlink("1.png", root.path().join("a/2.png")).unwrap();
        assert_eq!(list(root.path()).unwrap().names.relative, ["a/1.png", "a/2.png"]);
    }

    #[test]
    fn missing_images_are_named() {
        let root = folder(&["notes.txt"]);
        for (pattern, expected) in
            [("", MissingImages::Folder), ("none", MissingImages::Path), ("*.png", MissingImages::Glob)]
        {
            let path = if pattern.is_empty() { root.path().to_path_buf() } else { root.path().join(pattern) };
            match list(&path).unwrap_err() {
                StoreError::NoImages { path: named, missing } => {
                    assert_eq!((named, missing), (path, expected));
                }
                other => panic!("{other}"),
            }
        }
        assert!(matches!(list(&root.path().join("[.png")), Err(StoreError::Glob { .. })));
    }
}
