//! Times the system calls without which nobody can say that no file below a folder has changed: each folder is listed, and each
//! file asked for its properties. Nothing is made of the answers.
//!
//! `cargo run --release -p cliptune-store --example list-and-stat -- FOLDER`

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fs_err::File;
use rayon::prelude::*;
use rustix::fs::{AtFlags, Dir, FileType, statat};

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "give a folder"));
    };
    // The threads are there before the time runs.
    rayon::broadcast(|_| {});
    let begun = Instant::now();
    let (mut files, mut level) = (0, vec![PathBuf::from(folder)]);
    while !level.is_empty() {
        let visited = level.par_iter().with_max_len(1).map(|folder| visit(folder));
        let visited: Vec<(usize, Vec<PathBuf>)> = visited.collect::<io::Result<_>>()?;
        files += visited.iter().map(|(files, _)| files).sum::<usize>();
        level = visited.into_iter().flat_map(|(_, folders)| folders).collect();
    }
    let milliseconds = 1e3 * begun.elapsed().as_secs_f64();
    writeln!(io::stdout(), "{files} files in {milliseconds:.1} ms")
}

/// Lists a folder and asks for the properties of the files in it. Returns their number and the folders in it.
fn visit(folder: &Path) -> io::Result<(usize, Vec<PathBuf>)> {
    let opened = File::open(folder)?;
    let (mut files, mut folders) = (0, Vec::new());
    for entry in Dir::read_from(&opened)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            folders.push(folder.join(OsStr::from_bytes(name.to_bytes())));
        } else {
            statat(&opened, name, AtFlags::empty())?;
            files += 1;
        }
    }
    Ok((files, folders))
}
