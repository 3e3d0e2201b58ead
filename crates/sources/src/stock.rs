//! What the cache has, and how it is emptied.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cliptune_web::Lock;
use fs_err as fs;

use crate::error::{Result, SourceError};
use crate::parts::SMALLEST;
use crate::root::{SOURCES, about};

/// The copy of one bucket or host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The address of the bucket or host.
    pub address: String,
    /// The address of the service, if it is not the usual one.
    pub endpoint: Option<String>,
    /// The folder of the copy.
    pub folder: PathBuf,
    /// The number of files.
    pub files: u64,
    /// The bytes on the disk, including beginnings of files.
    pub bytes: u64,
    /// When something was last asked of it.
    pub last_used: SystemTime,
}

/// Lists the copies in a cache in the order of their addresses.
///
/// # Errors
///
/// When the cache cannot be read.
pub fn copies(cache: &Path) -> Result<Vec<Copied>> {
    let mut copies = Vec::new();
    for scheme in folders(&cache.join(SOURCES))? {
        for folder in folders(&scheme)? {
            copies.push(copied(folder)?);
        }
    }
    copies.sort_by(|a, b| (&a.address, &a.endpoint).cmp(&(&b.address, &b.endpoint)));
    Ok(copies)
}

/// Removes a copy.
///
/// # Errors
///
/// When another process is fetching into it, or when it cannot be removed.
pub fn clear(copied: &Copied) -> Result<()> {
    // Held until the folder is gone; who waits for it then finds that its lock is no longer there.
    let Some(_lock) = Lock::try_take(&copied.folder.join("lock"))? else {
        return Err(SourceError::Busy { address: copied.address.clone() });
    };
    Ok(fs::remove_dir_all(&copied.folder)?)
}

/// Returns the address that a file of a cache is a copy of, or `None` where a path leads to no such file.
pub fn copied_from(path: &Path) -> Option<String> {
    let files =
        path.ancestors().skip(1).filter(|above| above.file_name().is_some_and(|name| name == "files"));
    // A copy may have folders that look like another one.
    let copies = files.filter_map(|files| Some((files, about(files.parent()?)?)));
    let (files, about) = copies.last()?;
    Some(format!("{}/{}", about.address, path.strip_prefix(files).ok()?.display()))
}

fn copied(folder: PathBuf) -> Result<Copied> {
    let about = about(&folder);
    let (mut files, mut bytes) = (0, 0);
    measure(&folder.join("files"), &mut files, &mut bytes)?;
    measure(&folder.join("partial"), &mut 0, &mut bytes)?;
    let last_used = fs::metadata(folder.join("about.json")).and_then(|about| about.modified());
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Copied {
        address: about.as_ref().map_or(name, |about| about.address.clone()),
        endpoint: about.and_then(|about| about.endpoint),
        last_used: last_used.unwrap_or(SystemTime::UNIX_EPOCH),
        folder,
        files,
        bytes,
    })
}

fn measure(folder: &Path, files: &mut u64, bytes: &mut u64) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        match metadata.is_dir() {
            true => measure(&entry.path(), files, bytes)?,
            false => {
                *files += 1;
                // The holes of a file that is there in parts take no space.
                *bytes += match metadata.len() {
                    size if size < SMALLEST => size,
                    size => size.min(metadata.blocks().saturating_mul(512)),
                };
            }
        }
    }
    Ok(())
}

/// Returns the folders in a folder, which may be missing.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}
