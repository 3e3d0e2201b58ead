//! Reads a small parquet file from memory.
//!
//! To open a file takes DuckDB longer than to read a small one. This reads files as the store writes them, with the columns that
//! it expects. One that is written in any other way is left to DuckDB.

mod footer;
mod levels;
mod pages;
mod values;

use std::io::Write;

use cliptune_store::thrift::Thrift;
use ruzstd::decoding::FrameDecoder;

use crate::columns::Column;
use crate::table_file::{Row, TableFile};
use cliptune_store::parquet_format::MAGIC;
pub(crate) use values::Values;

/// The rows of a file, column by column.
pub(crate) struct SmallFile {
    rows: usize,
    columns: Vec<Values>,
}

impl SmallFile {
    /// Reads a file that has these columns. Returns `None` for one that only DuckDB can make sense of.
    pub(crate) fn read(bytes: &[u8], columns: &[Column], decoder: &mut FrameDecoder) -> Option<Self> {
        let footer = footer::read(&mut Thrift::new(footer_of(bytes)?), columns)?;
        let mut read: Vec<Values> = footer.stored.iter().map(Values::new).collect();
        for group in &footer.groups {
            for ((place, stored), values) in group.iter().zip(&footer.stored).zip(&mut read) {
                pages::read(bytes, place, *stored, values, decoder)?;
            }
        }
        let is_whole = read.iter().all(|values| values.rows() == footer.rows);
        is_whole.then_some(Self { rows: footer.rows, columns: read })
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns a column by its place among those that were asked for.
    pub(crate) fn column(&self, at: usize) -> Option<&Values> {
        self.columns.get(at)
    }

    /// Adds the rows to a file. `begin` adds what comes before these columns.
    pub(crate) fn add_to<W: Write>(&self, table: &mut TableFile<'_, W>, begin: impl Fn(&mut Row<'_>)) {
        for at in 0..self.rows {
            let mut row = table.row();
            begin(&mut row);
            self.columns.iter().for_each(|values| values.add_to(&mut row, at));
        }
    }
}

/// Returns the bytes in which a file describes itself.
fn footer_of(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, magic) = bytes.split_last_chunk::<4>()?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    let start = rest.len().checked_sub(u32::from_le_bytes(*length) as usize)?;
    (magic == MAGIC).then_some(&rest[start..])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::columns::{Kind, column};
    use crate::database::Database;
    use crate::tables::parquet;

    const COLUMNS: &[Column] = &[
        column("text", Kind::Text, ""),
        column("same", Kind::Text, ""),
        column("half", Kind::Whole, ""),
        column("whole", Kind::Whole, ""),
        column("number", Kind::Number, ""),
        column("level", Kind::Number, ""),
        column("truth", Kind::Truth, ""),
        column("wholes", Kind::Wholes, ""),
        column("numbers", Kind::Numbers, ""),
        column("none", Kind::Number, ""),
    ];

    /// The SQL of rows in which each kind of value is missing now and then, and some repeat.
    const ROWS: &str = "SELECT
        CASE WHEN i % 7 > 0 THEN 'naïve \"x\" ' || i END AS text,
        CASE WHEN i % 5 > 0 THEN repeat('漫', CAST(i % 3 AS INTEGER)) END AS same,
        CASE WHEN i % 11 > 0 THEN CAST(i % 13 - 6 AS INTEGER) END AS half,
        CASE WHEN i % 3 > 0 THEN CAST(i * -9000000000000 AS BIGINT) END AS whole,
        CASE i % 9 WHEN 1 THEN 'nan' WHEN 2 THEN '-0.0' WHEN 3 THEN '-inf' WHEN 4 THEN NULL ELSE sin(i) END::DOUBLE AS number,
        CASE WHEN i % 17 > 0 THEN 1 / (1 + i % 4) END AS level,
        CASE WHEN i % 4 > 0 THEN i % 6 < 2 END AS truth,
        CASE WHEN i % 5 > 0 THEN list_transform(range(i % 4), lambda x: CASE WHEN x = 1 THEN NULL ELSE CAST(x - i % 100 AS INTEGER) END) END AS wholes,
        CASE WHEN i % 6 > 0 THEN list_transform(range(i % 8), lambda x: CASE WHEN x = 5 THEN NULL ELSE cos(x * i) END) END AS numbers,
        CAST(NULL AS DOUBLE) AS none
        FROM range(COUNT) AS r(i)";

    /// Writes a file with so many rows, and returns its content.
    fn written(file: &Path, count: usize, options: &str) -> Vec<u8> {
        let rows = ROWS.replace("COUNT", &count.to_string());
        let copy = format!("COPY ({rows}) TO '{}' (FORMAT parquet, {options})", file.display());
        Database::open().unwrap().make(&copy).unwrap();
        fs_err::read(file).unwrap()
    }

    fn read(bytes: &[u8]) -> Option<SmallFile> {
        SmallFile::read(bytes, COLUMNS, &mut FrameDecoder::new())
    }

    #[test]
    fn what_is_read_is_what_duckdb_reads() {
        let folder = tempfile::tempdir().unwrap();
        let [file, copy] = ["file.parquet", "copy.parquet"].map(|name| folder.path().join(name));
        for count in [0, 1, 2, 3, 10, 100, 3000, 25_000] {
            for options in
                ["COMPRESSION zstd, COMPRESSION_LEVEL 1", "COMPRESSION uncompressed, ROW_GROUP_SIZE 2048"]
            {
                let read = read(&written(&file, count, options)).unwrap();
                assert_eq!(read.rows, count);
                let mut table = TableFile::new(COLUMNS, Vec::new());
                read.add_to(&mut table, |_| {});
                fs_err::write(&copy, table.finish().unwrap()).unwrap();
                // As JSON, -0.0 is not 0.0, and nothing is equal that is not the same.
                let rows = |file: &Path| {
                    format!(
                        "SELECT row_number() OVER (), to_json(t)::VARCHAR FROM {} AS t",
                        parquet(&[file.to_path_buf()], None)
                    )
                };
                let sql = |one: &Path, other: &Path| {
                    format!("SELECT count(*)::VARCHAR FROM ({} EXCEPT ALL {})", rows(one), rows(other))
                };
                for (one, other) in [(&file, &copy), (&copy, &file)] {
                    let answer = Database::open().unwrap().texts(&sql(one, other)).unwrap();
                    assert_eq!(answer.rows().next().unwrap(), [Some("0")], "{count} rows, {options}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_duckdb() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.parquet");
        for options in ["COMPRESSION snappy", "COMPRESSION gzip", "PARQUET_VERSION v2"] {
            assert!(read(&written(&file, 100, options)).is_none(), "{options}");
        }
        let bytes = written(&file, 100, "COMPRESSION zstd");
        let fewer = SmallFile::read(&bytes, &COLUMNS[1..], &mut FrameDecoder::new());
        assert!(fewer.is_none());
        let mut renamed = COLUMNS.to_vec();
        renamed[3].name = "others";
        assert!(SmallFile::read(&bytes, &renamed, &mut FrameDecoder::new()).is_none());
        let mut retyped = COLUMNS.to_vec();
        retyped[7].kind = Kind::Numbers;
        assert!(SmallFile::read(&bytes, &retyped, &mut FrameDecoder::new()).is_none());
    }

    #[test]
    fn what_is_damaged_is_refused_or_read_and_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = written(&folder.path().join("file.parquet"), 40, "COMPRESSION uncompressed");
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at]).is_none());
            for bit in [1, 0x40] {
                let mut changed = bytes.clone();
                changed[at] ^= bit;
                if let Some(read) = read(&changed) {
                    read.add_to(&mut TableFile::new(COLUMNS, Vec::new()), |_| {});
                }
            }
        }
    }
}
