//! Folders that are either complete or absent.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use crate::error::DurableError;
use crate::names::{hold, parent, remove, sweep, sync_folder, sync_tree, unfinished_prefix};

/// The permissions before the umask is applied. Temporary folders would be private to their owner.
const MODE: u32 = 0o777;

/// A folder that is being made beside its final place. Dropping it removes it, and the folder around it if that was
/// made for it and has nothing else.
#[derive(Debug)]
pub struct StagedFolder {
    staged: TempDir,
    /// Tells other processes that this one works on the folder.
    _held: Option<fs::File>,
    place: PathBuf,
    /// It is dropped after `staged`.
    _around: Option<MadeFolder>,
}

/// A folder that was made to hold others. Dropping it removes it if it is empty.
#[derive(Debug)]
struct MadeFolder(PathBuf);

impl Drop for MadeFolder {
    fn drop(&mut self) {
        // A folder that holds anything cannot be removed like this, and is to stay.
        let _ = fs::remove_dir(&self.0);
    }
}

impl StagedFolder {
    /// Starts a folder that is to become `place`.
    ///
    /// # Errors
    /// When no folder can be made beside it.
    pub fn beside(place: &Path) -> Result<Self, DurableError> {
        let folder = parent(place);
        let around = (!folder.exists()).then(|| MadeFolder(folder.to_path_buf()));
        fs::create_dir_all(folder)?;
        sweep(folder);
        let staged = tempfile::Builder::new()
            .prefix(unfinished_prefix())
            .permissions(Permissions::from_mode(MODE))
            .tempdir_in(folder)?;
        let held = hold(staged.path());
        Ok(Self { staged, _held: held, place: place.to_path_buf(), _around: around })
    }

    /// Starts a folder that is to become `place`, where there must be nothing yet, or only an empty folder.
    ///
    /// # Errors
    /// When something is there, or no folder can be made beside it.
    pub fn claiming(place: &Path) -> Result<Self, DurableError> {
        let is_free = match fs::read_dir(place) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
            Err(error) => return Err(error.into()),
        };
        if is_free { Self::beside(place) } else { Err(DurableError::Occupied { path: place.to_path_buf() }) }
    }

    /// Returns the folder to write into.
    pub fn path(&self) -> &Path {
        self.staged.path()
    }

    /// Gives the folder its final name and returns its path. If another process was first, that process's folder is
    /// kept.
    ///
    /// # Errors
    /// When the contents cannot be made durable, or the folder cannot be renamed.
    pub fn commit(self) -> Result<PathBuf, DurableError> {
        let path = self.place.clone();
        let is_there = self.try_claim()? || path.is_dir();
        if is_there { Ok(path) } else { Err(DurableError::Occupied { path }) }
    }

    /// Gives the folder its final name.
    ///
    /// # Errors
    /// When something else has taken the name in the meantime, or the folder cannot be renamed.
    pub fn claim(self) -> Result<(), DurableError> {
        let path = self.place.clone();
        if self.try_claim()? { Ok(()) } else { Err(DurableError::Occupied { path }) }
    }

    /// Gives the folder its final name, unless something has that name already. In that case, the folder is
    /// removed, and `false` is returned.
    ///
    /// # Errors
    /// When the contents cannot be made durable, or the folder cannot be renamed.
    pub fn try_claim(self) -> Result<bool, DurableError> {
        sync_tree(self.path())?;
        // A folder can only be renamed onto an empty one, and no complete folder is ever empty.
        match fs::rename(self.path(), &self.place) {
            Ok(()) => {
                // The folder has moved, so there is nothing left to remove.
                let _ = self.staged.keep();
                sync_folder(parent(&self.place)).map(|()| true)
            }
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the folder its final name and replaces whatever has it: a folder, a file, or a link, whether or not it leads
    /// anywhere. The two are exchanged in one step, so that whoever looks sees the one or the other. Where the file system
    /// cannot do that, neither has the name for a moment, but a half-complete folder never has it.
    ///
    /// # Errors
    /// When the contents cannot be made durable, or one of the folders cannot be renamed.
    pub fn replace(self) -> Result<PathBuf, DurableError> {
        if fs::symlink_metadata(&self.place).is_err() {
            return self.commit();
        }
        sync_tree(self.path())?;
        if renameat_with(CWD, self.path(), CWD, &self.place, RenameFlags::EXCHANGE).is_ok() {
            // What had the name has that of the staged folder now. What cannot be removed is unfinished for everybody.
            let _ = remove(&self.staged.keep());
            sync_folder(parent(&self.place))?;
            return Ok(self.place);
        }
        // The old folder is removed together with the staged folder around it.
        let old = Self::beside(&self.place)?;
        fs::rename(&self.place, old.path().join("old"))?;
        self.commit()
    }
}

/// Moves a folder to a place in the same file system where there is nothing yet, or only an empty folder. A crash leaves
/// it at one of the two places, whole.
///
/// # Errors
/// When something is there, or the folder cannot be renamed. [`DurableError::Unconfirmed`] means that it has moved all the same.
pub fn move_folder(folder: &Path, place: &Path) -> Result<(), DurableError> {
    match fs::rename(folder, place) {
        Ok(()) => {
            let confirmed = [place, folder].map(|one| sync_folder(parent(one)));
            let confirmed = confirmed.into_iter().collect::<Result<(), DurableError>>();
            let path = place.to_path_buf();
            confirmed.map_err(|error| DurableError::Unconfirmed { path, source: error.into() })
        }
        Err(error) if is_taken(&error) => Err(DurableError::Occupied { path: place.to_path_buf() }),
        Err(error) => Err(error.into()),
    }
}

/// Removes a file, or a folder with everything in it, for good. While that goes on it has an unfinished name, so that
/// nobody ever reads a half of it. What does not exist is removed already.
///
/// # Errors
/// When it cannot be renamed, or something in it cannot be removed.
pub fn discard(path: &Path) -> Result<(), DurableError> {
    if matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Ok(());
    }
    let bin = tempfile::Builder::new().prefix(unfinished_prefix()).tempdir_in(parent(path))?;
    let _held = hold(bin.path());
    fs::rename(path, bin.path().join("removed"))?;
    bin.close()?;
    sync_folder(parent(path))
}

fn is_taken(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    matches!(error.kind(), DirectoryNotEmpty | AlreadyExists | NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{ABANDONED, UNFINISHED};

    fn staged(place: &Path, text: &str) -> StagedFolder {
        let staged = StagedFolder::beside(place).unwrap();
        fs::write(staged.path().join("file"), text).unwrap();
        staged
    }

    #[test]
    fn a_folder_moves_whole_and_never_onto_another() {
        let root = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| root.path().join(name));
        staged(&one, "1").claim().unwrap();
        move_folder(&one, &other).unwrap();
        assert_eq!(fs::read(other.join("file")).unwrap(), b"1");
        staged(&one, "2").claim().unwrap();
        let error = move_folder(&one, &other).unwrap_err();
        assert!(matches!(error, DurableError::Occupied { .. }), "{error}");
        fs::write(root.path().join("file"), "").unwrap();
        assert!(matches!(move_folder(&one, &root.path().join("file")), Err(DurableError::Occupied { .. })));
        assert_eq!([&one, &other].map(|folder| fs::read(folder.join("file")).unwrap()), [b"2", b"1"]);
    }

    #[test]
    fn what_is_discarded_is_gone_and_what_it_links_to_is_not() {
        let root = tempfile::tempdir().unwrap();
        let [one, kept] = ["one", "kept"].map(|name| root.path().join(name));
        staged(&kept, "kept").claim().unwrap();
        staged(&one, "1").claim().unwrap();
        std::os::unix::fs::symlink(&kept, one.join("link")).unwrap();
        for _ in 0..2 {
            discard(&one).unwrap();
            assert_eq!(names(root.path()), ["kept"]);
        }
        assert_eq!(fs::read(kept.join("file")).unwrap(), b"kept");
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_dropped_folder_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        drop(staged(&root.path().join("place"), "half"));
        drop(staged(&root.path().join("new/place"), "half"));
        assert!(names(root.path()).is_empty());
        staged(&root.path().join("new/place"), "whole").commit().unwrap();
        drop(staged(&root.path().join("new/other"), "half"));
        assert_eq!(names(&root.path().join("new")), ["place"]);
    }

    #[test]
    fn the_first_of_two_processes_wins() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        let [first, second, third] = ["first", "second", "third"].map(|text| staged(&place, text));
        assert_eq!(first.commit().unwrap(), place);
        assert_eq!(second.commit().unwrap(), place);
        assert!(!third.try_claim().unwrap());
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "first");
        assert_eq!(names(root.path()), ["place"]);
    }

    #[test]
    fn a_folder_can_be_replaced_as_a_whole() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        staged(&place, "first").replace().unwrap();
        staged(&place, "second").replace().unwrap();
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "second");
        assert_eq!(names(root.path()), ["place"]);
    }

    #[test]
    fn whatever_has_the_name_is_replaced_and_nothing_else_stays() {
        type Obstacle<'a> = &'a dyn Fn(&Path);
        let obstacles: [Obstacle<'_>; 4] = [
            &|place| fs::write(place, "a file").unwrap(),
            &|place| std::os::unix::fs::symlink("/nowhere", place).unwrap(),
            &|place| std::os::unix::fs::symlink("place", place).unwrap(),
            &|place| fs::create_dir(place).unwrap(),
        ];
        for obstacle in obstacles {
            let root = tempfile::tempdir().unwrap();
            let place = root.path().join("place");
            obstacle(&place);
            staged(&place, "new").replace().unwrap();
            assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "new");
            assert_eq!(names(root.path()), ["place"]);
        }
    }

    #[test]
    fn a_folder_is_there_at_every_moment_while_it_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        staged(&place, "0").commit().unwrap();
        let looks = std::thread::scope(|scope| {
            let replacing = scope.spawn(|| {
                (1..100).for_each(|number| drop(staged(&place, &number.to_string()).replace().unwrap()));
            });
            let mut looks = 0;
            while !replacing.is_finished() || looks == 0 {
                assert!(fs::symlink_metadata(place.join("file")).is_ok(), "after {looks} looks");
                looks += 1;
            }
            looks
        });
        assert!(looks > 0);
        assert_eq!(names(root.path()), ["place"]);
    }

    #[test]
    fn a_name_is_claimed_only_where_there_is_nothing() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        fs::create_dir(&place).unwrap();
        let [first, second] = [(); 2].map(|()| StagedFolder::claiming(&place).unwrap());
        fs::write(first.path().join("file"), "first").unwrap();
        first.claim().unwrap();
        let error = second.claim().unwrap_err();
        assert_eq!(error.to_string(), format!("{} is there already", place.display()));
        for taken in [&place, &place.join("file")] {
            assert!(matches!(StagedFolder::claiming(taken), Err(DurableError::Occupied { .. })));
        }
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "first");
        assert_eq!((names(root.path()), names(&place)), (vec!["place".to_owned()], vec!["file".to_owned()]));
    }

    #[test]
    fn a_file_that_takes_the_name_meanwhile_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        let staged = staged(&place, "folder");
        fs::write(&place, "file").unwrap();
        assert!(matches!(staged.claim(), Err(DurableError::Occupied { .. })));
        assert_eq!(fs::read_to_string(&place).unwrap(), "file");
        assert_eq!(names(root.path()), ["place"]);
    }

    #[test]
    fn what_was_abandoned_long_ago_is_swept_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        let abandoned = root.path().join(format!("{UNFINISHED}old"));
        for name in [&abandoned, &root.path().join("kept")] {
            fs::create_dir(name).unwrap();
            let long_ago = std::time::SystemTime::now() - 2 * ABANDONED;
            fs::File::open(name).unwrap().file().set_modified(long_ago).unwrap();
        }
        std::mem::forget(staged(&place, "somebody else is writing this"));
        drop(staged(&place, "new"));
        assert!(!abandoned.exists());
        assert_eq!(names(root.path()).len(), 2);
    }

    #[test]
    fn a_killed_writer_leaves_nothing_under_the_final_name() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        // A killed process runs no destructor.
        std::mem::forget(staged(&place, "half"));
        assert!(!place.exists());
        staged(&place, "whole").commit().unwrap();
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "whole");
    }
}
