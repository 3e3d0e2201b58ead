//! Makes the table of a journal.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use cliptune_durable::AtomicFile;
use cliptune_store::parquet_format::encoding::{PLAIN, RLE};
use cliptune_store::parquet_format::repetition::{OPTIONAL, REPEATED, REQUIRED};
use cliptune_store::parquet_format::{MAGIC, codec, converted, physical};
use cliptune_store::parquet_runs::{Runs, levels};
use cliptune_store::parquet_write::{Pages, Place};
use cliptune_store::thrift::{Fields, structure};
use fs_err::File;

use super::Kind;
use super::journal::{Journal, Outcome};
use crate::codes;
use crate::error::ApplyError;
use crate::layout::{FORMAT, GROUP, Group, KEY, Layout, Origin};

/// The bytes of a component.
const FLOAT: usize = size_of::<f32>();

/// Writes the table of a journal that has all inputs.
pub(crate) fn write(to: &Path, journal: &Journal, origin: Origin) -> Result<(), ApplyError> {
    let layout = Layout {
        format: FORMAT,
        origin,
        dimension: journal.columns(),
        rows: 0,
        problems: 0,
        groups: Vec::new(),
    };
    let mut pages = Pages::new(AtomicFile::create(to)?);
    pages.write(MAGIC)?;
    let mut table = Table { pages, layout, chunks: Vec::new() };
    table.rows(journal)?;
    table.problems(journal)?;
    Ok(table.finish()?.commit()?)
}

/// A table that is being written.
struct Table<W> {
    pages: Pages<W>,
    layout: Layout,
    /// The row groups: their numbers of rows and the places of their columns.
    chunks: Vec<(usize, [Place; COLUMNS])>,
}

/// The vectors of a journal, in any order.
struct Vectors {
    file: BufReader<File>,
    bytes: usize,
    next: u64,
}

impl Vectors {
    fn of(journal: &Journal) -> Result<Self, ApplyError> {
        Ok(Self { file: BufReader::new(journal.vectors()?), bytes: journal.columns() * FLOAT, next: 0 })
    }

    /// Reads the vector of this number, which most often is the next one.
    fn read(&mut self, number: u64, into: &mut Vec<u8>) -> Result<(), ApplyError> {
        if number != self.next {
            self.file.seek(SeekFrom::Start(number * self.bytes as u64))?;
        }
        let start = into.len();
        into.resize(start + self.bytes, 0);
        self.file.read_exact(&mut into[start..])?;
        self.next = number + 1;
        Ok(())
    }
}

/// Returns the number of the vector of an entry, if it has one, and its hash. `new` counts those that are new.
fn vector_of(outcome: &Outcome, new: &mut u64) -> Option<(u64, blake3::Hash)> {
    match outcome {
        Outcome::New(hash) => {
            *new += 1;
            Some((*new - 1, blake3::Hash::from_bytes(*hash)))
        }
        Outcome::Same(number, hash) => Some((*number, blake3::Hash::from_bytes(*hash))),
        Outcome::Problem(_) => None,
    }
}

/// Some rows that are not written yet.
#[derive(Default)]
struct Rows {
    count: usize,
    names: Vec<u8>,
    hashes: Vec<u8>,
    problems: Vec<u8>,
    vectors: Vec<u8>,
}

/// Appends a text as parquet has them: behind its length.
fn push(texts: &mut Vec<u8>, text: &str) {
    texts.extend((text.len() as u32).to_le_bytes());
    texts.extend(text.as_bytes());
}

/// Returns the codes of vectors that are there as bytes.
fn block(vectors: &[u8], dimension: usize) -> Vec<u8> {
    let (floats, _) = vectors.as_chunks::<FLOAT>();
    let vectors: Vec<f32> = floats.iter().map(|float| f32::from_le_bytes(*float)).collect();
    let mut block = Vec::with_capacity(codes::head(dimension) + vectors.len());
    codes::encode(&vectors, dimension, &mut block);
    block
}

impl<W: Write> Table<W> {
    /// Writes the rows that have vectors.
    fn rows(&mut self, journal: &Journal) -> Result<(), ApplyError> {
        let (mut rows, mut vectors, mut new) = (Rows::default(), Vectors::of(journal)?, 0);
        for entry in journal.entries()? {
            let entry = entry?;
            let Some((number, hash)) = vector_of(&entry.outcome, &mut new) else { continue };
            push(&mut rows.names, &entry.name);
            push(&mut rows.hashes, &hash.to_hex());
            vectors.read(number, &mut rows.vectors)?;
            rows.count += 1;
            if rows.count == GROUP {
                self.embedded(std::mem::take(&mut rows))?;
            }
        }
        if rows.count > 0 { self.embedded(rows) } else { Ok(()) }
    }

    /// Writes the rows that have none.
    fn problems(&mut self, journal: &Journal) -> Result<(), ApplyError> {
        let mut rows = Rows::default();
        for entry in journal.entries()? {
            let entry = entry?;
            let Outcome::Problem(problem) = &entry.outcome else { continue };
            push(&mut rows.names, &entry.name);
            push(&mut rows.problems, problem);
            rows.count += 1;
            if rows.count == GROUP {
                self.left_out(std::mem::take(&mut rows))?;
            }
        }
        if rows.count > 0 { self.left_out(rows) } else { Ok(()) }
    }

    fn embedded(&mut self, rows: Rows) -> Result<(), ApplyError> {
        let Rows { count, names, hashes, vectors, .. } = rows;
        let (some, none) = (flat(count, 1), flat(count, 0));
        let lists = lists(count, self.layout.dimension);
        let pages = &mut self.pages;
        let places = [
            pages.values(count, PLAIN, &[], &names)?,
            pages.values(count, PLAIN, &some, &hashes)?,
            pages.values(count, PLAIN, &none, &[])?,
            pages.values(count * self.layout.dimension, PLAIN, &lists, &vectors)?,
        ];
        let codes = pages.written() as u64;
        pages.write(&block(&vectors, self.layout.dimension))?;
        let first = |place: &Place, values: &[u8]| (place.end - values.len()) as u64;
        self.layout.groups.push(Group {
            rows: count,
            names: first(&places[0], &names),
            hashes: first(&places[1], &hashes),
            vectors: first(&places[3], &vectors),
            codes,
        });
        self.layout.rows += count;
        self.chunks.push((count, places));
        Ok(())
    }

    fn left_out(&mut self, rows: Rows) -> Result<(), ApplyError> {
        let Rows { count, names, problems, .. } = rows;
        let (some, none) = (flat(count, 1), flat(count, 0));
        let nothing = [flat(count, 0), leveled(count, 0, DEPTH)].concat();
        let pages = &mut self.pages;
        let places = [
            pages.values(count, PLAIN, &[], &names)?,
            pages.values(count, PLAIN, &none, &[])?,
            pages.values(count, PLAIN, &some, &problems)?,
            pages.values(count, PLAIN, &nothing, &[])?,
        ];
        self.layout.problems += count;
        self.chunks.push((count, places));
        Ok(())
    }

    fn finish(mut self) -> Result<W, ApplyError> {
        let layout = serde_json::to_string(&self.layout).map_err(std::io::Error::from)?;
        let mut footer = Vec::new();
        let names = names(self.layout.origin.kind);
        structure(&mut footer, |fields| {
            fields.i32(1, 1);
            fields.structures(2, ELEMENTS, |fields, at| element(fields, at, names[0]));
            fields.i64(3, self.layout.rows + self.layout.problems);
            fields.structures(4, self.chunks.len(), |fields, at| group(fields, &names, &self.chunks[at]));
            fields.structures(5, 1, |fields, _| {
                fields.text(1, KEY);
                fields.text(2, &layout);
            });
            fields.text(6, concat!("cliptune version ", env!("CARGO_PKG_VERSION")));
        });
        let length = (footer.len() as u32).to_le_bytes();
        self.pages.write(&footer)?;
        self.pages.write(&length)?;
        self.pages.write(MAGIC)?;
        Ok(self.pages.file)
    }
}

/// The number of columns.
const COLUMNS: usize = 4;
/// The number of elements of the schema: the columns, the rows above them, and the inner ones of the list.
const ELEMENTS: usize = COLUMNS + 3;
/// The bits of the levels of a list, which count to 2: there is a list, and there is a value in it.
const DEPTH: usize = 2;

/// Returns the names of the columns.
fn names(kind: Kind) -> [&'static str; COLUMNS] {
    let name = match kind {
        Kind::Images => "path",
        Kind::Texts => "text",
    };
    [name, "hash", "problem", "embedding"]
}

/// Returns the same level for so many values, in so many bits.
fn leveled(count: usize, level: u32, bits: usize) -> Vec<u8> {
    let mut runs = Runs::default();
    runs.push(level, count);
    levels(&mut runs, bits)
}

/// Returns the levels of a column that has all of its values, or none.
fn flat(count: usize, level: u32) -> Vec<u8> {
    leveled(count, level, 1)
}

/// Returns the levels of lists of equal length: where each begins, and that all of their values are there.
fn lists(count: usize, length: usize) -> Vec<u8> {
    let mut continued = Runs::default();
    for _ in 0..count {
        continued.push(0, 1);
        continued.push(1, length - 1);
    }
    let mut bytes = levels(&mut continued, 1);
    bytes.append(&mut leveled(count * length, 2, DEPTH));
    bytes
}

/// Describes one element of the schema: a tree with the root first and children behind their parents.
fn element(fields: &mut Fields<'_>, at: usize, name: &str) {
    let mut text = |name: &str, repetition: usize| {
        fields.i32(1, physical::BYTE_ARRAY);
        fields.i32(3, repetition);
        fields.text(4, name);
        fields.i32(6, converted::UTF8);
    };
    match at {
        0 => {
            fields.text(4, "rows");
            fields.i32(5, COLUMNS);
        }
        1 => text(name, REQUIRED),
        2 => text("hash", OPTIONAL),
        3 => text("problem", OPTIONAL),
        4 => {
            fields.i32(3, OPTIONAL);
            fields.text(4, "embedding");
            fields.i32(5, 1);
            fields.i32(6, converted::LIST);
        }
        5 => {
            fields.i32(3, REPEATED);
            fields.text(4, "list");
            fields.i32(5, 1);
        }
        _ => {
            fields.i32(1, physical::FLOAT);
            fields.i32(3, REQUIRED);
            fields.text(4, "element");
        }
    }
}

fn group(fields: &mut Fields<'_>, names: &[&str], (rows, places): &(usize, [Place; COLUMNS])) {
    fields.structures(1, COLUMNS, |fields, at| {
        fields.i64(2, places[at].start());
        fields.structure(3, |fields| chunk(fields, names[at], &places[at]));
    });
    fields.i64(2, places.iter().map(Place::size).sum());
    fields.i64(3, *rows);
}

fn chunk(fields: &mut Fields<'_>, name: &str, place: &Place) {
    let is_list = name == "embedding";
    fields.i32(1, if is_list { physical::FLOAT } else { physical::BYTE_ARRAY });
    fields.integers(2, &[PLAIN, RLE]);
    let path = [name, "list", "element"];
    fields.texts(3, if is_list { &path } else { &path[..1] });
    fields.i32(4, codec::UNCOMPRESSED);
    fields.i64(5, place.count);
    fields.i64(6, place.size());
    fields.i64(7, place.size());
    fields.i64(9, place.values);
}
