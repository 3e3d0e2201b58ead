//! The names of unfinished files and folders, and the durability of names.
//!
//! An unfinished name says on which boot of a machine it was made. A lock tells whether somebody works on it only there: those of a
//! shared file system may not reach other hosts.

use std::cell::OnceCell;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime};

use fs_err as fs;

use crate::boot::boot_id;
use crate::error::DurableError;

/// The prefix of the names of unfinished files and folders. Readers skip names with a leading dot.
pub const UNFINISHED: &str = ".unfinished-";

/// How many digits of the identity of a boot are in a name.
const BOOT_DIGITS: usize = 8;

/// Nobody works this long on a folder without touching it. It is what tells where the file system has no locks, and where they may
/// not reach.
pub(crate) const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A process that makes something unfinished has locked it by then.
const SETTLED: Duration = Duration::from_secs(60);

/// How often a lock is tried before its holder counts as one that works, and the time in between. Whoever only looks, as this
/// process does, has it for a moment.
const LOOKS: u32 = 3;
const GLANCE: Duration = Duration::from_millis(1);

/// Returns what the names of unfinished files and folders of this process begin with: [`UNFINISHED`], and on which boot they were
/// made, where the kernel tells.
pub fn unfinished_prefix() -> &'static str {
    static PREFIX: OnceLock<String> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let boot = boot_id().and_then(|boot| boot.get(..BOOT_DIGITS));
        boot.map_or_else(|| UNFINISHED.to_owned(), |boot| format!("{UNFINISHED}{boot}-"))
    })
}

/// Checks whether an unfinished name may be of this boot: earlier versions do not say it.
fn may_be_of_this_boot(name: &[u8]) -> bool {
    let is_marked = name
        .strip_prefix(UNFINISHED.as_bytes())
        .and_then(|rest| rest.split_at_checked(BOOT_DIGITS))
        .is_some_and(|(boot, rest)| boot.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(b"-"));
    !is_marked || name.starts_with(unfinished_prefix().as_bytes())
}

/// Returns the folder of a file, which is the current folder for a bare name.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable: after a rename, the new name is on disk only once its folder is.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), DurableError> {
    Ok(fs::File::open(folder)?.sync_all()?)
}

/// Makes the files and names below a folder durable, starting with the innermost ones.
pub(crate) fn sync_tree(folder: &Path) -> Result<(), DurableError> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_tree(&entry.path())?,
            false => fs::File::open(entry.path())?.sync_all()?,
        }
    }
    sync_folder(folder)
}

/// Takes a shared lock on an unfinished file or folder, which its process keeps for as long as it works on it. Where the
/// file system has no locks, there is none, and only time tells what was abandoned.
pub(crate) fn hold(path: &Path) -> Option<fs::File> {
    let file = fs::File::open(path).ok()?;
    // Others lock it for a moment only, to see whether anybody holds it.
    file.file().lock_shared().ok()?;
    Some(file)
}

/// Whether a process works on something unfinished.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// A living process has locked it.
    Held,
    /// No process has locked it.
    Free,
    /// The file system has no locks.
    Unknown,
}

impl Work {
    fn on(path: &Path) -> Self {
        let is_plain = fs::symlink_metadata(path).is_ok_and(|about| about.is_file() || about.is_dir());
        if !is_plain {
            // What is made in one step has no lock.
            return Self::Free;
        }
        let Ok(file) = fs::File::open(path) else { return Self::Unknown };
        for _ in 0..LOOKS {
            match file.file().try_lock() {
                Ok(()) => return Self::Free,
                Err(TryLockError::WouldBlock) => thread::sleep(GLANCE),
                Err(TryLockError::Error(_)) => return Self::Unknown,
            }
        }
        Self::Held
    }
}

/// Checks whether something unfinished was left by a process that is gone.
fn is_left(entry: &fs::DirEntry, work: Work, present: &Present<'_>) -> bool {
    match work {
        Work::Held => false,
        Work::Free if may_be_of_this_boot(entry.file_name().as_encoded_bytes()) => {
            present.is_past(entry, SETTLED)
        }
        Work::Free | Work::Unknown => present.is_past(entry, ABANDONED),
    }
}

/// The present time, by the clock of this machine and by the one that a file system stamps its files with, which may be another
/// machine's. What is told to be old by one of them alone is not.
struct Present<'a> {
    /// A folder of the file system.
    folder: &'a Path,
    stamped: OnceCell<Option<SystemTime>>,
}

impl<'a> Present<'a> {
    fn of(folder: &'a Path) -> Self {
        Self { folder, stamped: OnceCell::new() }
    }

    /// Checks whether something has not changed for so long. What comes from the future counts as young.
    fn is_past(&self, entry: &fs::DirEntry, age: Duration) -> bool {
        let Some(changed) = entry.metadata().ok().and_then(|about| about.modified().ok()) else {
            return true;
        };
        let is_past = |now: SystemTime| now.duration_since(changed).is_ok_and(|passed| passed >= age);
        is_past(SystemTime::now()) && self.stamped().is_none_or(is_past)
    }

    /// Returns the time that a file has that is made now; `None` where none can be made, and nothing can be removed either.
    fn stamped(&self) -> Option<SystemTime> {
        let stamp = || tempfile::tempfile_in(self.folder).ok()?.metadata().ok()?.modified().ok();
        *self.stamped.get_or_init(stamp)
    }
}

/// The unfinished files and folders below a folder.
#[derive(Debug, Default)]
pub struct Unfinished {
    /// Those that a living process works on.
    pub held: Vec<PathBuf>,
    /// Those that are so young that their process may be about to say that it works on them.
    pub young: Vec<PathBuf>,
    /// Those that were left by processes that were killed.
    pub left: Vec<PathBuf>,
}

/// Finds the unfinished files and folders below a folder, however deep. Links are not followed.
///
/// # Errors
/// When a folder cannot be read.
pub fn unfinished(folder: &Path) -> Result<Unfinished, DurableError> {
    let mut found = Unfinished::default();
    let present = Present::of(folder);
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            // Another process has removed or renamed it meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if !is_unfinished(&entry) {
                folders.extend(entry.file_type()?.is_dir().then(|| entry.path()));
                continue;
            }
            let work = Work::on(&entry.path());
            let kind = match (work, is_left(&entry, work, &present)) {
                (Work::Held, _) => &mut found.held,
                (_, true) => &mut found.left,
                (_, false) => &mut found.young,
            };
            kind.push(entry.path());
        }
    }
    found.left.sort_unstable();
    Ok(found)
}

/// Removes unfinished files and folders that killed processes have left in a folder that nobody else writes to.
///
/// # Errors
/// When the folder cannot be read, or when something that was found cannot be removed.
pub fn remove_unfinished(folder: &Path) -> Result<(), DurableError> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_unfinished(&entry) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes what processes that are gone have left directly in a folder. Errors are ignored, because the work can go on.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let present = Present::of(folder);
    // What is young is left alone without a look, because the look is a lock.
    for entry in entries.flatten().filter(|entry| is_unfinished(entry) && present.is_past(entry, SETTLED)) {
        if is_left(&entry, Work::on(&entry.path()), &present) {
            let _ = remove(&entry.path());
        }
    }
}

/// Removes what processes that are gone have left below a folder, however deep. Errors are ignored, because the work can
/// go on.
pub fn sweep_below(folder: &Path) {
    for path in unfinished(folder).unwrap_or_default().left {
        let _ = remove(&path);
    }
}

fn is_unfinished(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

/// Removes a file, a link, or a folder with everything in it.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::StagedFolder;

    fn age(path: &Path) {
        age_by(path, 2 * SETTLED);
    }

    fn age_by(path: &Path, time: Duration) {
        fs::File::open(path).unwrap().file().set_modified(SystemTime::now() - time).unwrap();
    }

    #[test]
    fn a_lock_that_nobody_holds_here_says_nothing_about_another_host() {
        let root = tempfile::tempdir().unwrap();
        let far = root.path().join(format!("{UNFINISHED}0123abcd-x1Y2z3"));
        fs::create_dir(&far).unwrap();
        let here = root.path().join(format!("{}x1Y2z3", unfinished_prefix()));
        fs::create_dir(&here).unwrap();
        for path in [&far, &here] {
            age(path);
        }
        sweep(root.path());
        assert!(far.is_dir() && !here.exists());
        assert!(unfinished(root.path()).unwrap().left.is_empty());
        age_by(&far, 2 * ABANDONED);
        assert_eq!(unfinished(root.path()).unwrap().left, std::slice::from_ref(&far));
        sweep(root.path());
        assert!(!far.exists());
    }

    #[test]
    fn a_name_says_on_which_boot_it_was_made_and_those_of_earlier_versions_do_not() {
        let names = ["x1Y2z3", "0123abcd", "0123456-", "left-over-folder", "folder"];
        assert!(names.iter().all(|name| may_be_of_this_boot(format!("{UNFINISHED}{name}").as_bytes())));
        assert!(may_be_of_this_boot(format!("{}x", unfinished_prefix()).as_bytes()));
        assert!(!may_be_of_this_boot(format!("{UNFINISHED}0123abcd-x").as_bytes()));
    }

    #[test]
    fn a_clock_that_is_days_ahead_of_the_file_server_makes_nothing_old() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(".unfinished-x");
        fs::write(&path, "").unwrap();
        age_by(&path, 3 * ABANDONED);
        let entry = fs::read_dir(root.path()).unwrap().next().unwrap().unwrap();
        let changed = entry.metadata().unwrap().modified().unwrap();
        for (passed, is_old) in [(ABANDONED / 2, false), (2 * ABANDONED, true)] {
            let present = Present { folder: root.path(), stamped: OnceCell::from(Some(changed + passed)) };
            assert_eq!(present.is_past(&entry, ABANDONED), is_old);
        }
    }

    #[test]
    fn what_a_living_process_makes_is_told_from_what_was_left() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("tuned/run/.unfinished-left/deep")).unwrap();
        fs::write(root.path().join(".unfinished-file"), "half").unwrap();
        fs::create_dir(root.path().join(".hidden")).unwrap();
        let staged = StagedFolder::beside(&root.path().join("tuned/other")).unwrap();
        let left = [root.path().join(".unfinished-file"), root.path().join("tuned/run/.unfinished-left")];
        [staged.path()].into_iter().chain(left.iter().map(PathBuf::as_path)).for_each(age);
        let found = unfinished(root.path()).unwrap();
        assert_eq!((found.held, found.left), (vec![staged.path().to_path_buf()], left.to_vec()));
        sweep_below(root.path());
        assert!(staged.path().is_dir() && left.iter().all(|path| !path.exists()));
        // What is young may not be locked yet.
        let young = root.path().join(".unfinished-young");
        fs::write(&young, "").unwrap();
        assert_eq!(unfinished(root.path()).unwrap().young, [young]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [".unfinished-Ab12", ".hidden", "last.safetensors"] {
            fs::write(path(name), "x").unwrap();
        }
        fs::create_dir(path(".unfinished-folder")).unwrap();
        remove_unfinished(folder.path()).unwrap();
        let names = [".unfinished-Ab12", ".unfinished-folder", ".hidden", "last.safetensors"];
        assert_eq!(names.map(|name| path(name).exists()), [false, false, true, true]);
    }
}
