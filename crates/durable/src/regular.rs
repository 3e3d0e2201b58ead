//! Opens files of people and of other programs, if they are files.
//!
//! A pipe would block until somebody writes into it, and a device never ends. Either may have the name of a file, by
//! mistake or on purpose.

use std::io::{self, Read};
use std::path::Path;

use fs_err::os::unix::fs::OpenOptionsExt as _;
use fs_err::{File, OpenOptions};
use rustix::fs::OFlags;

/// Opens a regular file for reading.
///
/// # Errors
///
/// Returns an error that names the path when the file is missing, is not a regular file, or cannot be opened.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Looked at after it is opened, so that nothing can be put in its place in between; without waiting for a writer.
    let file =
        OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Ok(file),
        (_, true) => Err(unusable(path, "is a folder, not a file")),
        _ => Err(unusable(path, "is not a regular file")),
    }
}

/// Reads a whole file in as few calls as its size allows. Its own `read_to_end` would begin with 32 bytes and double them.
///
/// # Errors
///
/// Returns an error that names the path when the file cannot be read.
pub fn read_whole(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_whole_into(file, &mut bytes).map(|()| bytes)
}

/// Reads a whole file in place of what some memory holds. Who reads many files keeps the memory, which the system would otherwise
/// clear anew for each.
///
/// # Errors
///
/// Returns an error that names the path when the file cannot be read.
pub fn read_whole_into(file: File, bytes: &mut Vec<u8>) -> io::Result<()> {
    let (mut file, path) = file.into_parts();
    bytes.clear();
    match file.read_to_end(bytes) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(io::Error::new(error.kind(), format!("{} cannot be read: {error}", path.display())))
        }
    }
}

/// Reads a whole regular file, unless it has more bytes than any such file should have.
///
/// # Errors
///
/// Returns an error that names the path when the file cannot be opened or read, or is too long.
pub fn read_regular(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > longest {
        true => Err(unusable(path, &format!("is too long: such a file has at most {longest} bytes"))),
        false => Ok(bytes),
    }
}

/// Reads a whole regular file as text.
///
/// # Errors
///
/// As [`read_regular`], and with [`InvalidData`](io::ErrorKind::InvalidData) when it is not UTF-8.
pub fn read_regular_text(path: &Path, longest: u64) -> io::Result<String> {
    let text = String::from_utf8(read_regular(path, longest)?);
    text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not UTF-8", path.display())))
}

fn unusable(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_whole_file_is_all_its_bytes_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for size in [0, 1, 31, 32, 33, 8192, 100_000] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            fs_err::write(&path, &bytes).unwrap();
            assert_eq!(read_whole(open_regular(&path).unwrap()).unwrap(), bytes);
        }
        let folder = File::open(folder.path()).unwrap();
        assert!(read_whole(folder).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn what_is_no_regular_file_and_what_is_too_long_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::create_dir(path("folder")).unwrap();
        fs_err::write(path("long"), [b' '; 9]).unwrap();
        fs_err::write(path("bytes"), [0xFF]).unwrap();
        fs_err::os::unix::fs::symlink("/dev/zero", path("endless")).unwrap();
        fs_err::os::unix::fs::symlink("loop", path("loop")).unwrap();
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for (name, says) in [
            ("folder", "folder is a folder, not a file"),
            ("endless", "endless is not a regular file"),
            ("pipe", "pipe is not a regular file"),
            ("long", "long is too long: such a file has at most 8 bytes"),
            ("bytes", "bytes is not UTF-8"),
            ("loop", "loop`"),
            ("absent", "absent`"),
        ] {
            let error = read_regular_text(&path(name), 8).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(read_regular(&path("long"), 9).unwrap(), [b' '; 9]);
    }
}
