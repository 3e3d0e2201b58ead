//! Finds the image files of a plan.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use cliptune_sources::glob;
use globset::GlobMatcher;
use walkdir::{DirEntry, WalkDir};

use crate::error::{MissingImages, StoreError};

/// The file name extensions of images in a folder, in lower case. A glob itself says which files it means.
pub(crate) const EXTENSIONS: [&str; 10] =
    ["bmp", "dib", "gif", "jfif", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// Files, as sorted paths relative to a folder, with forward slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileNames {
    pub(crate) folder: PathBuf,
    pub(crate) relative: Vec<String>,
}

/// The image files of a source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ImageFiles {
    pub(crate) names: FileNames,
    /// The number of other files in the folder, by extension. Some of them may be images that the user meant.
    pub(crate) passed_over: BTreeMap<String, u64>,
}

/// Lists the images in a folder (recursively), a single file, or the files that a glob matches.
///
/// Symbolic links are followed, except those that lead back to a folder above them. Names that start with a dot are
/// skipped as well, such as checkpoints of notebooks and resource forks.
pub(crate) fn list(images: &Path) -> Result<ImageFiles, StoreError> {
    if images.is_dir() {
        let found = walk(images, is_image)?;
        return match found.names.relative.is_empty() {
            true => Err(StoreError::NoImages { path: images.to_path_buf(), missing: MissingImages::Folder }),
            false => Ok(found),
        };
    }
    if let Some(names) = single(images)? {
        return Ok(ImageFiles { names, passed_over: BTreeMap::new() });
    }
    let missing = |missing| StoreError::NoImages { path: images.to_path_buf(), missing };
    let names = matching(images)?.ok_or_else(|| missing(MissingImages::Path))?;
    if names.relative.is_empty() {
        return Err(missing(MissingImages::Glob));
    }
    // A glob itself says which files it means, so the files that it does not match are not counted as passed over.
    Ok(ImageFiles { names, passed_over: BTreeMap::new() })
}

/// Returns the only file that a path names, if it names a file.
pub(crate) fn single(path: &Path) -> Result<Option<FileNames>, StoreError> {
    let (true, Some(folder), Some(name)) = (path.is_file(), path.parent(), path.file_name()) else {
        return Ok(None);
    };
    Ok(Some(FileNames { folder: folder.to_path_buf(), relative: vec![text(Path::new(name), path)?] }))
}

/// Returns the files that a glob matches, possibly none. Returns `None` when the path is not a glob below an existing
/// folder.
pub(crate) fn matching(glob: &Path) -> Result<Option<FileNames>, StoreError> {
    let (folder, pattern) = split_glob(glob);
    if pattern.as_os_str().is_empty() || !folder.is_dir() {
        return Ok(None);
    }
    let matcher = matcher(glob, &pattern)?;
    Ok(Some(walk(&folder, |relative| matcher.is_match(relative))?.names))
}

fn walk(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<ImageFiles, StoreError> {
    let mut relative = Vec::new();
    let mut passed_over = BTreeMap::new();
    let visible =
        |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".");
    for entry in WalkDir::new(folder).follow_links(true).into_iter().filter_entry(visible) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if leads_nowhere(&error) => continue,
            Err(error) => return Err(std::io::Error::from(error).into()),
        };
        let Ok(below) = entry.path().strip_prefix(folder) else { continue };
        if !entry.file_type().is_file() {
            continue;
        }
        match wanted(below) {
            true => relative.push(text(below, entry.path())?),
            false => *passed_over.entry(extension(below)).or_default() += 1,
        }
    }
    relative.sort_unstable();
    Ok(ImageFiles { names: FileNames { folder: folder.to_path_buf(), relative }, passed_over })
}

fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Checks whether the error comes from a link that leads in a circle or to nothing.
fn leads_nowhere(error: &walkdir::Error) -> bool {
    let dangling = error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    error.loop_ancestor().is_some() || (dangling && error.path().is_some_and(Path::is_symlink))
}

pub(crate) fn is_image(path: &Path) -> bool {
    EXTENSIONS.contains(&extension(path).as_str())
}

/// Splits a path into the folder before the first component with a wildcard, and the rest.
fn split_glob(images: &Path) -> (PathBuf, PathBuf) {
    let wild = |component: &Component<'_>| glob::is_pattern(&component.as_os_str().to_string_lossy());
    let folder: PathBuf = images.components().take_while(|component| !wild(component)).collect();
    let pattern = images.components().skip_while(|component| !wild(component)).collect();
    (folder, pattern)
}

fn matcher(images: &Path, pattern: &Path) -> Result<GlobMatcher, StoreError> {
    let text = text(pattern, images)?;
    glob::matcher(&text).map_err(|source| StoreError::Glob { path: images.to_path_buf(), source })
}

/// Returns a relative path as text with forward slashes.
fn text(relative: &Path, path: &Path) -> Result<String, StoreError> {
    let parts: Option<Vec<&str>> = relative.components().map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/")).ok_or_else(|| StoreError::FileName { path: path.to_path_buf() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

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
    fn files_that_are_no_images_by_their_name_are_counted_by_extension() {
        let root = folder(&["a.png", "b.AVIF", "c/d.avif", "e.svg", "README", ".hidden.avif"]);
        let passed_over = list(root.path()).unwrap().passed_over;
        let expected = [("", 1), ("avif", 2), ("svg", 1)].map(|(name, number)| (name.to_owned(), number));
        assert_eq!(passed_over, BTreeMap::from(expected));
        assert!(list(&root.path().join("*.png")).unwrap().passed_over.is_empty());
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
