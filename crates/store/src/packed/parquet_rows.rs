//! Images in the rows of parquet files, as Hugging Face datasets have them: a column of structs with the `bytes` of an image
//! and the `path` that it had. A column of bytes alone holds images, too, where somebody names it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use duckdb::Connection;

use super::row_sizes::{RowSizes, Sizes};
use super::unreadable;
use crate::digests::settled;
use crate::error::StoreError;
use crate::parquet::{ROW_OF_FILE, literal_path, open_database, sql_name, sql_text};
use crate::parquet_guard::guard_parquet;

/// The number of rows that are read together, because reading one of them has to look at its neighbours anyway.
const BLOCK: u64 = 16;
/// The number of bytes of such blocks that are kept of all files, beside the newest one. Each of the threads that read a file
/// together is somewhere else in it.
const KEPT: usize = 256 << 20;

/// A parquet file whose rows have images.
pub(super) struct ParquetRows {
    path: PathBuf,
    /// The SQL of an image's bytes.
    bytes: String,
    /// The numbers of the rows that have an image, with the sizes of these, once somebody has asked for them. All images
    /// have to be read to know their sizes.
    sizes: Mutex<Option<Arc<Sizes>>>,
    /// What tells the file from the others whose blocks are kept.
    number: u64,
    /// Held by whoever reads a block.
    reading: Mutex<()>,
}

/// The images of consecutive rows.
type Block = Arc<Vec<(u64, Vec<u8>)>>;

/// The blocks that were read last, each with the numbers of its file and of its own, the newest first.
static BLOCKS: Mutex<VecDeque<((u64, u64), Block)>> = Mutex::new(VecDeque::new());

fn blocks() -> MutexGuard<'static, VecDeque<((u64, u64), Block)>> {
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of files that were opened.
static FILES: AtomicU64 = AtomicU64::new(0);

/// The database that reads all files, unless it could not be opened.
static DATABASE: LazyLock<Mutex<Option<Connection>>> = LazyLock::new(|| Mutex::new(open_database().ok()));

fn connection() -> duckdb::Result<Connection> {
    match &*DATABASE.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(database) => database.try_clone(),
        None => open_database(),
    }
}

/// Returns the columns of a parquet file that hold images, in its order.
///
/// # Errors
/// Returns an error when the file cannot be read, or when rows in it have no numbers because a column has their name.
pub fn image_columns(path: &Path) -> Result<Vec<String>, StoreError> {
    guard_parquet(path).map_err(|problem| unreadable(path, problem))?;
    let columns = parquet_columns(path).map_err(|problem| unreadable(path, problem))?;
    if columns.iter().any(|column| column.name.eq_ignore_ascii_case(ROW_OF_FILE)) {
        return Err(unreadable(
            path,
            format!("it has a column {ROW_OF_FILE}, which is the name of the row's own number"),
        ));
    }
    Ok(columns.into_iter().filter(SqlColumn::is_image_struct).map(|column| column.name).collect())
}

/// A column of a parquet file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqlColumn {
    pub(crate) name: String,
    /// Its type, as SQL has it.
    pub(crate) sql_type: String,
}

impl SqlColumn {
    fn is_image_struct(&self) -> bool {
        let kind = self.sql_type.replace('"', "");
        kind == "STRUCT(bytes BLOB, path VARCHAR)" || kind == "STRUCT(path VARCHAR, bytes BLOB)"
    }

    /// Returns the SQL of an image's bytes; `None` where the column can hold no images.
    pub(crate) fn image_bytes(&self) -> Option<String> {
        match self.sql_type.as_str() {
            "BLOB" => Some(sql_name(&self.name)),
            _ => self.is_image_struct().then(|| format!("{}.bytes", sql_name(&self.name))),
        }
    }
}

/// Returns the columns of a parquet file.
pub(crate) fn parquet_columns(path: &Path) -> duckdb::Result<Vec<SqlColumn>> {
    let database = connection()?;
    let mut statement = database.prepare(&format!(
        "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {})",
        parquet_source(path)
    ))?;
    statement.query_map([], |row| Ok(SqlColumn { name: row.get(0)?, sql_type: row.get(1)? }))?.collect()
}

/// Returns the SQL of a parquet file. Folders in the path do not become columns.
pub(crate) fn parquet_source(path: &Path) -> String {
    format!("read_parquet({}, hive_partitioning = false)", sql_text(&literal_path(path)))
}

/// Returns the column that holds the images: the only one of its kind, or the one that is called `image`.
pub fn image_column(path: &Path) -> Result<String, StoreError> {
    one_of(path, &image_columns(path)?)
}

/// Returns that column of all that hold images.
fn one_of(path: &Path, columns: &[String]) -> Result<String, StoreError> {
    match columns {
        [only] => Ok(only.clone()),
        [] => {
            Err(unreadable(path, "it has no column of images: a struct with their `bytes` and their `path`"))
        }
        several if several.iter().any(|name| name == "image") => Ok("image".to_owned()),
        several => Err(unreadable(
            path,
            format!("it has several columns of images, none of them called image: {}", several.join(", ")),
        )),
    }
}

/// Splits what an image is called within a file into the column, where it is named, and the number of the row.
fn split(name: &str) -> (Option<&str>, &str) {
    name.rsplit_once('/').map_or((None, name), |(column, row)| (Some(column), row))
}

/// Returns the column that an image within a file names.
pub(super) fn named_column(name: &str) -> Option<&str> {
    split(name).0
}

/// Returns the SQL of an image's bytes.
fn image_bytes(path: &Path, column: Option<&str>) -> Result<String, StoreError> {
    let all = image_columns(path)?;
    let Some(name) = column else { return Ok(format!("{}.bytes", sql_name(&one_of(path, &all)?))) };
    let columns = parquet_columns(path).map_err(|problem| unreadable(path, problem))?;
    let found = columns.iter().find(|column| column.name == name).and_then(SqlColumn::image_bytes);
    found.ok_or_else(|| unreadable(path, format!("it has no column of images that is called {name}")))
}

impl ParquetRows {
    /// Opens a file for the images of a column; where none is named, of the one that [`image_column`] finds.
    pub(super) fn open(path: &Path, column: Option<&str>) -> Result<Self, StoreError> {
        let bytes = image_bytes(path, column)?;
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            path: path.to_path_buf(),
            bytes,
            sizes: Mutex::default(),
            number,
            reading: Mutex::default(),
        })
    }

    /// Returns the rows that have an image, of which there is at least one.
    fn sizes(&self) -> Result<Arc<Sizes>, StoreError> {
        self.known_or(|| self.measured())
    }

    /// Returns the rows that have an image if they are known, and else finds them.
    fn known_or(&self, find: impl FnOnce() -> Result<Sizes, StoreError>) -> Result<Arc<Sizes>, StoreError> {
        let mut known = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(sizes) => Ok(Arc::clone(sizes)),
            None => Ok(Arc::clone(known.insert(Arc::new(find()?)))),
        }
    }

    /// Reads all images to find their rows and sizes.
    fn measured(&self) -> Result<Sizes, StoreError> {
        let sizes = sizes(&self.path, &self.bytes).map_err(|problem| unreadable(&self.path, problem))?;
        match sizes.is_empty() {
            true => Err(unreadable(&self.path, "none of its rows holds the bytes of an image")),
            false => Ok(sizes),
        }
    }

    /// Returns the number of images that are kept in mind.
    pub(super) fn weight(&self) -> usize {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |sizes| sizes.len())
    }

    /// Returns what the images are called: the numbers of their rows. These and the sizes are remembered in a cache.
    pub(super) fn names(&self, cache: Option<&Path>) -> Result<Vec<String>, StoreError> {
        self.names_before(settled(), cache)
    }

    /// Does the same where files that changed before a given moment have settled.
    fn names_before(&self, settled: i64, cache: Option<&Path>) -> Result<Vec<String>, StoreError> {
        let remembered = || cache.and_then(|cache| RowSizes::of(cache, &self.path, settled));
        let sizes = self.known_or(|| match remembered() {
            Some(remembered) => remembered.recall_or(|| self.measured()),
            None => self.measured(),
        })?;
        Ok(sizes.iter().map(|(row, _)| row.to_string()).collect())
    }

    pub(super) fn size(&self, name: &str) -> Result<u64, StoreError> {
        let (row, sizes) = (self.row(name)?, self.sizes()?);
        let at = sizes.binary_search_by_key(&row, |(row, _)| *row);
        at.map(|at| sizes[at].1).map_err(|_| self.missing(name))
    }

    /// Returns the number of the row that a name stands for.
    fn row(&self, name: &str) -> Result<u64, StoreError> {
        let (_, written) = split(name);
        let row = written.parse().ok().filter(|row: &u64| row.to_string() == written);
        row.ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> StoreError {
        unreadable(&self.path, format!("it has no image in a row {name}"))
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let row = self.row(name)?;
        let block = self.block(row / BLOCK).map_err(|problem| unreadable(&self.path, problem))?;
        let image = block.iter().find(|(own, _)| *own == row).map(|(_, bytes)| bytes.clone());
        image.ok_or_else(|| self.missing(name))
    }

    /// Returns the images of a block of rows. Whoever needs another one of the same file waits.
    fn block(&self, number: u64) -> duckdb::Result<Block> {
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (self.number, number);
        if let Some((_, block)) = blocks().iter().find(|(own, _)| *own == place) {
            return Ok(Arc::clone(block));
        }
        let block = Arc::new(self.rows(number * BLOCK)?);
        let (mut blocks, mut bytes) = (blocks(), 0);
        blocks.retain(|(_, kept)| {
            bytes += kept.iter().map(|(_, image)| image.len()).sum::<usize>();
            bytes <= KEPT
        });
        blocks.push_front((place, Arc::clone(&block)));
        Ok(block)
    }

    fn rows(&self, first: u64) -> duckdb::Result<Vec<(u64, Vec<u8>)>> {
        let database = connection()?;
        let mut statement = database.prepare(&format!(
            "SELECT {ROW_OF_FILE}, {} FROM {} WHERE {ROW_OF_FILE} >= {first} AND {ROW_OF_FILE} < {} AND {} IS NOT NULL",
            self.bytes,
            parquet_source(&self.path),
            first + BLOCK,
            self.bytes
        ))?;
        statement.query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?.collect()
    }
}

/// Returns the numbers of the rows that have an image, with the sizes of these.
fn sizes(path: &Path, bytes: &str) -> duckdb::Result<Sizes> {
    let database = connection()?;
    let mut statement = database.prepare(&format!(
        "SELECT {ROW_OF_FILE}, octet_length({bytes}) FROM {} WHERE {bytes} IS NOT NULL ORDER BY {ROW_OF_FILE}",
        parquet_source(path)
    ))?;
    let unsigned = |number: i64| number.cast_unsigned();
    statement.query_map([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a parquet file with an image of one byte in row 0, none in row 1, and a given one in row 2.
    fn write_rows(path: &Path, last: &str) {
        let rows = format!(
            "SELECT {{'bytes': encode(text), 'path': 'a.png'}} AS image FROM (VALUES ('a'), (NULL), ('{last}')) AS t(text)"
        );
        let copy = format!("COPY ({rows}) TO {} (FORMAT parquet)", sql_text(&path.to_string_lossy()));
        open_database().unwrap().execute_batch(&copy).unwrap();
    }

    #[test]
    fn rows_and_sizes_come_from_the_cache_until_the_file_changes() {
        let root = tempfile::tempdir().unwrap();
        let (path, cache) = (root.path().join("a.parquet"), root.path().join("cache"));
        write_rows(&path, "abc");
        let names = || ParquetRows::open(&path, None).unwrap().names_before(i64::MAX, Some(&cache)).unwrap();
        assert_eq!(names(), ["0", "2"]);

        // Another memory of the same file shows that it is asked, and nobody else.
        fs_err::remove_dir_all(&cache).unwrap();
        let remembered = RowSizes::of(&cache, &path, i64::MAX).unwrap();
        remembered.recall_or(|| Ok(vec![(7, 70)])).unwrap();
        assert_eq!(names(), ["7"]);
        let rows = ParquetRows::open(&path, None).unwrap();
        rows.names_before(i64::MAX, Some(&cache)).unwrap();
        assert_eq!(rows.size("7").unwrap(), 70);

        write_rows(&path, "a longer one");
        assert_eq!(names(), ["0", "2"]);
        // Who has no cache reads the file.
        let rows = ParquetRows::open(&path, None).unwrap();
        assert_eq!(rows.names(None).unwrap(), ["0", "2"]);
        assert_eq!(rows.size("2").unwrap(), 12);
    }
}
