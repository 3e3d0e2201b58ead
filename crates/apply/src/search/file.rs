//! A file of embeddings, of which a search reads what it needs. The file may be damaged or hostile.

use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use cliptune_durable::open_regular;
use cliptune_encode::matrix::product;
use cliptune_store::parquet_format::MAGIC;
use cliptune_store::thrift::{Kind as Thrifty, Thrift};
use fs_err::File;

use crate::codes::{Prepared, head};
use crate::embed::Kind;
use crate::error::ApplyError;
use crate::layout::{FORMAT, Group, KEY, Layout, Version};

/// The longest footer in bytes.
const LONGEST: u64 = 256 << 20;
/// The longest name in bytes.
const LONGEST_NAME: u32 = 2 << 20;
/// The longest vector.
const LARGEST_DIMENSION: usize = 1 << 16;
/// The bytes of a hash and of the length before it.
const HASH: u64 = 4 + 64;

/// A file that `embed` has made.
#[derive(Debug)]
pub struct Embeddings {
    path: PathBuf,
    file: File,
    layout: Layout,
}

impl Embeddings {
    /// Opens a file and checks that all that its footer speaks of is there.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or was not made by `embed`.
    pub fn open(path: &Path) -> Result<Self, ApplyError> {
        let file = open_regular(path)?;
        let size = file.metadata()?.len();
        let foreign = |problem| ApplyError::NotEmbeddings { path: path.to_path_buf(), problem };
        let footer = footer(&file, size)?.ok_or_else(|| foreign("it is no whole parquet file"))?;
        let layout = layout(&footer).map_err(foreign)?;
        match is_sound(&layout, size - footer.len() as u64) {
            true => Ok(Self { path: path.to_path_buf(), file, layout }),
            false => Err(foreign("its footer contradicts itself")),
        }
    }

    /// Returns the number of vectors.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// Returns what was embedded.
    pub fn kind(&self) -> Kind {
        self.layout.origin.kind
    }

    /// Returns the length of a vector.
    pub fn dimension(&self) -> usize {
        self.layout.dimension
    }

    /// Returns what the model was called that made the embeddings.
    pub fn model(&self) -> &str {
        &self.layout.origin.model
    }

    /// Returns the hash of that model.
    pub fn model_hash(&self) -> &str {
        &self.layout.origin.model_hash
    }

    /// Returns the precision that the embeddings were computed in.
    pub fn precision(&self) -> &str {
        &self.layout.origin.precision
    }

    /// Returns the row groups, each with the number of its first row.
    pub(super) fn groups(&self) -> Vec<(usize, Group)> {
        let (mut groups, mut first) = (Vec::new(), 0);
        for group in &self.layout.groups {
            groups.push((first, *group));
            first += group.rows;
        }
        groups
    }

    /// Makes a query ready for the codes of a row group.
    pub(super) fn prepared(&self, group: &Group, query: &[f32]) -> Result<Prepared, ApplyError> {
        let mut bytes = vec![0; head(self.layout.dimension)];
        self.read(group.codes, &mut bytes)?;
        Prepared::new(query, &bytes).ok_or_else(|| self.damaged())
    }

    /// Reads the codes of a row group from this row of it on, as many as there is room for.
    pub(super) fn codes(&self, group: &Group, first: usize, into: &mut [u8]) -> Result<(), ApplyError> {
        let before = head(self.layout.dimension) + first * self.layout.dimension;
        self.read(group.codes + before as u64, into)
    }

    /// Returns the cosine of a row and a query.
    pub(super) fn cosine(&self, row: usize, query: &[f32]) -> Result<f64, ApplyError> {
        let (group, within) = self.group_of(row);
        let mut bytes = vec![0; self.layout.dimension * size_of::<f32>()];
        self.read(group.vectors + (within * bytes.len()) as u64, &mut bytes)?;
        let (floats, _) = bytes.as_chunks::<{ size_of::<f32>() }>();
        let vector: Vec<f32> = floats.iter().map(|float| f32::from_le_bytes(*float)).collect();
        Ok(product(query, &vector))
    }

    /// Returns the path of a row's image, or its text.
    pub(super) fn name(&self, row: usize) -> Result<String, ApplyError> {
        let (group, within) = self.group_of(row);
        let mut reader = BufReader::new(self.file.file());
        reader.seek(SeekFrom::Start(group.names)).map_err(|error| self.named(&error))?;
        let mut text = Vec::new();
        for _ in 0..=within {
            let mut length = [0; 4];
            reader.read_exact(&mut length).map_err(|error| self.named(&error))?;
            let length = u32::from_le_bytes(length);
            if length > LONGEST_NAME {
                return Err(self.damaged());
            }
            text.resize(length as usize, 0);
            reader.read_exact(&mut text).map_err(|error| self.named(&error))?;
        }
        String::from_utf8(text).map_err(|_| self.damaged())
    }

    /// Returns the hash of a row's content.
    pub(super) fn hash(&self, row: usize) -> Result<String, ApplyError> {
        let (group, within) = self.group_of(row);
        let mut bytes = [0; HASH as usize];
        self.read(group.hashes + within as u64 * HASH, &mut bytes)?;
        let hash = std::str::from_utf8(&bytes[4..]).ok();
        hash.filter(|hash| hash.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .map(str::to_owned)
            .ok_or_else(|| self.damaged())
    }

    /// Returns the row group that a row lies in, and its place in it.
    fn group_of(&self, row: usize) -> (Group, usize) {
        let mut within = row;
        for group in &self.layout.groups {
            if within < group.rows {
                return (*group, within);
            }
            within -= group.rows;
        }
        (Group { rows: 0, names: 0, hashes: 0, vectors: 0, codes: 0 }, 0)
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<(), ApplyError> {
        self.file.file().read_exact_at(into, at).map_err(|error| self.named(&error))
    }

    /// Returns an error of the system with the file's name.
    fn named(&self, error: &std::io::Error) -> ApplyError {
        match error.kind() {
            ErrorKind::UnexpectedEof => self.damaged(),
            kind => std::io::Error::new(kind, format!("cannot read {}: {error}", self.path.display())).into(),
        }
    }

    fn damaged(&self) -> ApplyError {
        ApplyError::NotEmbeddings { path: self.path.clone(), problem: "it is damaged" }
    }
}

/// Returns the footer of a parquet file, or `None` if it has none.
fn footer(file: &File, size: u64) -> Result<Option<Vec<u8>>, ApplyError> {
    let mut end = [0; 8];
    if size < 12 {
        return Ok(None);
    }
    file.file().read_exact_at(&mut end, size - 8)?;
    let [a, b, c, d, magic @ ..] = end;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != *MAGIC || length > LONGEST || length + 12 > size {
        return Ok(None);
    }
    let mut footer = vec![0; length as usize];
    file.file().read_exact_at(&mut footer, size - 8 - length)?;
    Ok(Some(footer))
}

/// Returns what the metadata of a footer say of the layout, or why they do not.
fn layout(footer: &[u8]) -> Result<Layout, &'static str> {
    const FOREIGN: &str = "`cliptune embed` has not made it";
    let metadata = metadata(footer).ok_or(FOREIGN)?;
    match serde_json::from_slice(metadata) {
        Ok(Version { format: FORMAT }) => serde_json::from_slice(metadata).map_err(|_| FOREIGN),
        Ok(_) => Err("another version of cliptune has made it"),
        Err(_) => Err(FOREIGN),
    }
}

/// Returns the metadata of a footer that `embed` has made.
fn metadata(footer: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    Thrift::new(footer).fields(|thrift, field, kind| match (field, kind) {
        (5, Thrifty::List) => thrift.structs(|thrift| {
            let (mut is_ours, mut value) = (false, None);
            thrift.fields(|thrift, field, kind| {
                match (field, kind) {
                    (1, Thrifty::Binary) => is_ours = thrift.binary()? == KEY.as_bytes(),
                    (2, Thrifty::Binary) => value = Some(thrift.binary()?),
                    _ => thrift.skip(kind)?,
                }
                Some(())
            })?;
            if is_ours {
                found = value;
            }
            Some(())
        }),
        _ => thrift.skip(kind),
    })?;
    found
}

/// Checks that everything a layout speaks of lies before the end of the rows.
fn is_sound(layout: &Layout, end: u64) -> bool {
    let Layout { dimension, rows, groups, .. } = layout;
    let fits = |at: u64, rows: usize, bytes: u64| {
        let length = (rows as u64).checked_mul(bytes);
        length.and_then(|length| at.checked_add(length)).is_some_and(|last| last <= end)
    };
    let vector = |component: usize| (dimension * component) as u64;
    let is_group = |group: &Group| {
        group.rows > 0
            && fits(group.vectors, group.rows, vector(size_of::<f32>()))
            && fits(group.hashes, group.rows, HASH)
            && fits(group.names, group.rows, 4)
            && fits(group.codes, 1, head(*dimension) as u64 + group.rows as u64 * vector(size_of::<u8>()))
    };
    let counted = groups.iter().try_fold(0_usize, |sum, group| sum.checked_add(group.rows));
    (1..=LARGEST_DIMENSION).contains(dimension)
        && groups.iter().all(is_group)
        && counted == Some(*rows)
        && *rows > 0
}
