//! The files below a folder.

use std::ffi::OsString;
use std::fs::FileType;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rayon::prelude::*;

use crate::error::StoreError;
use crate::regular::looked_at;

/// Returns the path of every file below a folder, relative to it and in no particular order.
///
/// Symbolic links are followed, except those that lead back to a folder above them and those that lead to nothing. Names
/// that start with a dot are skipped. Folders are read side by side, level by level: a recursion could be as deep as an
/// untrusted folder is.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    Ok(visit_below(folder, |_, files| Ok(files))?.into_iter().flatten().collect())
}

/// Lists a folder and every one below it, and returns what `visit` makes of each: it is given the folder's path and the paths
/// of the files that lie directly in it, relative to the uppermost folder and in no particular order. Whatever is to be known
/// of every file is best asked for there, side by side, while the system still has the folder at hand.
pub(crate) fn visit_below<T: Send>(
    folder: &Path,
    visit: impl Fn(&Path, Vec<PathBuf>) -> Result<T, StoreError> + Sync,
) -> Result<Vec<T>, StoreError> {
    let (mut visited, mut level) = (Vec::new(), vec![PathBuf::new()]);
    let visit = |below: &PathBuf| {
        let (at, Content { files, folders }) = (path(folder, below), content(folder, below)?);
        Ok::<_, StoreError>((visit(&at, files)?, folders))
    };
    while !level.is_empty() {
        // A folder may hold a million files: whoever is done takes the next one.
        let read = level.par_iter().with_max_len(1).map(visit);
        let read: Vec<(T, Vec<PathBuf>)> = read.collect::<Result<_, _>>()?;
        level.clear();
        for (made, folders) in read {
            visited.push(made);
            level.extend(folders);
        }
    }
    Ok(visited)
}

/// What lies directly in a folder, as paths relative to the uppermost one.
#[derive(Default)]
struct Content {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

fn content(root: &Path, below: &Path) -> Result<Content, StoreError> {
    let mut content = Content::default();
    for entry in fs::read_dir(path(root, below))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_bytes().starts_with(b".") {
            continue;
        }
        let relative = joined(below, name);
        match kind(root, &relative, &entry)? {
            Some(kind) if kind.is_file() => content.files.push(relative),
            Some(kind) if kind.is_dir() => content.folders.push(relative),
            _ => {}
        }
    }
    Ok(content)
}

/// Joins a path and a name in one piece of memory: there may be millions.
fn joined(below: &Path, name: OsString) -> PathBuf {
    if below.as_os_str().is_empty() {
        return name.into();
    }
    let mut path = PathBuf::with_capacity(below.as_os_str().len() + 1 + name.len());
    path.push(below);
    path.push(name);
    path
}

/// Joins the path below a folder, without the slash at the end that an empty one would give.
fn path(root: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { root.to_path_buf() } else { root.join(below) }
}

/// Returns the kind of an entry, or of what it is a link to. A link to nothing or in a circle has none.
fn kind(root: &Path, relative: &Path, entry: &fs::DirEntry) -> Result<Option<FileType>, StoreError> {
    let kind = entry.file_type()?;
    if !kind.is_symlink() {
        return Ok(Some(kind));
    }
    let Some(target) = looked_at(&entry.path())? else { return Ok(None) };
    let is_above = |above: &Path| -> Result<bool, StoreError> {
        let above = fs::metadata(path(root, above))?;
        Ok((above.dev(), above.ino()) == (target.dev(), target.ino()))
    };
    if target.is_dir() {
        for above in relative.ancestors().skip(1) {
            if is_above(above)? {
                return Ok(None);
            }
        }
    }
    Ok(Some(target.file_type()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn sorted(folder: &Path) -> Vec<String> {
        let files = files_below(folder).unwrap();
        let mut files: Vec<String> = files.into_iter().map(|file| file.display().to_string()).collect();
        files.sort_unstable();
        files
    }

    #[test]
    fn links_are_followed_unless_they_lead_to_nothing_or_back() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["images/a/b", "other"] {
            fs::create_dir_all(at(folder)).unwrap();
            fs::write(at(folder).join("1.png"), "").unwrap();
        }
        for (target, link) in [
            ("../../other", "images/a/elsewhere"),
            ("1.png", "other/2.png"),
            ("nowhere.png", "images/a/dangling.png"),
            ("1.png/below", "images/a/b/below-a-file.png"),
            ("itself", "images/itself"),
            ("..", "images/a/up"),
            (".", "images/a/here"),
            ("../..", "images/a/b/up-twice"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        assert_eq!(sorted(&at("images")), ["a/b/1.png", "a/elsewhere/1.png", "a/elsewhere/2.png"]);
        // A folder may be named through a link.
        symlink("images", at("linked")).unwrap();
        assert_eq!(sorted(&at("linked")), sorted(&at("images")));
    }

    #[test]
    fn what_is_hidden_or_no_file_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(".git/x")).unwrap();
        for file in [".hidden.png", ".git/x/1.png", "seen.png"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        std::os::unix::net::UnixListener::bind(root.path().join("socket.png")).unwrap();
        assert_eq!(sorted(root.path()), ["seen.png"]);
    }

    #[test]
    fn folders_may_be_as_deep_as_a_path_can_be() {
        let root = tempfile::tempdir().unwrap();
        let deepest = root.path().join("d/".repeat(1_900));
        fs::create_dir_all(&deepest).unwrap();
        fs::write(deepest.join("1.png"), "").unwrap();
        assert_eq!(sorted(root.path()).len(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = files_below(Path::new("/not/there")).unwrap_err();
        assert!(error.to_string().contains("/not/there"), "{error}");
    }
}
