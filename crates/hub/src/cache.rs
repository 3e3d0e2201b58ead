//! Lays out the cache as `huggingface_hub` documents it.
//!
//! ```text
//! CACHE/CACHEDIR.TAG
//! CACHE/.locks/models--org--name/<etag>.lock
//! CACHE/models--org--name/blobs/<etag>                        a content, named by its hash
//! CACHE/models--org--name/blobs/<etag>.incomplete             the beginning of one
//! CACHE/models--org--name/refs/<revision>                     the commit it stood for when it was last asked
//! CACHE/models--org--name/snapshots/<commit>/<file>           a link to ../../blobs/<etag>
//! CACHE/models--org--name/.no_exist/<commit>/<file>           empty: the commit is known not to have this file
//! ```

use std::io;
use std::path::{Path, PathBuf};

use cliptune_durable::{read_regular_text, write_atomic};

use crate::commit::Commit;
use crate::digest::Digest;
use crate::error::Result;
use crate::file_name::FileName;
use crate::id::HubId;
use crate::revision::Revision;

/// The largest file with a commit that is read, in bytes.
const LONGEST_REFERENCE: u64 = 64 << 10;

/// The signature of the Cache Directory Tagging Specification, by which backup programs recognise folders to skip.
const TAG: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of models from the Hugging Face Hub.\n";

/// The folders of one repository in the cache.
#[derive(Clone, Debug)]
pub(crate) struct CachedRepository {
    cache: PathBuf,
    name: String,
}

impl CachedRepository {
    pub(crate) fn new(cache: &Path, id: &HubId) -> Self {
        Self { cache: cache.to_owned(), name: format!("models--{}", id.repository().replace('/', "--")) }
    }

    fn folder(&self) -> PathBuf {
        self.cache.join(&self.name)
    }

    /// Returns the path of a content.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.folder().join("blobs").join(digest.hex())
    }

    /// Returns the path of the partial file in which a content is collected.
    pub(crate) fn incomplete(&self, digest: &Digest) -> PathBuf {
        self.folder().join("blobs").join(format!("{}.incomplete", digest.hex()))
    }

    /// Returns the path of the lock that two processes use when they want the same content.
    pub(crate) fn lock(&self, digest: &Digest) -> PathBuf {
        self.cache.join(".locks").join(&self.name).join(format!("{}.lock", digest.hex()))
    }

    /// Returns the folder with the files of a commit.
    pub(crate) fn snapshot(&self, commit: &Commit) -> PathBuf {
        self.folder().join("snapshots").join(commit.as_str())
    }

    /// Returns the commit that the revision stands for, as far as the cache knows.
    pub(crate) fn resolve(&self, revision: &Revision) -> Result<Option<Commit>> {
        if let Some(commit) = revision.commit() {
            return Ok(Some(commit));
        }
        match read_regular_text(&self.reference(revision), LONGEST_REFERENCE) {
            // A reference that is not a commit is as good as none: the hub is asked, and the reference is written anew.
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn reference(&self, revision: &Revision) -> PathBuf {
        revision.as_str().split('/').fold(self.folder().join("refs"), |path, part| path.join(part))
    }

    /// Makes the folders that everything else is put into.
    pub(crate) fn create(&self, commit: &Commit) -> Result<()> {
        fs_err::create_dir_all(self.folder().join("blobs"))?;
        fs_err::create_dir_all(self.snapshot(commit))?;
        let tag = self.cache.join("CACHEDIR.TAG");
        if !tag.exists() {
            // The tag is only for backup programs, so it is not worth failing for.
            let _ = fs_err::write(tag, TAG);
        }
        Ok(())
    }

    /// Records the commit that the revision stands for.
    pub(crate) fn write_reference(&self, revision: &Revision, commit: &Commit) -> Result<()> {
        // A commit needs no reference, and a read-only cache should not cause an error when nothing is new.
        if self.resolve(revision)?.as_ref() == Some(commit) {
            return Ok(());
        }
        let path = self.reference(revision);
        create_parent(&path)?;
        Ok(write_atomic(&path, commit.as_str().as_bytes())?)
    }

    /// Records that the commit does not have this file.
    pub(crate) fn write_absence(&self, commit: &Commit, file: &str) -> Result<()> {
        let path = self.absence(commit, file);
        if path.exists() {
            return Ok(());
        }
        create_parent(&path)?;
        Ok(fs_err::write(path, "")?)
    }

    /// Checks whether the commit is known not to have this file.
    pub(crate) fn is_known_absent(&self, commit: &Commit, file: &str) -> bool {
        self.absence(commit, file).is_file()
    }

    fn absence(&self, commit: &Commit, file: &str) -> PathBuf {
        self.folder().join(".no_exist").join(commit.as_str()).join(file)
    }

    /// Puts a content into the snapshot as a file of the commit, with a relative link, so that the cache can be moved
    /// as a whole.
    ///
    /// Where such links are disabled or impossible, the file becomes a second name (a hard link) for the content. Where
    /// that is impossible too, the content is moved there, as Python does it, and then no other snapshot can be linked
    /// to it.
    pub(crate) fn place(
        &self,
        digest: &Digest,
        commit: &Commit,
        file: &FileName,
        symlinks: bool,
    ) -> Result<()> {
        let path = file.below(&self.snapshot(commit));
        create_parent(&path)?;
        match fs_err::remove_file(&path) {
            Err(error) if !is_absent(&error) => return Err(error.into()),
            _ => {}
        }
        let target = format!("{}blobs/{}", "../".repeat(file.depth() + 2), digest.hex());
        match symlinks.then(|| symlink(&target, &path)) {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) if !are_links_impossible(&error) => Err(error.into()),
            _ => {
                let blob = self.blob(digest);
                Ok(fs_err::hard_link(&blob, &path).or_else(|_| fs_err::rename(&blob, &path))?)
            }
        }
    }
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> io::Result<()> {
    fs_err::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_target: &str, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Checks whether the file system has no links: FAT and some network mounts answer in one of these two ways.
fn are_links_impossible(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
}

/// Checks whether nothing is there, because either the file or a folder on the way is missing.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Returns the size of a file, following links, or `None` if there is no file.
pub(crate) fn size(path: &Path) -> Result<Option<u64>> {
    match fs_err::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn create_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), |folder| Ok(fs_err::create_dir_all(folder)?))
}
