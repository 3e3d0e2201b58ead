//! Files of which only some parts are there.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use fs_err::File;

use crate::ranges::Ranges;

/// A file of which some ranges are there. The others are holes, which are never read.
#[derive(Debug)]
pub struct Sparse {
    file: File,
    size: u64,
    present: Ranges,
}

/// What of a file is needed, as far as the parts of it that are there can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// All of it.
    Whole,
    /// These ranges.
    Parts(Ranges),
    /// This range has to be there before anything can be told.
    First(Range<u64>),
}

/// Tells what of a file is needed. It is asked again whenever more of the file is there, and its answer follows from the
/// content alone.
pub type Needs<'a> = &'a (dyn Fn(&Sparse) -> io::Result<Need> + Sync);

impl Sparse {
    /// Opens a file that is all there.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn whole(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size, present: (0..size).into() })
    }

    /// Opens a file with the ranges that are there.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn parts(path: &Path, present: Ranges) -> io::Result<Self> {
        Ok(Self { present, ..Self::whole(path)? })
    }

    /// Returns the size of the file in bytes, with its holes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads a range, or returns `None` if not all of it is there.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn read(&self, range: Range<u64>) -> io::Result<Option<Vec<u8>>> {
        if !self.present.contains(&range) {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(io::Error::other)?];
        Ok(self.read_into(&mut bytes, range.start)?.then_some(bytes))
    }

    /// Reads as many bytes as there is room for, and returns whether all of them are there.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn read_into(&self, bytes: &mut [u8], start: u64) -> io::Result<bool> {
        if !self.present.contains(&(start..start.saturating_add(bytes.len() as u64))) {
            return Ok(false);
        }
        let named = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("failed to read from `{}`: {error}", self.file.path().display()),
            )
        };
        self.file.file().read_exact_at(bytes, start).map(|()| true).map_err(named)
    }

    /// Returns the ranges that are there.
    pub(crate) fn present(&self) -> &Ranges {
        &self.present
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_never_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), "0123456789").unwrap();
        let sparse = Sparse::parts(file.path(), [0..3, 5..10].into_iter().collect()).unwrap();
        let read = |range| sparse.read(range).unwrap().map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!((read(1..3), read(5..10)), (Some("12".to_owned()), Some("56789".to_owned())));
        assert_eq!((read(2..4), read(9..11), read(3..5)), (None, None, None));
        let whole = Sparse::whole(file.path()).unwrap();
        assert_eq!((whole.size(), whole.read(2..4).unwrap()), (10, Some(b"23".to_vec())));
    }
}
