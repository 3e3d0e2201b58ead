//! Folders that are complete or absent.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use tempfile::TempDir;

use crate::error::StoreError;
use crate::files::{UNFINISHED, parent, sync_folder};

/// Nobody works this long on a folder without touching it.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder in the making, beside its final place. Dropping it removes it.
#[derive(Debug)]
pub struct StagedFolder {
    staged: TempDir,
    place: PathBuf,
}

impl StagedFolder {
    /// Starts a folder that is to become `place`.
    pub(crate) fn beside(place: &Path) -> Result<Self, StoreError> {
        let folder = parent(place);
        fs::create_dir_all(folder)?;
        sweep(folder);
        let staged = tempfile::Builder::new()
            .prefix(UNFINISHED)
            // What the umask leaves of it; the default of temporary folders is 0700.
            .permissions(std::fs::Permissions::from_mode(0o777))
            .tempdir_in(folder)?;
        Ok(Self { staged, place: place.to_path_buf() })
    }

    /// Starts a folder that is to become `place`, where there is nothing yet or an empty folder.
    ///
    /// # Errors
    /// When something is there, or no folder can be made beside it.
    pub fn claiming(place: &Path) -> Result<Self, StoreError> {
        let is_free = match fs::read_dir(place) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
            Err(error) => return Err(error.into()),
        };
        if is_free { Self::beside(place) } else { Err(StoreError::Occupied { path: place.to_path_buf() }) }
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        self.staged.path()
    }

    /// Gives the folder its final name and returns it. When another process was first, its folder is kept.
    pub fn commit(self) -> Result<PathBuf, StoreError> {
        match self.take(&self.place)? {
            Taken::Now => {
                let place = self.place;
                // It has moved: there is nothing left to remove.
                let _ = self.staged.keep();
                Ok(place)
            }
            Taken::Before => Ok(self.place),
        }
    }

    /// Gives the folder its final name.
    ///
    /// # Errors
    /// When something has taken the name meanwhile, or the folder cannot be renamed.
    pub fn claim(self) -> Result<(), StoreError> {
        match self.take(&self.place)? {
            Taken::Now => {
                self.moved();
                Ok(())
            }
            Taken::Before => Err(StoreError::Occupied { path: self.place.clone() }),
        }
    }

    /// Gives the folder its final name in place of whatever has it. In between there is a moment with neither, never
    /// one with half of it.
    pub fn replace(self) -> Result<PathBuf, StoreError> {
        if self.place.exists() {
            let old = Self::beside(&self.place)?;
            fs::rename(&self.place, old.path().join("old"))?;
        }
        self.commit()
    }

    /// Tries to become `place`, which must not exist.
    pub(crate) fn take(&self, place: &Path) -> Result<Taken, StoreError> {
        sync_tree(self.path())?;
        // A folder is only renamed onto an empty one, and no folder of the store is ever empty.
        match fs::rename(self.path(), place) {
            Ok(()) => sync_folder(parent(place)).map(|()| Taken::Now),
            Err(error) if taken(&error) => Ok(Taken::Before),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets the folder after [`take`](Self::take) moved it.
    pub(crate) fn moved(self) {
        let _ = self.staged.keep();
    }
}

/// Removes what processes left that were killed long ago. Failing to is no reason not to go on.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let left = entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
        let age = entry.metadata().ok().and_then(|entry| entry.modified().ok()?.elapsed().ok());
        if left && age.is_some_and(|age| age > ABANDONED) {
            let _ = match entry.path().is_dir() {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
        }
    }
}

/// Who has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The staged folder has it now.
    Now,
    /// Another folder had it before.
    Before,
}

fn taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
}

/// Makes a folder's files and names durable, innermost first.
fn sync_tree(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_tree(&entry.path())?,
            false => fs::File::open(entry.path())?.sync_all()?,
        }
    }
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(place: &Path, text: &str) -> StagedFolder {
        let staged = StagedFolder::beside(place).unwrap();
        fs::write(staged.path().join("file"), text).unwrap();
        staged
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_dropped_folder_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        drop(staged(&root.path().join("place"), "half"));
        assert!(names(root.path()).is_empty());
    }

    #[test]
    fn the_first_of_two_processes_wins() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        let (first, second) = (staged(&place, "first"), staged(&place, "second"));
        assert_eq!(first.commit().unwrap(), place);
        assert_eq!(second.commit().unwrap(), place);
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
            assert!(matches!(StagedFolder::claiming(taken), Err(StoreError::Occupied { .. })));
        }
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "first");
        assert_eq!((names(root.path()), names(&place)), (vec!["place".to_owned()], vec!["file".to_owned()]));
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
