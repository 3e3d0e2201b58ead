//! What `model.from` means when no such folder exists: a repository of the hub, or a folder whose name was misspelt.
//!
//! `models/clip` could be either. Where there is a folder `models`, or a similar path that exists, a folder is meant.
//! Taking it for a repository would send a request to a server, and would answer a misspelt path with advice about
//! access tokens.

use std::path::{Component, Path, PathBuf};

use cliptune_hub::HubId;

use crate::suggest::closest;

/// The meaning of a text that names no existing folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// The text names a repository of the hub.
    Repository(HubId),
    /// The text names a folder that does not exist. The hint, if there is one, suggests what was meant.
    Folder(Option<String>),
}

/// The largest number of entries of a folder that are compared with a name.
const MOST_ENTRIES: usize = 10_000;

/// Returns what `written` means when there is no folder at `path`, which it stands for. `is_cached` checks whether the
/// hub's cache has a repository: one that was fetched is found by its name, whatever folders there are.
pub(super) fn absent(written: &str, path: &Path, is_cached: impl Fn(&HubId) -> bool) -> Absent {
    let similar = similar(path).map(|found| as_written(written, path, &found));
    let elsewhere = || Path::new(written).is_dir().then(|| Path::new(written).to_owned());
    // A hub id without an organisation is possible but rare; a misspelt folder is common.
    let id = written.parse::<HubId>().ok().filter(|id| id.repository().contains('/'));
    match id {
        Some(id) if is_cached(&id) => Absent::Repository(id),
        Some(id)
            if similar.is_none() && elsewhere().is_none() && !path.parent().is_some_and(Path::is_dir) =>
        {
            Absent::Repository(id)
        }
        id => {
            let meant = similar.map(|folder| format!("did you mean `{}`?", folder.display()));
            let meant = meant.or_else(|| elsewhere().map(|_| relative()));
            let fetched = id.map(|id| format!("a model of the hub is named after `cliptune fetch {id}`"));
            let said: Vec<String> = [meant, fetched].into_iter().flatten().collect();
            Absent::Folder((!said.is_empty()).then(|| said.join("; ")))
        }
    }
}

fn relative() -> String {
    "a path is relative to the file that it is written in, not to the current folder".to_owned()
}

/// Finds a folder that differs from `path` only by a slip in each component that does not exist.
fn similar(path: &Path) -> Option<PathBuf> {
    let here =
        |above: &Path| if above.as_os_str().is_empty() { PathBuf::from(".") } else { above.to_owned() };
    let above = path.ancestors().skip(1).find(|above| here(above).is_dir())?;
    let mut missing = path.strip_prefix(above).ok()?.components();
    let Some(Component::Normal(name)) = missing.next() else { return None };
    let entries = fs_err::read_dir(here(above)).ok()?.take(MOST_ENTRIES).flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let own = above.join(closest(name.to_str()?, names.iter().map(String::as_str))?);
    let whole = own.join(missing.as_path());
    if whole.is_dir() { Some(whole) } else { similar(&whole) }
}

/// Spells the folder that was found in the way `path` was written: relative if that was relative.
fn as_written(written: &str, path: &Path, found: &Path) -> PathBuf {
    let own = Path::new(written.trim_start_matches("./"));
    let base = path.ancestors().nth(own.components().count());
    match base.and_then(|base| found.strip_prefix(base).ok()) {
        Some(relative) if own.is_relative() && path.ends_with(own) => relative.to_owned(),
        _ => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the meaning of `written` in an experiment beside the folders `models/clip-b32` and `org`.
    fn of(written: &str, cached: bool) -> Absent {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(folder.path().join("models/clip-b32")).unwrap();
        fs_err::create_dir_all(folder.path().join("org")).unwrap();
        let path = crate::source::normalize(&folder.path().join(written));
        match absent(written, &path, |_| cached) {
            Absent::Folder(help) => {
                Absent::Folder(help.map(|help| help.replace(&folder.path().display().to_string(), "BASE")))
            }
            repository => repository,
        }
    }

    fn help(text: &str) -> Absent {
        Absent::Folder(Some(text.to_owned()))
    }

    #[test]
    fn a_repository_is_one_where_no_folder_is_like_it() {
        for id in ["openai/clip-vit-base-patch32", "laion/CLIP-ViT-B-32@main"] {
            assert_eq!(of(id, false), Absent::Repository(id.parse().unwrap()));
        }
    }

    #[test]
    fn a_slip_in_a_path_is_no_repository() {
        let fetch = |id: &str| format!("a model of the hub is named after `cliptune fetch {id}`");
        let meant = "did you mean `models/clip-b32`?";
        assert_eq!(of("models/clip-b23", false), help(&format!("{meant}; {}", fetch("models/clip-b23"))));
        assert_eq!(of("model/clip-b32", false), help(&format!("{meant}; {}", fetch("model/clip-b32"))));
        assert_eq!(of("modles/clip_b32", false), help(&format!("{meant}; {}", fetch("modles/clip_b32"))));
        assert_eq!(of("models/x", false), help(&fetch("models/x")));
        assert_eq!(of("./models/clip-b23", false), help(meant));
        assert_eq!(of("./nowhere/at/all", false), Absent::Folder(None));
        assert_eq!(of("clip", false), Absent::Folder(None));
    }

    #[test]
    fn what_was_fetched_by_its_name_is_found_by_it() {
        assert_eq!(of("org/clip", true), Absent::Repository("org/clip".parse().unwrap()));
        assert_eq!(
            of("org/clip", false),
            help("a model of the hub is named after `cliptune fetch org/clip`")
        );
    }
}
