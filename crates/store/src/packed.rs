//! Images that lie within other files: members of tar archives, and rows of parquet files.
//!
//! Such an image has a path like any other, which goes through the file: `train.tar/17.jpg`, `train.parquet/17`, or
//! `train.parquet/photo/17` in a column that somebody has named. What reads or measures an image does it through [`Place`], and
//! nothing is unpacked.

mod parquet_rows;
mod row_sizes;
mod tar;

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fs_err as fs;

use crate::error::StoreError;
use crate::image_files::{FileNames, ImageFiles};
use crate::image_identity::modification_time;
use crate::image_kinds::{extension, has_ending, is_image_name};
use crate::regular::{file_digest, read_file};
use parquet_rows::{ParquetRows, named_column};
pub(crate) use parquet_rows::{SqlColumn, parquet_columns, parquet_source};
pub use parquet_rows::{image_column, image_columns};
pub use tar::{TarArchive, TarMember};

/// The kind of file that images lie within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// A tar archive, whose members are files.
    Tar,
    /// A parquet file, whose rows hold images.
    Parquet,
}

impl Packing {
    /// Returns the packing that a file has by its name.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match () {
            () if has_ending(path, &["tar"]) => Some(Self::Tar),
            () if has_ending(path, &["parquet"]) => Some(Self::Parquet),
            () => None,
        }
    }
}

/// The last extensions of compressed archives, which cannot be read without unpacking them.
const COMPRESSED: [&str; 8] = ["gz", "tgz", "zst", "tzst", "bz2", "tbz2", "xz", "txz"];

/// The place of an image's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file of its own.
    File(PathBuf),
    /// A part of another file.
    Within { file: PathBuf, packing: Packing, member: String },
}

impl Place {
    /// Finds the place that a path leads to.
    pub(crate) fn of(path: &Path) -> Self {
        let holder = path.ancestors().skip(1).find_map(|above| {
            let packing = Packing::of(above)?;
            above.is_file().then_some((above, packing))
        });
        let within = holder.and_then(|(file, packing)| {
            let member = path.strip_prefix(file).ok()?.to_str()?.to_owned();
            Some(Self::Within { file: file.to_path_buf(), packing, member })
        });
        within.unwrap_or_else(|| Self::File(path.to_path_buf()))
    }

    /// Checks whether a path below a folder is that of a file of its own, without asking the disk. Where it does not, the
    /// path may still be one.
    pub(crate) fn is_plainly_a_file(below: &str) -> bool {
        below.match_indices('/').all(|(end, _)| Packing::of(Path::new(&below[..end])).is_none())
    }

    /// Returns the file on the disk.
    pub(crate) fn file(&self) -> &Path {
        match self {
            Self::File(file) | Self::Within { file, .. } => file,
        }
    }

    /// Returns the properties of the file on the disk, and the number of the image's own bytes.
    pub(crate) fn measure(&self) -> Result<(Metadata, u64), StoreError> {
        let file = fs::metadata(self.file())?;
        let size = match self {
            Self::File(_) => file.len(),
            Self::Within { file: path, packing, member } => {
                holder(path, *packing, member, &file)?.size(member)?
            }
        };
        Ok((file, size))
    }

    /// Reads the image's bytes.
    pub(crate) fn read(&self) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::File(file) => Ok(fs::read(file)?),
            Self::Within { file, packing, member } => {
                holder(file, *packing, member, &fs::metadata(file)?)?.read(member)
            }
        }
    }

    /// Returns the BLAKE3 of the image's bytes.
    pub(crate) fn digest(&self) -> Result<[u8; 32], StoreError> {
        match self {
            Self::File(file) => file_digest(file),
            Self::Within { file, packing, member } => {
                holder(file, *packing, member, &fs::metadata(file)?)?.digest(member)
            }
        }
    }
}

/// Reads an image at a path of its own or within another file.
///
/// # Errors
/// Returns an error when there is none, or when it cannot be read.
pub fn read_image(path: &Path) -> Result<Vec<u8>, StoreError> {
    match Place::of(path) {
        Place::File(file) => read_file(&file),
        within @ Place::Within { .. } => within.read(),
    }
}

/// Replaces each file that others lie within by the images in it. What only reading all of these tells is remembered in a
/// cache, if there is one.
pub(crate) fn expanded(cache: Option<&Path>, found: ImageFiles) -> Result<ImageFiles, StoreError> {
    if found.names.stamps.is_some() {
        return Ok(found);
    }
    let ImageFiles { names: FileNames { folder, relative, unnamed, .. }, mut passed_over, tables } = found;
    let mut expanded = Vec::with_capacity(relative.len());
    for name in relative {
        let holder_at = |packing| Some((packing, folder.join(&name))).filter(|(_, path)| path.is_file());
        match Packing::of(Path::new(&name)).and_then(holder_at) {
            None => expanded.push(name),
            Some((packing, path)) => {
                let (images, others) = opened(&path, packing, None, &fs::metadata(&path)?)?.images(cache)?;
                expanded.extend(images.into_iter().map(|image| format!("{name}/{image}")));
                others.into_iter().for_each(|(kind, files)| *passed_over.entry(kind).or_default() += files);
            }
        }
    }
    expanded.sort_unstable();
    let names = FileNames { unnamed, ..FileNames::new(folder, expanded) };
    Ok(ImageFiles { names, passed_over, tables })
}

/// Returns what the images in a column of a parquet file are called within it.
pub(crate) fn images_of_column(path: &Path, column: &str) -> Result<Vec<String>, StoreError> {
    if !is_part_of_path(column) {
        return Err(unreadable(path, format!("no path can lead into its column {column:?}")));
    }
    let is_usual = image_column(path).is_ok_and(|usual| usual == column);
    let named = Some(column).filter(|_| !is_usual);
    let (rows, _) = opened(path, Packing::Parquet, named, &fs::metadata(path)?)?.images(None)?;
    match named {
        Some(column) => Ok(rows.into_iter().map(|row| format!("{column}/{row}")).collect()),
        None => Ok(rows),
    }
}

/// Checks whether a path that has a name in it leads to what has this name.
fn is_part_of_path(name: &str) -> bool {
    let parts = Path::new(name).components();
    !name.is_empty()
        && name.split('/').eq(parts.filter_map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        }))
}

/// Refuses archives that were compressed as wholes.
pub(crate) fn refuse_compressed(names: &FileNames) -> Result<(), StoreError> {
    let is_compressed = |name: &&String| {
        let name = Path::new(name.as_str());
        has_ending(name, &COMPRESSED)
            && (extension(name).starts_with('t')
                || Packing::of(Path::new(name.file_stem().unwrap_or_default())).is_some())
    };
    match names.relative.iter().find(is_compressed) {
        Some(name) => Err(unreadable(&names.folder.join(name), tar::COMPRESSED)),
        None => Ok(()),
    }
}

/// Checks whether a member of an archive is a part of a table: a text, or a JSON object.
pub fn is_text_name(name: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        "txt",
        "text",
        "caption",
        "transcript",
        "json",
        "cls",
        "cls2",
        "class",
        "index",
        "inx",
        "id",
        "count",
    ];
    ENDINGS.contains(&extension(Path::new(name)).as_str())
}

pub(crate) fn unreadable(path: &Path, problem: impl ToString) -> StoreError {
    StoreError::Packed { path: path.to_path_buf(), problem: problem.to_string() }
}

/// A file that images lie within, with what is known of them.
enum Holder {
    Tar(TarArchive),
    Parquet(ParquetRows),
}

impl Holder {
    /// Lists the images as they are called within the file, and counts its other files by their extension.
    fn images(&self, cache: Option<&Path>) -> Result<(Vec<String>, BTreeMap<String, u64>), StoreError> {
        let archive = match self {
            Self::Tar(archive) => archive,
            Self::Parquet(rows) => return Ok((rows.names(cache)?, BTreeMap::new())),
        };
        let mut others: BTreeMap<String, u64> = archive.passed_over().clone();
        let (images, rest): (Vec<&TarMember>, Vec<&TarMember>) =
            archive.members().iter().partition(|member| is_image_name(Path::new(member.name())));
        for member in rest.into_iter().filter(|member| !is_text_name(member.name())) {
            *others.entry(extension(Path::new(member.name()))).or_default() += 1;
        }
        Ok((images.into_iter().map(|member| member.name().to_owned()).collect(), others))
    }

    fn size(&self, member: &str) -> Result<u64, StoreError> {
        match self {
            Self::Tar(archive) => Ok(archive.member(member)?.size()),
            Self::Parquet(rows) => rows.size(member),
        }
    }

    fn digest(&self, member: &str) -> Result<[u8; 32], StoreError> {
        match self {
            Self::Tar(archive) => archive.digest(archive.member(member)?),
            Self::Parquet(rows) => Ok(*blake3::hash(&rows.read(member)?).as_bytes()),
        }
    }

    fn read(&self, member: &str) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Tar(archive) => archive.read(archive.member(member)?),
            Self::Parquet(rows) => rows.read(member),
        }
    }
}

/// The largest number of images within files that are kept in mind. Beyond it, files are looked through again.
const KEPT: usize = 1 << 21;

/// A file that was looked through, with its size, time and inode at that time.
type Known = (u64, i64, u64, Arc<Holder>);

/// A file, and the column of it that was named, if it is a parquet file.
type Opened = (PathBuf, Option<String>);

static HOLDERS: LazyLock<Mutex<BTreeMap<Opened, Known>>> = LazyLock::new(Mutex::default);

/// Returns what is known of a file that an image lies within.
fn holder(path: &Path, packing: Packing, member: &str, file: &Metadata) -> Result<Arc<Holder>, StoreError> {
    let column = match packing {
        Packing::Tar => None,
        Packing::Parquet => named_column(member),
    };
    opened(path, packing, column, file)
}

/// Returns what is known of a file, or of a column of it. It is looked through once, and again when it has changed.
fn opened(
    path: &Path,
    packing: Packing,
    column: Option<&str>,
    file: &Metadata,
) -> Result<Arc<Holder>, StoreError> {
    let place = (path.to_path_buf(), column.map(str::to_owned));
    let stamp = (file.len(), modification_time(file), file.ino());
    // Whoever needs the same file waits until it is looked through.
    let mut known = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((size, time, inode, holder)) = known.get(&place)
        && (*size, *time, *inode) == stamp
    {
        return Ok(Arc::clone(holder));
    }
    let opened = match packing {
        Packing::Tar => Holder::Tar(TarArchive::open(path)?),
        Packing::Parquet => Holder::Parquet(ParquetRows::open(path, column)?),
    };
    let opened = Arc::new(opened);
    let images: usize = known.values().map(|(.., holder)| holder.weight()).sum();
    if images + opened.weight() > KEPT {
        known.clear();
    }
    known.insert(place, (stamp.0, stamp.1, stamp.2, Arc::clone(&opened)));
    Ok(opened)
}

impl Holder {
    /// Returns the number of images and other members that are kept in mind.
    fn weight(&self) -> usize {
        match self {
            Self::Tar(archive) => archive.members().len(),
            Self::Parquet(rows) => rows.weight(),
        }
    }
}
