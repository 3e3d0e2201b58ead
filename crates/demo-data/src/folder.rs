//! The folder of a contest: there as a whole, or not at all.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::TempDir;

use crate::error::Error;
use crate::note::Note;

/// What is at the place where a contest is to go.
pub(crate) enum Found {
    /// Nothing, or an empty folder.
    Nothing,
    /// The same contest.
    Same,
}

/// Looks at `folder`, and refuses anything that drawing `wanted` there would destroy.
pub(crate) fn look(folder: &Path, wanted: &Note) -> Result<Found, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(Error::Occupied(folder.to_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    if entries.count() == 0 {
        return Ok(Found::Nothing);
    }
    match Note::read(folder)? {
        Some(found) if found == *wanted => Ok(Found::Same),
        Some(found) => Err(Error::OtherContest {
            folder: folder.to_owned(),
            found: found.to_string(),
            wanted: wanted.to_string(),
        }),
        None => Err(Error::Occupied(folder.to_owned())),
    }
}

/// A folder beside the final one, in which the contest is drawn. It is gone when this is dropped.
pub(crate) struct Workshop {
    contest: PathBuf,
    target: PathBuf,
    // Dropped last: removes whatever was not delivered.
    _room: TempDir,
}

impl Workshop {
    pub(crate) fn open(target: &Path) -> Result<Self, Error> {
        let parent = parent(target);
        fs::create_dir_all(parent)?;
        let room = tempfile::Builder::new().prefix(".contest-").tempdir_in(parent)?;
        // The room is private to this user; the contest inside gets the usual permissions.
        let contest = room.path().join("contest");
        fs::create_dir(&contest)?;
        Ok(Self { contest, target: target.to_owned(), _room: room })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.contest
    }

    /// Puts the finished contest in its place, in one step.
    pub(crate) fn deliver(self) -> Result<(), Error> {
        if let Err(error) = fs::remove_dir(&self.target)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error.into());
        }
        Ok(fs::rename(&self.contest, &self.target)?)
    }
}

fn parent(folder: &Path) -> &Path {
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Note {
        Note { format: 1, cartoons: 50, seed: 1, questions: 190, rows: 1140 }
    }

    #[test]
    fn an_undelivered_contest_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let workshop = Workshop::open(&place.path().join("contest")).unwrap();
        fs::write(workshop.path().join("1.jpeg"), "half").unwrap();
        drop(workshop);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_contest_is_invisible_until_it_is_delivered() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("deep/contest");
        let workshop = Workshop::open(&target).unwrap();
        fs::write(workshop.path().join("1.jpeg"), "whole").unwrap();
        assert!(!target.exists());
        workshop.deliver().unwrap();
        assert_eq!(fs::read_to_string(target.join("1.jpeg")).unwrap(), "whole");
        assert_eq!(fs::read_dir(place.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn a_foreign_folder_and_a_file_are_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("diary.txt"), "dear").unwrap();
        assert!(matches!(look(place.path(), &note()), Err(Error::Occupied(_))));
        assert!(matches!(look(&place.path().join("diary.txt"), &note()), Err(Error::Occupied(_))));
        assert!(matches!(look(&place.path().join("new"), &note()), Ok(Found::Nothing)));
    }

    #[test]
    fn the_same_contest_is_recognized_and_another_refused() {
        let place = tempfile::tempdir().unwrap();
        note().write(place.path()).unwrap();
        assert!(matches!(look(place.path(), &note()), Ok(Found::Same)));
        let other = Note { seed: 2, ..note() };
        let error = look(place.path(), &other).err().unwrap().to_string();
        assert!(error.contains("seed 1") && error.contains("seed 2"), "{error}");
    }
}
