//! The layout of the cache, as `huggingface_hub` documents it.
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

use cliptune_durable::write_atomic;

use crate::commit::Commit;
use crate::digest::Digest;
use crate::error::Result;
use crate::file_name::FileName;
use crate::id::HubId;
use crate::revision::Revision;

/// The signature of the Cache Directory Tagging Specification, which backup programs skip such folders by.
const TAG: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of models from the Hugging Face Hub.\n";

/// One repository in the cache.
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

    /// A content.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.folder().join("blobs").join(digest.hex())
    }

    /// Where a content is collected.
    pub(crate) fn incomplete(&self, digest: &Digest) -> PathBuf {
        self.folder().join("blobs").join(format!("{}.incomplete", digest.hex()))
    }

    /// What two processes that want the same content agree by.
    pub(crate) fn lock(&self, digest: &Digest) -> PathBuf {
        self.cache.join(".locks").join(&self.name).join(format!("{}.lock", digest.hex()))
    }

    /// The folder of a commit's files.
    pub(crate) fn snapshot(&self, commit: &Commit) -> PathBuf {
        self.folder().join("snapshots").join(commit.as_str())
    }

    /// The commit that the revision stands for, as far as the cache knows.
    pub(crate) fn resolve(&self, revision: &Revision) -> Result<Option<Commit>> {
        if let Some(commit) = revision.commit() {
            return Ok(Some(commit));
        }
        match fs_err::read_to_string(self.reference(revision)) {
            // A reference that is no commit is as good as none: the hub is asked, and it is written anew.
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn reference(&self, revision: &Revision) -> PathBuf {
        revision.as_str().split('/').fold(self.folder().join("refs"), |path, part| path.join(part))
    }

    /// Makes the folders that everything else goes into.
    pub(crate) fn create(&self, commit: &Commit) -> Result<()> {
        fs_err::create_dir_all(self.folder().join("blobs"))?;
        fs_err::create_dir_all(self.snapshot(commit))?;
        let tag = self.cache.join("CACHEDIR.TAG");
        if !tag.exists() {
            // For backup programs alone; not worth failing for.
            let _ = fs_err::write(tag, TAG);
        }
        Ok(())
    }

    /// Remembers what the revision stands for.
    pub(crate) fn write_reference(&self, revision: &Revision, commit: &Commit) -> Result<()> {
        // A commit needs no reference, and a cache that only can be read needs no error when nothing is new.
        if self.resolve(revision)?.as_ref() == Some(commit) {
            return Ok(());
        }
        let path = self.reference(revision);
        create_parent(&path)?;
        Ok(write_atomic(&path, commit.as_str().as_bytes())?)
    }

    /// Remembers that the commit does not have this file.
    pub(crate) fn write_absence(&self, commit: &Commit, file: &str) -> Result<()> {
        let path = self.absence(commit, file);
        if path.exists() {
            return Ok(());
        }
        create_parent(&path)?;
        Ok(fs_err::write(path, "")?)
    }

    /// Whether the commit is known not to have this file.
    pub(crate) fn is_known_absent(&self, commit: &Commit, file: &str) -> bool {
        self.absence(commit, file).is_file()
    }

    fn absence(&self, commit: &Commit, file: &str) -> PathBuf {
        self.folder().join(".no_exist").join(commit.as_str()).join(file)
    }

    /// Shows a content as a file of the commit: a relative link, so that the cache can be moved as a whole.
    ///
    /// Where such links are disabled or impossible, the file becomes a second name of the content. Where that is
    /// impossible too, the content moves there, as Python does it: then no other snapshot can be linked to it either.
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

/// Whether the file system has no links: FAT and some network mounts answer in one of these two ways.
fn are_links_impossible(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
}

/// Whether nothing is there, be it the file or a folder on the way.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The size of a file, links followed; none if there is no file.
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
