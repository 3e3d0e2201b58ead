//! The images of a source as they were found: those of a folder tree folder by folder.
//!
//! Where no image has changed, nobody asks for more than what all of them look like. A list of the names of all folders, of which
//! there may be millions, would be made for nobody.

use std::path::{Path, PathBuf};

use rayon::slice::ParallelSliceMut as _;

use super::{Contents, ImageFiles};
use crate::digests::Stamp;
use crate::error::StoreError;
use crate::folder_files::visit_below;
use crate::image_kinds::Kinds;
use crate::source_hashes::update_in_runs;

/// The images of a source.
pub(crate) enum Found {
    /// Those of a folder and of the folders below it.
    Parts(Parts),
    /// Those that somebody has named.
    Files(ImageFiles),
}

impl Found {
    /// Returns the folder that the paths of the images start from.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Parts(parts) => &parts.folder,
            Self::Files(files) => &files.names.folder,
        }
    }

    /// Puts all images into one list.
    pub(crate) fn files(self) -> ImageFiles {
        match self {
            Self::Parts(parts) => parts.files(),
            Self::Files(files) => files,
        }
    }

    /// Returns what tables may lie in, without a list of the images of a folder tree.
    pub(crate) fn beside(&self) -> Beside<'_> {
        match self {
            Self::Parts(parts) => {
                Beside { named: parts.packed(), tables: parts.all(|contents| &contents.tables) }
            }
            Self::Files(files) => {
                Beside { named: texts(&files.names.relative), tables: texts(&files.tables) }
            }
        }
    }

    /// Checks whether these images are others from the same folder.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            // A folder has the same images however often it is named.
            (Self::Parts(_), Self::Parts(_)) => true,
            (Self::Files(one), Self::Files(other)) => one.names.relative == other.names.relative,
            (Self::Parts(parts), Self::Files(files)) | (Self::Files(files), Self::Parts(parts)) => {
                parts.names() == files.names.relative
            }
        }
    }

    /// Makes sure that all of them have names that are texts.
    pub(crate) fn all_named(self) -> Result<Self, StoreError> {
        match self {
            Self::Parts(parts) => parts.all_named().map(Self::Parts),
            Self::Files(files) => files.all_named().map(Self::Files),
        }
    }

    /// Returns what the images look like, or `None` where they are parts of other files, of which a listing says nothing, or
    /// were found without their stamps.
    pub(crate) fn look(&self) -> Option<Look> {
        match self {
            Self::Parts(parts) => parts.look(),
            Self::Files(_) => None,
        }
    }
}

/// The files among and beside the images of a source that may have the table of these, sorted.
pub(crate) struct Beside<'f> {
    /// The files that somebody has named, or those of a folder tree that images lie within.
    pub(crate) named: Vec<&'f str>,
    /// The tables that lie in the folders of the images.
    pub(crate) tables: Vec<&'f str>,
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// What images look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// A hash of their names and of their stamps.
    pub(crate) hash: [u8; 32],
    /// The time of the last change of any of them.
    pub(crate) latest: i64,
}

impl Look {
    /// Looks at images in their order.
    fn of(names: &[String], stamps: &[Stamp]) -> Self {
        let mut hasher = blake3::Hasher::new();
        update_in_runs(&mut hasher, names.len(), |at, run| {
            run.extend_from_slice(names[at].as_bytes());
            // A name ends where a byte stands that no name has.
            run.push(0);
            run.extend_from_slice(&stamps[at].to_bytes());
        });
        let latest = stamps.iter().map(Stamp::latest).max().unwrap_or(i64::MIN);
        Self { hash: *hasher.finalize().as_bytes(), latest }
    }
}

/// The images of a folder and of the folders below it.
pub(crate) struct Parts {
    folder: PathBuf,
    /// What lies directly in each of the folders, in the order of their first images.
    parts: Vec<Part>,
}

/// What lies directly in a folder.
struct Part {
    /// The images are sorted.
    contents: Contents,
    /// The stamps of the images, or `None` where one of them cannot be asked for any more.
    stamps: Option<Vec<Stamp>>,
    look: Option<Look>,
}

impl Parts {
    /// Lists the images of a folder, and looks at each while the system still has its folder at hand.
    pub(super) fn of(folder: &Path, kinds: Kinds) -> Result<Self, StoreError> {
        let mut parts = visit_below(folder, |at, files| {
            let mut contents = Contents::default();
            files.into_iter().for_each(|below| contents.add(below, kinds));
            contents.add_unread();
            contents.images.par_sort_unstable();
            let stamps = Stamp::of_all(at, &contents.images);
            let look = stamps.as_ref().map(|stamps| Look::of(&contents.images, stamps));
            Ok(Part { contents, stamps, look })
        })?;
        // In a tree that has its images in the lowest folders this is their order already, which spares a sort of all.
        parts.sort_unstable_by(|one, other| one.contents.images.first().cmp(&other.contents.images.first()));
        Ok(Self { folder: folder.to_path_buf(), parts })
    }

    /// Checks whether there is nothing that is an image or that images may lie within.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.contents.is_empty())
    }

    fn all_named(self) -> Result<Self, StoreError> {
        match self.parts.iter().find_map(|part| part.contents.unnamed.first()) {
            Some(unnamed) => Err(StoreError::FileName { path: self.folder.join(unnamed) }),
            None => Ok(self),
        }
    }

    /// Checks whether the images lie within other files. Images that are not read hide none of these, as when all are put
    /// together.
    fn is_packed(&self) -> bool {
        self.parts.iter().any(|part| part.contents.is_packed())
            && self.parts.iter().all(|part| part.contents.is_unread())
    }

    /// Returns the files that images lie within: archives, or else parquet files. There are none where images are files of their
    /// own.
    fn packed(&self) -> Vec<&str> {
        if !self.is_packed() {
            return Vec::new();
        }
        let archives = self.all(|contents| &contents.archives);
        if archives.is_empty() { self.all(|contents| &contents.parquet) } else { archives }
    }

    /// Returns the names that the list of all images has.
    fn names(&self) -> Vec<&str> {
        if self.is_packed() { self.packed() } else { self.all(|contents| &contents.images) }
    }

    /// Returns the files of one kind, sorted.
    fn all(&self, of: impl Fn(&Contents) -> &Vec<String>) -> Vec<&str> {
        let names = self.parts.iter().flat_map(|part| of(&part.contents));
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        names.par_sort_unstable();
        names
    }

    fn look(&self) -> Option<Look> {
        if self.is_packed() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        let mut latest = None;
        for part in self.parts.iter().filter(|part| !part.contents.images.is_empty()) {
            let look = part.look?;
            hasher.update(&look.hash);
            latest = latest.max(Some(look.latest));
        }
        Some(Look { hash: *hasher.finalize().as_bytes(), latest: latest? })
    }

    fn files(self) -> ImageFiles {
        let images = self.parts.iter().map(|part| part.contents.images.len()).sum();
        let (mut contents, mut stamps) = (Contents::default(), Some(Vec::with_capacity(images)));
        contents.images.reserve(images);
        for part in self.parts {
            contents.append(part.contents);
            stamps = stamps.zip(part.stamps).map(|(mut all, found)| {
                all.extend(found);
                all
            });
        }
        contents.images(self.folder, stamps)
    }
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::super::find;
    use super::*;

    fn look(folder: &Path) -> Option<Look> {
        find(folder, Kinds::Known).unwrap().look()
    }

    #[test]
    fn images_look_the_same_until_one_of_them_changes() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a", "a/b", "c"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("1.png"), folder).unwrap();
        }
        let before = look(root.path()).unwrap();
        assert_eq!(look(root.path()), Some(before));
        // What is no image is not looked at.
        fs::write(root.path().join("a/notes.txt"), "").unwrap();
        assert_eq!(look(root.path()), Some(before));
        fs::rename(root.path().join("a/b"), root.path().join("a/d")).unwrap();
        let renamed = look(root.path()).unwrap();
        assert_ne!(renamed.hash, before.hash);
        fs::write(root.path().join("c/1.png"), "longer").unwrap();
        let written = look(root.path()).unwrap();
        assert_ne!(written.hash, renamed.hash);
        assert!(written.latest >= renamed.latest);
    }

    #[test]
    fn images_within_other_files_look_like_nothing() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        for file in ["a/1.avif", "2.tar"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        assert_eq!(look(root.path()), None);
        fs::write(root.path().join("3.png"), "").unwrap();
        assert!(look(root.path()).is_some());
    }

    #[test]
    fn what_tables_may_lie_in_is_that_of_the_list_of_all_images() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a", "b"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        // Each file is added to those before it.
        for (file, named, tables) in [
            ("b/2.parquet", "b/2.parquet", ""),
            ("b/metadata.csv", "b/2.parquet", "b/metadata.csv"),
            ("b/2.tar", "b/2.tar", "b/metadata.csv"),
            ("a/1.tar", "a/1.tar b/2.tar", "b/metadata.csv"),
            ("a/1.avif", "a/1.tar b/2.tar", "b/metadata.csv"),
            ("a/metadata.csv", "a/1.tar b/2.tar", "a/metadata.csv b/metadata.csv"),
            ("b/1.png", "", "a/metadata.csv b/metadata.csv"),
        ] {
            fs::write(root.path().join(file), "").unwrap();
            let found = find(root.path(), Kinds::Known).unwrap();
            let Beside { named: found_named, tables: found_tables } = found.beside();
            assert_eq!((&*found_named.join(" "), &*found_tables.join(" ")), (named, tables), "{file}");
            let Found::Parts(parts) = &found else { panic!("a folder has parts") };
            let names = parts.names().join(" ");
            let files = found.files();
            assert_eq!(
                [names, tables.to_owned()],
                [files.names.relative, files.tables].map(|names| names.join(" "))
            );
        }
    }

    #[test]
    fn a_folder_and_a_glob_for_all_that_is_in_it_are_the_same_images() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        for file in ["a/1.png", "2.png"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let found = |below: &str| find(&root.path().join(below), Kinds::Known).unwrap();
        let (folder, all, some) = (found(""), found("**/*.png"), found("*.png"));
        assert!(folder.is_same(&found("")) && folder.is_same(&all) && all.is_same(&folder));
        assert!(!folder.is_same(&some) && !some.is_same(&folder) && !some.is_same(&all));
        assert!(all.is_same(&found("**/*.png")));
    }
}
