//! The sources of a dataset, identified by their content.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, Location, TableFormat, Verify};
use serde_json::json;

use crate::beside;
use crate::dataset_record::SourceBytes;
use crate::digests::{Digest, Memory, Stamp, settled, stamps};
use crate::error::StoreError;
use crate::identity;
use crate::image_files::{self, FileNames, Found, ImageFiles};
use crate::image_identity::ImageIdentity;
use crate::image_kinds::{Kinds, extension};
use crate::named_columns::NamedColumns;
use crate::packed;
use crate::parquet_parts;
use crate::reading::Reading;
use crate::remote;
use crate::source_hashes::{Seen, SourceHashes, update_in_runs};
use crate::unread::{ContentHash, Unread};

/// The images and the table of a plan in their current state.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// How far the images are to be examined. It decides what they are known by.
    pub verify: Verify,
    /// The images, sorted by [`folder`](ImageFile::folder) and [`relative`](ImageFile::relative).
    pub images: Vec<ImageFile>,
    /// The number of files in the folders of the images whose names are not those of images, by extension.
    pub passed_over: BTreeMap<String, u64>,
    /// The files that make up the table.
    pub table: TableFiles,
    /// What a dataset knows them by.
    pub hashes: SourceHashes,
    /// The sizes of the images and of the table.
    pub bytes: SourceBytes,
}

/// The files that make up a table.
#[derive(Clone, Debug)]
pub struct TableFiles {
    /// How the table lies in them.
    pub layout: TableLayout,
    /// Their paths, in the order of the plan and of their names.
    pub files: Vec<PathBuf>,
    /// Their paths below their folders, which are those of the images where the table lies with them.
    pub names: Vec<String>,
}

impl TableFiles {
    /// Lists the files of a plan's table without reading any of them, and returns them with their size in bytes.
    ///
    /// # Errors
    ///
    /// Returns an error when the table is not there.
    pub fn list(plan: &DataPlan) -> Result<(Self, u64), StoreError> {
        let (layout, tables) = match plan.metadata.format {
            TableFormat::Beside => beside::tables(&listed_images(plan)?)?,
            TableFormat::Tar => (TableLayout::Archives, listed_tables(plan)?),
            _ => (TableLayout::Plain, listed_tables(plan)?),
        };
        let mut table = Self { layout, files: Vec::new(), names: Vec::new() };
        for (_, files) in tables {
            table.files.extend(files.relative.iter().map(|name| files.folder.join(name)));
            table.names.extend(files.relative);
        }
        let size = |file: &PathBuf| fs_err::metadata(file).map_or(0, |about| about.len());
        let bytes = table.files.iter().map(size).sum();
        Ok((table, bytes))
    }
}

/// How a table lies in its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableLayout {
    /// The files are a table that knows nothing of images.
    Plain,
    /// The files are tar archives, and each sample in them is a row.
    Archives,
    /// The files are parquet files whose rows hold the images themselves.
    Rows,
    /// Each file is about the images in its own folder.
    Folders,
}

/// One image: a file, or a part of a file that images lie within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// The number of the folder that the path is relative to.
    pub folder: u32,
    /// The path below that folder, with forward slashes.
    pub relative: Box<str>,
    /// The file's size in bytes.
    pub size: u64,
    /// What the image is known by.
    pub identity: ImageIdentity,
}

/// What stands between the number of a folder and the path of an image in its name. No path below a folder has it.
const FOLDER_END: &str = "//";

impl ImageFile {
    /// Returns the name that tells the image from all others of a dataset: its path, and before it, in every folder but the
    /// first one, the number of the folder, as in `1//cats/7.png`.
    pub fn name(&self) -> Cow<'_, str> {
        match self.folder {
            0 => Cow::Borrowed(&self.relative),
            folder => Cow::Owned(format!("{folder}{FOLDER_END}{}", self.relative)),
        }
    }

    /// Returns the SQL of [`name`](Self::name) over the SQL of a folder's number and of a path.
    pub fn name_sql(folder: &str, path: &str) -> String {
        format!("CASE {folder} WHEN 0 THEN {path} ELSE {folder} || '{FOLDER_END}' || {path} END")
    }
}

impl Inputs {
    /// Returns the path of an image.
    pub fn path(&self, image: &ImageFile) -> PathBuf {
        let folder = self.hashes.images_folders.get(image.folder as usize);
        folder.map_or_else(PathBuf::new, |folder| folder.join(&*image.relative))
    }

    pub(crate) fn read(cache: &Path, plan: &DataPlan, reading: &Reading<'_>) -> Result<Self, StoreError> {
        let (listed, memories) = rayon::join(|| Listed::of(plan), || remembered(cache, plan));
        Self::of(cache, plan, listed?, Some(memories), reading)
    }

    /// Reads listed sources, with what is remembered of the images if that has been recalled already.
    pub(crate) fn of(
        cache: &Path,
        plan: &DataPlan,
        listed: Listed<'_>,
        memories: Option<Vec<Option<Memory>>>,
        reading: &Reading<'_>,
    ) -> Result<Self, StoreError> {
        let Reading { image: read_image, on_table, on_names, on_progress } = *reading;
        let table = read_table(cache, plan, &listed, on_progress)?;
        on_table(&table.files);
        let mut inputs = Self::empty(plan.verify, table);
        let mut expanded = Vec::new();
        for (_, found) in listed.images {
            expanded.push(inputs.pass_over(packed::expanded(Some(cache), found.files())?));
        }
        on_names(&expanded.iter().map(|names| names.relative.as_slice()).collect::<Vec<_>>());
        let memories = memories.unwrap_or_else(|| remembered(cache, plan));
        for (names, memory) in expanded.into_iter().zip(memories) {
            let known = match memory {
                Some(memory) => by_content(&memory.digests(&names, read_image, on_progress)?),
                None => by_stamp(inputs.hashes.images_folders.len() as u32, &names)?,
            };
            inputs.add_images(names, known);
        }
        inputs.hashes.images_hash = images_hash(&inputs.images);
        if let Some(seen) = listed.seen {
            seen.remember(cache, plan, &inputs.hashes.images_hash);
        }
        inputs.bytes.images = inputs.images.iter().map(|image| image.size).sum();
        Ok(inputs)
    }

    fn empty(verify: Verify, table: Table) -> Self {
        let Table { files, hash: table_hash, size } = table;
        Self {
            verify,
            images: Vec::new(),
            passed_over: BTreeMap::new(),
            table: files,
            hashes: SourceHashes { images_folders: Vec::new(), images_hash: String::new(), table_hash },
            bytes: SourceBytes { table: size, ..SourceBytes::default() },
        }
    }

    /// Counts the files of a source that are no images, and returns the names of those that are.
    fn pass_over(&mut self, found: ImageFiles) -> FileNames {
        let ImageFiles { names, passed_over, tables } = found;
        let is_ours = self.table.layout == TableLayout::Folders;
        let tables = tables.iter().filter(|_| !is_ours).map(|table| (extension(table.as_ref()), 1));
        for (extension, files) in passed_over.into_iter().chain(tables) {
            *self.passed_over.entry(extension).or_default() += files;
        }
        names
    }

    /// Adds the images of one folder, with the size and the identity of each.
    fn add_images(&mut self, names: FileNames, known: Vec<(u64, ImageIdentity)>) {
        let folder = self.hashes.images_folders.len() as u32;
        let image = |(relative, (size, identity)): (String, (u64, ImageIdentity))| ImageFile {
            folder,
            relative: relative.into_boxed_str(),
            size,
            identity,
        };
        self.images.extend(names.relative.into_iter().zip(known).map(image));
        self.hashes.images_folders.push(names.folder);
    }
}

/// The files of a plan's sources, listed and not read.
pub(crate) struct Listed<'p> {
    tables: Vec<(&'p Location, FileNames)>,
    pub(crate) images: Vec<(&'p Location, Found)>,
    /// What the listing says of the images.
    pub(crate) seen: Option<Seen>,
}

impl<'p> Listed<'p> {
    /// Lists the files of all sources, and so checks that they exist before any is read.
    pub(crate) fn of(plan: &'p DataPlan) -> Result<Self, StoreError> {
        Self::settled(plan, settled())
    }

    /// Does the same where files that changed before a given moment have settled.
    pub(crate) fn settled(plan: &'p DataPlan, settled: i64) -> Result<Self, StoreError> {
        let tables = listed_tables(plan)?;
        let images = listed_images(plan)?;
        let seen = Seen::of(images.iter().map(|(_, found)| found), settled);
        Ok(Self { tables, images, seen })
    }
}

/// A table that has been read as far as it has changed.
pub(crate) struct Table {
    files: TableFiles,
    pub(crate) hash: String,
    /// Its size in bytes.
    size: u64,
}

/// Reads the table of a plan.
pub(crate) fn read_table(
    cache: &Path,
    plan: &DataPlan,
    listed: &Listed<'_>,
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Table, StoreError> {
    let (layout, tables) = match plan.metadata.format {
        TableFormat::Beside => beside::tables(&listed.images)?,
        TableFormat::Tar => (TableLayout::Archives, listed.tables.clone()),
        _ => (TableLayout::Plain, listed.tables.clone()),
    };
    let mut all = TableFiles { layout, files: Vec::new(), names: Vec::new() };
    let (mut hashed, mut named) = (Vec::new(), Vec::new());
    for (table, files) in tables {
        let contents = beside::contents(layout, &files)?;
        let digests = table_digests(cache, plan, table, &contents.hashed, on_progress)?;
        hashed.extend(contents.hashed.relative.into_iter().zip(digests));
        named.extend(contents.named);
        all.files.extend(files.relative.iter().map(|name| files.folder.join(name)));
        all.names.extend(files.relative);
    }
    let size = hashed.iter().map(|(_, digest)| digest.size).sum();
    Ok(Table { files: all, hash: table_hash(layout, &hashed, &named), size })
}

/// Recalls what is remembered of the images of each source, if the plan is to read them at all.
fn remembered(cache: &Path, plan: &DataPlan) -> Vec<Option<Memory>> {
    let recall = |images: &Location| match plan.verify {
        Verify::Whole | Verify::Header => Some(Memory::recall(cache, &images.to_string())),
        Verify::None => None,
    };
    plan.images.iter().map(recall).collect()
}

fn by_content(digests: &[Digest]) -> Vec<(u64, ImageIdentity)> {
    digests.iter().map(|digest| (digest.size, ImageIdentity::Content(digest.hash))).collect()
}

/// Returns the sizes and the identities of files that are not opened.
fn by_stamp(folder: u32, names: &FileNames) -> Result<Vec<(u64, ImageIdentity)>, StoreError> {
    let stamps = stamps(names)?;
    let known = |(name, stamp): (&String, &Stamp)| {
        (stamp.size, ImageIdentity::stamp(folder, name, stamp.size, stamp.modified))
    };
    Ok(names.relative.iter().zip(&*stamps).map(known).collect())
}

fn listed_tables(plan: &DataPlan) -> Result<Vec<(&Location, FileNames)>, StoreError> {
    listed(&plan.metadata.locations, |table| match table {
        Location::Local(path) => files_of_table(path),
        Location::Remote(address) => remote::table(address, plan),
    })
}

fn listed_images(plan: &DataPlan) -> Result<Vec<(&Location, Found)>, StoreError> {
    let images = listed(&plan.images, |images| match images {
        Location::Local(path) => image_files::find(path, Kinds::of(plan))?.all_named(),
        Location::Remote(address) => remote::images(address, plan).map(Found::Files),
    })?;
    match same(&images) {
        Some((one, other)) => Err(StoreError::ImagesTwice { one: one.to_string(), other: other.to_string() }),
        None => Ok(images),
    }
}

/// Finds two sources that are the same files, as a folder is that is named twice.
fn same<'p>(images: &[(&'p Location, Found)]) -> Option<(&'p Location, &'p Location)> {
    let folder = |found: &Found| std::fs::canonicalize(found.folder()).ok();
    let folders: Vec<Option<PathBuf>> = images.iter().map(|(_, found)| folder(found)).collect();
    let is_same =
        |one: usize, other: usize| folders[one] == folders[other] && images[one].1.is_same(&images[other].1);
    (0..images.len()).find_map(|other| {
        let one = (0..other).find(|one| is_same(*one, other))?;
        Some((images[one].0, images[other].0))
    })
}

/// Lists the files of each of some sources.
fn listed<F>(
    sources: &[Location],
    list: impl Fn(&Location) -> Result<F, StoreError>,
) -> Result<Vec<(&Location, F)>, StoreError> {
    sources.iter().map(|source| Ok((source, list(source)?))).collect()
}

/// Returns the single file of a table, or the files that a glob matches.
fn files_of_table(table: &Path) -> Result<FileNames, StoreError> {
    let found = match image_files::single(table)? {
        Some(file) => Some(file),
        None => image_files::matching(table)?.filter(|found| !found.is_empty()),
    };
    found.ok_or_else(|| StoreError::NoTable { path: table.to_path_buf() })?.all_named()
}

/// Hashes the files of a table: of parquet files what the plan reads of them, of others all. The digests are remembered
/// separately, because datasets share images more often than tables.
fn table_digests(
    cache: &Path,
    plan: &DataPlan,
    table: &Location,
    files: &FileNames,
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<Digest>, StoreError> {
    if plan.metadata.format != TableFormat::Parquet {
        return Memory::recall(cache, &format!("{table} as a table")).digests(
            files,
            &Unread::hash,
            on_progress,
        );
    }
    let columns = NamedColumns::of(plan);
    let read = |file: Unread| parquet_parts::digest(file.path(), &columns).map(ContentHash);
    let memory = Memory::recall(cache, &format!("{table} as a table of {}", columns.key()));
    memory.digests(files, &read, on_progress)
}

/// Returns the hash of a table. A single file gives its own hash, so that the table stays the same under any name. Where rows
/// name images by the files that they lie in, these names are a part of the table.
fn table_hash(layout: TableLayout, contents: &[(String, Digest)], named: &[String]) -> String {
    let hashes = || contents.iter().map(|(_, digest)| digest.hex());
    match (layout, contents) {
        (TableLayout::Plain, [(_, single)]) => single.hex(),
        (TableLayout::Plain, _) => identity::hash(hashes().collect()),
        (_, _) => {
            let pairs: Vec<_> = hashes().zip(contents).map(|(hash, (name, _))| json!([name, hash])).collect();
            identity::hash(json!([pairs, named]))
        }
    }
}

/// Returns the hash of all names and identities. A name ends where a byte stands that no name has.
fn images_hash(images: &[ImageFile]) -> String {
    let mut hasher = blake3::Hasher::new();
    update_in_runs(&mut hasher, images.len(), |at, run| {
        let image = &images[at];
        run.extend_from_slice(&image.folder.to_le_bytes());
        run.extend_from_slice(image.relative.as_bytes());
        run.push(0);
        image.identity.append_to(run);
        run.push(0);
    });
    hasher.finalize().to_hex().to_string()
}
