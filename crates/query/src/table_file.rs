//! A parquet file that is written row by row.
//!
//! It is for the cache: it has no more of parquet than is needed for DuckDB to read it at once, and most of it is the values as
//! they are in memory. To put the rows into a table of DuckDB, and to have that written, takes ten times as long.

mod chunk;
mod lists;
mod schema;

use std::io::{self, Write};

use cliptune_store::thrift::{Fields, structure};

use crate::columns::Column;
use chunk::Chunk;
use cliptune_store::parquet_format::{MAGIC, codec, encoding};
use cliptune_store::parquet_write::{Pages, Place};
use schema::{elements, path, physical};

/// The number of rows that are kept in memory until they are written. Their values fit into the caches of a processor.
const ROWS: usize = 20_480;

/// A file that is being written.
pub(crate) struct TableFile<'c, W> {
    columns: &'c [Column],
    pages: Pages<W>,
    /// The values of the rows that are not written yet.
    chunks: Vec<Chunk>,
    rows: usize,
    groups: Vec<Group>,
    /// The error that ended the writing.
    failed: Option<io::Error>,
}

/// Rows that have been written.
struct Group {
    rows: usize,
    places: Vec<Place>,
}

/// A row whose values are added from its first column to its last. A value of another kind than its column is missing.
pub(crate) struct Row<'t> {
    chunks: std::slice::IterMut<'t, Chunk>,
    row: usize,
}

impl Row<'_> {
    #[inline]
    pub(crate) fn number(&mut self, value: Option<f64>) {
        if let (Some(chunk), Some(value)) = (self.chunks.next(), value) {
            chunk.number(self.row, value);
        }
    }

    /// Adds a count, which is never as large as to be no `i64`.
    #[inline]
    pub(crate) fn count(&mut self, value: Option<u64>) {
        self.whole(value.and_then(|value| value.try_into().ok()));
    }

    #[inline]
    pub(crate) fn whole(&mut self, value: Option<i64>) {
        if let (Some(chunk), Some(value)) = (self.chunks.next(), value) {
            chunk.whole(self.row, value);
        }
    }

    #[inline]
    pub(crate) fn text(&mut self, text: Option<&str>) {
        if let (Some(chunk), Some(text)) = (self.chunks.next(), text) {
            chunk.text(self.row, text);
        }
    }

    /// Adds a list of whole numbers.
    pub(crate) fn wholes(&mut self, list: Option<impl Iterator<Item = Option<i64>>>) {
        if let (Some(chunk), Some(list)) = (self.chunks.next(), list) {
            chunk.list(self.row, list.map(|number| number.map(i64::to_le_bytes)));
        }
    }

    /// Adds a list of numbers.
    pub(crate) fn numbers(&mut self, list: Option<impl Iterator<Item = Option<f64>>>) {
        if let (Some(chunk), Some(list)) = (self.chunks.next(), list) {
            chunk.list(self.row, list.map(|number| number.map(f64::to_le_bytes)));
        }
    }

    #[inline]
    pub(crate) fn truth(&mut self, value: Option<bool>) {
        if let (Some(chunk), Some(value)) = (self.chunks.next(), value) {
            chunk.truth(self.row, value);
        }
    }
}

impl<'c, W: Write> TableFile<'c, W> {
    pub(crate) fn new(columns: &'c [Column], file: W) -> Self {
        Self {
            columns,
            pages: Pages::new(file),
            chunks: columns.iter().map(|column| Chunk::new(column.kind)).collect(),
            rows: 0,
            groups: Vec::new(),
            failed: None,
        }
    }

    /// Begins a row.
    #[inline]
    pub(crate) fn row(&mut self) -> Row<'_> {
        if self.rows == ROWS {
            let written = self.write();
            self.failed = self.failed.take().or(written.err());
        }
        self.rows += 1;
        Row { chunks: self.chunks.iter_mut(), row: self.rows - 1 }
    }

    /// Writes the rest, and returns what it was written to.
    ///
    /// # Errors
    /// Returns an error when some of the file could not be written.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.write()?;
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut footer = self.footer();
        let length = footer.len() as u32;
        footer.extend(length.to_le_bytes());
        footer.extend(MAGIC);
        self.pages.write(&footer)?;
        Ok(self.pages.file)
    }

    /// Writes the rows that are kept in memory.
    fn write(&mut self) -> io::Result<()> {
        if self.groups.is_empty() {
            self.pages.write(MAGIC)?;
        }
        let rows = std::mem::take(&mut self.rows);
        let places = self.chunks.iter_mut().map(|chunk| chunk.write(rows, &mut self.pages));
        let places = places.collect::<io::Result<_>>()?;
        self.groups.push(Group { rows, places });
        Ok(())
    }

    fn footer(&self) -> Vec<u8> {
        let (columns, groups) = (self.columns, &self.groups);
        let mut bytes = Vec::new();
        structure(&mut bytes, |fields| {
            fields.i32(1, 1);
            let elements = elements(columns);
            fields.structures(2, elements.len(), |fields, at| elements[at].write(fields));
            fields.i64(3, groups.iter().map(|group| group.rows).sum());
            fields.structures(4, groups.len(), |fields, at| group(fields, columns, &groups[at]));
        });
        bytes
    }
}

fn group(fields: &mut Fields<'_>, columns: &[Column], group: &Group) {
    fields.structures(1, columns.len(), |fields, at| {
        fields.i64(2, group.places[at].start());
        fields.structure(3, |fields| place(fields, &columns[at], &group.places[at]));
    });
    fields.i64(2, group.places.iter().map(Place::size).sum());
    fields.i64(3, group.rows);
}

fn place(fields: &mut Fields<'_>, column: &Column, place: &Place) {
    fields.i32(1, physical(column.kind));
    fields.integers(2, &[encoding::PLAIN, encoding::RLE, encoding::RLE_DICTIONARY]);
    fields.texts(3, &path(column));
    fields.i32(4, codec::UNCOMPRESSED);
    fields.i64(5, place.count);
    fields.i64(6, place.size());
    fields.i64(7, place.size());
    fields.i64(9, place.values);
    if let Some(dictionary) = place.dictionary {
        fields.i64(11, dictionary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::columns::{Kind, column};
    use crate::database::Database;
    use crate::tables::parquet;

    const COLUMNS: &[Column] = &[
        column("text", Kind::Text, ""),
        column("whole", Kind::Whole, ""),
        column("number", Kind::Number, ""),
        column("truth", Kind::Truth, ""),
        column("time", Kind::Time, ""),
        column("same", Kind::Number, ""),
        column("none", Kind::Text, ""),
        column("nothing", Kind::Number, ""),
    ];

    /// Returns a row in which each kind of value is missing now and then.
    fn row(at: usize) -> [Cell<'static>; 8] {
        let text = ["a", "", "naïve \"x\""].get(at / 7 % 4);
        let whole = (!at.is_multiple_of(3)).then(|| at as i64 - 1_000_000);
        let number = (!at.is_multiple_of(5)).then(|| (at as f64).sin());
        let truth = (at % 11 < 9).then_some(at.is_multiple_of(2));
        let seconds = (!at.is_multiple_of(13)).then_some(1_795_937_121.845_429_2 + at as f64 * 1e6);
        [
            Cell::maybe(text, |text| Cell::text(text)),
            Cell::maybe(whole, Cell::Whole),
            Cell::maybe(number, Cell::Number),
            Cell::maybe(truth, Cell::Truth),
            Cell::maybe(seconds, Cell::Number),
            Cell::Number(if at < 900 { 0.5 } else { -0.0 }),
            Cell::Null,
            // It is of another kind.
            Cell::text("nothing"),
        ]
    }

    fn add<W: Write>(table: &mut TableFile<'_, W>, cells: [Cell<'_>; 8]) {
        let mut row = table.row();
        for cell in cells {
            match cell {
                Cell::Null => row.text(None),
                Cell::Text(text) => row.text(Some(&text)),
                Cell::Whole(value) => row.whole(Some(value)),
                Cell::Number(value) => row.number(Some(value)),
                Cell::Truth(value) => row.truth(Some(value)),
                Cell::Texts(_) | Cell::Json(_) => {}
            }
        }
    }

    /// Returns the texts that DuckDB should make of a row. It may spell a number in another way.
    fn texts(row: &[Cell<'_>; 8]) -> [String; 8] {
        let mut texts = row
            .clone()
            .map(|cell| if cell == Cell::Null { "NULL".to_owned() } else { cell.spelled().into_owned() });
        if let Some(seconds) = row[4].number() {
            texts[4] = ((seconds * 1e6).round() as i64).to_string();
        }
        texts[7] = "NULL".to_owned();
        texts
    }

    /// Writes rows, and has DuckDB ask for texts.
    fn asked(rows: impl Iterator<Item = [Cell<'static>; 8]>, sql: &str) -> Vec<Vec<String>> {
        let mut table = TableFile::new(COLUMNS, Vec::new());
        rows.for_each(|row| add(&mut table, row));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        fs_err::write(&path, table.finish().unwrap()).unwrap();
        let database = Database::open().unwrap();
        let answer = database.texts(&sql.replace("ROWS", &parquet(&[path], None))).unwrap();
        let texts =
            |row: Vec<Option<&str>>| row.into_iter().map(|cell| cell.unwrap_or("NULL").to_owned()).collect();
        answer.rows().map(texts).collect()
    }

    #[test]
    fn duckdb_reads_what_was_written() {
        let sql =
            "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (SELECT * REPLACE (epoch_us(time) AS time) FROM ROWS)";
        for count in [0, 1, 2, 1000] {
            let read = asked((0..count).map(row), sql);
            assert_eq!(read.len(), count);
            for (at, mut found) in read.into_iter().enumerate() {
                let expected = texts(&row(at));
                for number in [2, 5] {
                    assert_eq!(found[number].parse::<f64>().ok(), row(at)[number].number());
                    found[number] = expected[number].clone();
                }
                assert_eq!(found, expected, "row {at}");
            }
        }
    }

    #[test]
    fn many_rows_are_several_groups() {
        let count = 2 * ROWS + 10;
        let sql = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM
                   (SELECT count(*), count(text), sum(whole), count(truth), min(time), sum(same) FROM ROWS)";
        let rows: Vec<[Cell<'_>; 8]> = (0..count).map(row).collect();
        let sum: i64 = rows
            .iter()
            .filter_map(|row| if let Cell::Whole(value) = row[1] { Some(value) } else { None })
            .sum();
        let present = |column: usize| rows.iter().filter(|row| row[column] != Cell::Null).count().to_string();
        let expected = [
            count.to_string(),
            present(0),
            sum.to_string(),
            present(3),
            "2026-12-10 21:12:01.845429".to_owned(),
            "450.0".to_owned(),
        ];
        assert_eq!(asked(rows.into_iter(), sql), [expected]);
    }

    #[test]
    fn lists_are_missing_empty_or_have_missing_numbers() {
        const LISTS: &[Column] = &[
            column("wholes", Kind::Wholes, ""),
            column("numbers", Kind::Numbers, ""),
            column("place", Kind::Whole, ""),
        ];
        let lists: [Option<&[Option<i64>]>; 5] =
            [None, Some(&[]), Some(&[None]), Some(&[Some(1), None, Some(-3)]), Some(&[Some(i64::MIN)])];
        let count = ROWS + 7;
        let mut table = TableFile::new(LISTS, Vec::new());
        for at in 0..count {
            let mut row = table.row();
            row.wholes(lists[at % 5].map(|list| list.iter().copied()));
            row.numbers(
                lists[at / 5 % 5].map(|list| list.iter().map(|number| number.map(|one| one as f64 / 2.0))),
            );
            row.whole(Some(at as i64));
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table.parquet");
        fs_err::write(&file, table.finish().unwrap()).unwrap();
        let sql = format!(
            "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (FROM {} ORDER BY place)",
            parquet(&[file], None)
        );
        let answer = Database::open().unwrap().texts(&sql).unwrap();
        let wholes = ["NULL", "[]", "[NULL]", "[1, NULL, -3]", "[-9223372036854775808]"];
        let numbers = ["NULL", "[]", "[NULL]", "[0.5, NULL, -1.5]", "[-4.611686018427388e+18]"];
        let mut rows = 0;
        for (at, row) in answer.rows().enumerate() {
            let found: Vec<&str> = row.into_iter().map(|cell| cell.unwrap_or("NULL")).collect();
            assert_eq!(found, [wholes[at % 5], numbers[at / 5 % 5], &at.to_string()]);
            rows += 1;
        }
        assert_eq!(rows, count);
    }

    #[test]
    fn a_disk_that_is_full_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for count in [0, 1, ROWS + 1] {
            let mut table = TableFile::new(COLUMNS, Full);
            (0..count).for_each(|at| add(&mut table, row(at)));
            assert_eq!(table.finish().err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
        }
    }

    #[test]
    fn a_moment_that_is_too_far_away_is_missing() {
        let row = |seconds: f64| {
            let mut cells = row(0);
            cells[4] = Cell::Number(seconds);
            cells
        };
        let moments = [0.0, -1.5, 9e12, 1e13, -1e300, f64::NAN, f64::INFINITY];
        let found = asked(moments.into_iter().map(row), "SELECT CAST(time IS NOT NULL AS VARCHAR) FROM ROWS");
        assert_eq!(found.concat(), ["true", "true", "true", "false", "false", "false", "false"]);
    }
}
