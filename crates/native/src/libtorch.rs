//! Which libtorch trains: the one that is named, and the one that the loader finds.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::loader::Loaded;
use crate::pinned::Pinned;
use crate::{LIBRARY_PATH, LIBTORCH};

/// The half of libtorch that `cliptune-train` is linked to.
pub const LIBTORCH_CPU: &str = "libtorch_cpu.so";
/// The half that it loads where it is there.
const LIBTORCH_CUDA: &str = "libtorch_cuda.so";

/// The variable with which the bindings build against a libtorch of another version. It silences the check of the version at run
/// time, too.
const ANY_VERSION: &str = "LIBTORCH_BYPASS_VERSION_CHECK";

/// The libtorch that the loader gives a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Libtorch {
    /// The library itself, as the loader spells its path.
    pub file: PathBuf,
    /// The version with what follows it, such as `2.11.0+cu130`, where it can be told.
    pub version: Option<String>,
}

impl Libtorch {
    /// Returns the libtorch among the libraries of a program. The error is for a program that needs one which is missing; a
    /// program that needs none has none.
    ///
    /// # Errors
    /// Returns an error when the library is missing.
    pub fn among(loaded: &Loaded) -> Result<Option<Self>, NoLibtorch> {
        let Some(library) = loaded.library(LIBTORCH_CPU) else { return Ok(None) };
        let file = library.file.clone().ok_or(NoLibtorch)?;
        let version = version(&file);
        Ok(Some(Self { file, version }))
    }

    /// Checks whether cliptune was built against this version. A version that cannot be told is taken on trust, and so is each
    /// where the variable of the bindings says so.
    pub fn is_right(&self) -> bool {
        let is_right = |version: &String| release(version) == Pinned::Torch.version();
        self.version.as_ref().is_none_or(is_right)
            || env::var_os(ANY_VERSION).is_some_and(|value| !value.is_empty())
    }

    /// Checks whether this libtorch has the half for NVIDIA's GPUs.
    pub fn has_cuda(&self) -> bool {
        self.file.with_file_name(LIBTORCH_CUDA).is_file()
    }
}

/// There is no libtorch for a program that needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLibtorch;

/// Returns the version of the libtorch that a library belongs to: a file of the wheel says it, one of the libtorch that comes as
/// an archive, or the list of what was put into a checkout.
fn version(library: &Path) -> Option<String> {
    let above = library.parent()?.parent()?;
    let of_wheel = || of_python(&fs::read_to_string(above.join("version.py")).ok()?);
    let of_archive = || Some(fs::read_to_string(above.join("build-version")).ok()?.trim().to_owned());
    of_wheel().or_else(of_archive).or_else(|| Pinned::Torch.version_beside(library))
}

/// Reads `__version__ = '2.11.0+cu130'`.
fn of_python(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?.trim();
    Some(value.trim_matches(['\'', '"']).to_owned())
}

/// Returns a version without what follows it, which says for which GPUs it was built.
fn release(version: &str) -> &str {
    version.split_once('+').map_or(version, |(release, _)| release)
}

/// Returns the variable, and its value, with which a program has to be started for its loader to take the libtorch that
/// [`LIBTORCH`] names; nothing where none is named, or where this process has been started like that.
///
/// Whoever starts itself again needs an end of its own: the loader removes the variable from a program that has capabilities or
/// the rights of another user, and the answer stays the same.
///
/// # Errors
/// Returns the folder that [`LIBTORCH`] names when there is no libtorch in it: the loader would pass over it without a word and
/// take the libraries that cliptune was built with.
pub fn path_to_named_libtorch() -> Result<Option<(&'static str, OsString)>, PathBuf> {
    let Some(libraries) = named_libtorch()? else { return Ok(None) };
    let path = env::var_os(LIBRARY_PATH).unwrap_or_default();
    Ok(searched_first(&libraries, path).map(|path| (LIBRARY_PATH, path)))
}

/// Returns a search path that begins with a folder, unless the path does already.
fn searched_first(folder: &Path, path: OsString) -> Option<OsString> {
    // Bytes are compared, and no folders, because what the path was given once has to be found in it even if it holds a colon.
    if let Some(rest) = path.as_bytes().strip_prefix(folder.as_os_str().as_bytes())
        && matches!(rest.first(), None | Some(b':'))
    {
        return None;
    }
    let mut first = folder.as_os_str().to_owned();
    if !path.is_empty() {
        first.push(":");
        first.push(path);
    }
    Some(first)
}

/// Returns the folder with the libraries of the libtorch that [`LIBTORCH`] names, if it names one, or the folder that it names
/// when there is no libtorch in it.
fn named_libtorch() -> Result<Option<PathBuf>, PathBuf> {
    match env::var_os(LIBTORCH).filter(|folder| !folder.is_empty()) {
        Some(folder) => libraries(PathBuf::from(folder)).map(Some),
        None => Ok(None),
    }
}

/// Returns the folder with the libraries of a libtorch, or the libtorch's own folder when they are not there.
fn libraries(libtorch: PathBuf) -> Result<PathBuf, PathBuf> {
    let libraries = libtorch.join("lib");
    let is_there =
        ["libtorch_cpu.so", "libtorch_cpu.dylib"].iter().any(|name| libraries.join(name).is_file());
    if is_there { Ok(libraries) } else { Err(libtorch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_put_in_front_of_a_search_path_once() {
        let first = |folder: &str, path: &str| {
            searched_first(Path::new(folder), OsString::from(path))
                .map(|path| path.into_string().expect("UTF-8"))
        };
        assert_eq!(first("/gpu/lib", "").as_deref(), Some("/gpu/lib"));
        assert_eq!(first("/gpu/lib", "/other:/gpu/lib").as_deref(), Some("/gpu/lib:/other:/gpu/lib"));
        assert_eq!(first("/gpu/lib", "/gpu/lib64").as_deref(), Some("/gpu/lib:/gpu/lib64"));
        for folder in ["/gpu/lib", "/a:b/lib"] {
            let path = first(folder, "/other").expect("it is not there yet");
            assert_eq!(first(folder, &path), None, "a program that starts itself again would never end");
            assert_eq!(first(folder, folder), None);
        }
    }

    #[test]
    fn a_version_is_read_with_and_without_what_follows_it() {
        let wheel = "from typing import Optional\n\n__version__ = '2.11.0+cu130'\ndebug = False\n";
        assert_eq!(of_python(wheel).as_deref(), Some("2.11.0+cu130"));
        assert_eq!(of_python("version = 1"), None);
        assert_eq!(release("2.11.0+cu130"), "2.11.0");
        assert_eq!(release("2.11.0"), "2.11.0");
    }

    #[test]
    fn a_libtorch_of_another_version_is_told_from_the_right_one() {
        let of = |version: Option<String>| Libtorch { file: PathBuf::from("/x/libtorch_cpu.so"), version };
        let right = Pinned::Torch.version();
        assert!(of(Some(right.to_owned())).is_right());
        assert!(of(Some(format!("{right}+cpu"))).is_right());
        assert!(of(None).is_right(), "the loader will say it");
        assert!(!of(Some("2.9.1+cpu".to_owned())).is_right());
        assert!(!of(Some(format!("{right}.dev1"))).is_right());
    }
}
