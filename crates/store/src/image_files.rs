//! Finding the image files of a plan.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use crate::error::{MissingImages, StoreError};

/// File name extensions of images in a folder, in lower case; a glob says itself which files it means.
pub(crate) const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The image files of a plan: paths relative to a folder, with forward slashes, sorted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ImageFiles {
    pub(crate) folder: PathBuf,
    pub(crate) relative: Vec<String>,
}

/// Lists a folder (recursively, images only), a single file, or what a glob matches.
///
/// Symbolic links are followed; one that leads back to a folder above it is passed over. Names that start with a dot
/// are passed over too: checkpoints of notebooks, resource forks.
pub(crate) fn list(images: &Path) -> Result<ImageFiles, StoreError> {
    if images.is_dir() {
        return walk(images, MissingImages::Folder, is_image);
    }
    if let (true, Some(folder), Some(name)) = (images.is_file(), images.parent(), images.file_name()) {
        let relative = vec![text(Path::new(name), images)?];
        return Ok(ImageFiles { folder: folder.to_path_buf(), relative });
    }
    let (folder, pattern) = split_glob(images);
    let missing = |missing| StoreError::NoImages { path: images.to_path_buf(), missing };
    if pattern.as_os_str().is_empty() || !folder.is_dir() {
        return Err(missing(MissingImages::Path));
    }
    let matcher = matcher(images, &pattern)?;
    walk(&folder, MissingImages::Glob, |relative| matcher.is_match(relative)).map_err(|error| match error {
        StoreError::NoImages { missing: kind, .. } => missing(kind),
        other => other,
    })
}

fn walk(
    folder: &Path,
    missing: MissingImages,
    wanted: impl Fn(&Path) -> bool,
) -> Result<ImageFiles, StoreError> {
    let mut relative = Vec::new();
    let visible =
        |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".");
    for entry in WalkDir::new(folder).follow_links(true).into_iter().filter_entry(visible) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if passed_over(&error) => continue,
            Err(error) => return Err(std::io::Error::from(error).into()),
        };
        let Ok(below) = entry.path().strip_prefix(folder) else { continue };
        if entry.file_type().is_file() && wanted(below) {
            relative.push(text(below, entry.path())?);
        }
    }
    if relative.is_empty() {
        return Err(StoreError::NoImages { path: folder.to_path_buf(), missing });
    }
    relative.sort_unstable();
    Ok(ImageFiles { folder: folder.to_path_buf(), relative })
}

/// A link in a circle, or one that leads nowhere.
fn passed_over(error: &walkdir::Error) -> bool {
    let dangling = error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    error.loop_ancestor().is_some() || (dangling && error.path().is_some_and(Path::is_symlink))
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// The folder before the first component with a wildcard, and the rest.
fn split_glob(images: &Path) -> (PathBuf, PathBuf) {
    let wild =
        |component: &Component<'_>| component.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let folder: PathBuf = images.components().take_while(|component| !wild(component)).collect();
    let pattern = images.components().skip_while(|component| !wild(component)).collect();
    (folder, pattern)
}

fn matcher(images: &Path, pattern: &Path) -> Result<GlobMatcher, StoreError> {
    let text = text(pattern, images)?;
    let glob = GlobBuilder::new(&text).literal_separator(true).build();
    let glob = glob.map_err(|source| StoreError::Glob { path: images.to_path_buf(), source })?;
    Ok(glob.compile_matcher())
}

/// A relative path as text with forward slashes.
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
        assert_eq!(list(root.path()).unwrap().relative, ["a.png", "b/1.jpeg", "b/2.JPG", "c.webp"]);
    }

    #[test]
    fn a_glob_gives_what_it_matches() {
        let root =
            folder(&["one/1.jpeg", "one/2.jpeg", "one/deep/3.jpeg", "two/4.jpeg", "one/5.png", "one/6.bmp"]);
        let under = |pattern: &str| list(&root.path().join(pattern)).unwrap();
        assert_eq!(under("one/*.jpeg").relative, ["1.jpeg", "2.jpeg"]);
        assert_eq!(under("one/*.jpeg").folder, root.path().join("one"));
        assert_eq!(under("one/**/*.jpeg").relative, ["1.jpeg", "2.jpeg", "deep/3.jpeg"]);
        assert_eq!(under("{one,two}/[4-6].*").relative, ["one/5.png", "one/6.bmp", "two/4.jpeg"]);
        assert_eq!(under("two/4.jpeg").relative, ["4.jpeg"]);
    }

    #[test]
    fn hostile_names_are_names() {
        let names = ["a'b.png", "c\"d;--.png", "e\nf.png", "g[1].png", "ü 漫画 🐈.png"];
        let root = folder(&names);
        let mut expected = names.to_vec();
        expected.sort_unstable();
        assert_eq!(list(root.path()).unwrap().relative, expected);
        // A file whose name looks like a glob is that file.
        assert_eq!(list(&root.path().join("g[1].png")).unwrap().relative, ["g[1].png"]);
    }

    #[test]
    fn links_in_a_circle_end() {
        let root = folder(&["a/1.png"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink("nowhere.png", root.path().join("a/dangling.png")).unwrap();
        std::os::unix::fs::symlink("1.png", root.path().join("a/2.png")).unwrap();
        assert_eq!(list(root.path()).unwrap().relative, ["a/1.png", "a/2.png"]);
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
