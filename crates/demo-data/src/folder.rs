//! Checks the place where a contest is to be written.

use std::io;
use std::path::Path;

use fs_err as fs;

use crate::error::Error;
use crate::note::Note;

/// What the folder for a contest holds.
pub(crate) enum Found {
    /// There is no folder, or it is empty.
    Nothing,
    /// The folder holds the same contest.
    Same,
}

/// Looks into `folder` and refuses anything that drawing `wanted` there would destroy.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Note {
        Note { format: 2, cartoons: 50, seed: 1, questions: 190, rows: 1140 }
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
