//! Opens the files of a model folder, which may come from anywhere.

use std::io::{self, Read};
use std::path::Path;

use fs_err::File;

/// Opens a file for reading, unless it only looks like a file: a pipe would block until somebody writes into it, and a
/// device never ends.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_file() => File::open(path),
        Ok(metadata) if metadata.is_dir() => Err(not_a_file(path, "is a folder, not a file")),
        Ok(_) => Err(not_a_file(path, "is not a regular file")),
        // Opening fails as well, with the error message that people know.
        Err(_) => File::open(path),
    }
}

/// Reads a whole file, unless it has more bytes than any such file should have.
pub(crate) fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(not_a_file(path, &format!("is too long: such a file has at most {longest} bytes")));
    }
    Ok(bytes)
}

/// The largest configuration file that is read, in bytes. No published configuration comes near it.
pub(crate) const LONGEST_CONFIGURATION: u64 = 16 << 20;

fn not_a_file(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_file_and_what_is_too_long_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::create_dir(path("folder")).unwrap();
        fs_err::write(path("long"), [b' '; 9]).unwrap();
        fs_err::os::unix::fs::symlink("/dev/zero", path("endless")).unwrap();
        fs_err::os::unix::fs::symlink("loop", path("loop")).unwrap();
        for (name, says) in [
            ("folder", "folder is a folder, not a file"),
            ("endless", "endless is not a regular file"),
            ("long", "long is too long: such a file has at most 8 bytes"),
            ("loop", "loop`"),
            ("absent", "absent`"),
        ] {
            let error = read(&path(name), 8).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(read(&path("long"), 9).unwrap(), [b' '; 9]);
    }
}
