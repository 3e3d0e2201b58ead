//! Finds out from the footer of a parquet file where the values of some columns lie.

use std::collections::HashSet;
use std::io;
use std::ops::Range;

use cliptune_sources::Sparse;

use crate::named_columns::folded;
use crate::parquet::ROW_OF_FILE;
use crate::thrift::{Kind, Thrift};

pub(crate) use crate::parquet_format::MAGIC;
/// The length in bytes of the longest footer that is examined.
const LONGEST: u64 = 256 << 20;
/// How much of a file's end is looked at first. Most footers are shorter.
const END: u64 = 64 << 10;
/// The largest number of column chunks that are looked at.
const CHUNKS: usize = 1 << 22;
/// How much longer than it says a chunk may be: old writers forgot the header of its dictionary.
const MARGIN: u64 = 128;

/// The place of a footer.
pub(crate) enum Place {
    /// It is here, without the eight bytes behind it.
    At(Range<u64>),
    /// These bytes tell where it is.
    Beyond(Range<u64>),
    /// There is none that could be understood.
    Nowhere,
}

/// Finds the footer of a file.
pub(crate) fn locate(file: &Sparse) -> io::Result<Place> {
    let size = file.size();
    if size < 12 {
        return Ok(Place::Nowhere);
    }
    let Some(end) = file.read(size - 8..size)? else {
        return Ok(Place::Beyond(size.saturating_sub(END)..size));
    };
    let [a, b, c, d, ref magic @ ..] = end[..] else { return Ok(Place::Nowhere) };
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    match magic == MAGIC && length <= LONGEST && length + 12 <= size {
        true => Ok(Place::At(size - 8 - length..size - 8)),
        false => Ok(Place::Nowhere),
    }
}

/// The values of one column in one row group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The bytes that it may take.
    pub(crate) range: Range<u64>,
    /// The place of its first page.
    pub(crate) start: u64,
    /// The number of its values, missing ones included.
    pub(crate) values: u64,
    /// What helps to find values in it: Bloom filters and the indexes of its pages.
    pub(crate) aids: Vec<Range<u64>>,
}

/// Returns the chunks of the wanted columns in all row groups. Returns `None` for a footer from which it cannot be told for
/// sure what a reader of these columns reads.
pub(crate) fn chunks(footer: &[u8], start: u64, is_wanted: &dyn Fn(&str) -> bool) -> Option<Vec<Chunk>> {
    let (mut leaves, mut chunks, mut is_encrypted) = (None, None, false);
    Thrift::new(footer).fields(|thrift, field, kind| match (field, kind) {
        (2, Kind::List) => {
            leaves = Some(read_leaves(thrift, is_wanted)?);
            Some(())
        }
        (4, Kind::List) => {
            chunks = Some(read_groups(thrift, leaves.as_ref()?, start)?);
            Some(())
        }
        (8, _) => {
            is_encrypted = true;
            thrift.skip(kind)
        }
        _ => thrift.skip(kind),
    })?;
    chunks.filter(|_| !is_encrypted)
}

/// A column that has values of its own.
struct Leaf {
    is_wanted: bool,
    /// Whether a row may have several values.
    is_repeated: bool,
}

/// One element of a schema.
struct Element<'a> {
    name: &'a str,
    children: u64,
    is_repeated: bool,
}

/// Reads the schema, which lists a tree with the root first and children behind their parents.
fn read_leaves(thrift: &mut Thrift<'_>, is_wanted: &dyn Fn(&str) -> bool) -> Option<Vec<Leaf>> {
    // What is open, with the number of children that are left.
    let mut open: Vec<(u64, Leaf)> = Vec::new();
    let (mut leaves, mut names) = (Vec::new(), HashSet::new());
    thrift.structs(|thrift| {
        let Element { name, children, is_repeated } = read_element(thrift)?;
        while open.last().is_some_and(|(left, _)| *left == 0) && open.len() > 1 {
            open.pop();
        }
        let depth = open.len();
        let own = match open.last_mut() {
            None => Leaf { is_wanted: false, is_repeated: false },
            Some((left, above)) => {
                *left = left.checked_sub(1)?;
                // Columns with one name or none get others.
                if depth == 1 && (name.is_empty() || !names.insert(folded(name))) {
                    return None;
                }
                let is_wanted = if depth == 1 { is_wanted(name) } else { above.is_wanted };
                Leaf { is_wanted, is_repeated: above.is_repeated || is_repeated }
            }
        };
        match children {
            0 => leaves.push(own),
            _ => open.push((children, own)),
        }
        Some(())
    })?;
    let is_whole = open.iter().all(|(left, _)| *left == 0);
    // Where a column hides the numbers of the rows, these are counted by reading all columns.
    (is_whole && !names.contains(ROW_OF_FILE)).then_some(leaves)
}

fn read_element<'a>(thrift: &mut Thrift<'a>) -> Option<Element<'a>> {
    let (mut name, mut children, mut is_repeated, mut has_values) = (None, 0, false, false);
    thrift.fields(|thrift, field, kind| {
        match (field, kind) {
            (1, Kind::Integer) => {
                has_values = true;
                thrift.skip(kind)?;
            }
            (3, Kind::Integer) => is_repeated = thrift.integer()? == 2,
            (4, Kind::Binary) => name = Some(std::str::from_utf8(thrift.binary()?).ok()?),
            (5, Kind::Integer) => children = u64::try_from(thrift.integer()?).ok()?,
            _ => thrift.skip(kind)?,
        }
        Some(())
    })?;
    (has_values == (children == 0)).then_some(Element { name: name?, children, is_repeated })
}

/// The chunks of a file.
#[derive(Default)]
struct Chunks {
    wanted: Vec<Chunk>,
    /// The places where any chunk begins.
    starts: Vec<u64>,
}

impl Chunks {
    fn add(&mut self, chunk: Chunk, is_wanted: bool) -> Option<()> {
        self.starts.push(chunk.range.start);
        if is_wanted {
            self.wanted.push(chunk);
        }
        (self.starts.len() <= CHUNKS).then_some(())
    }

    /// Returns the wanted chunks, each as long as it may be. None reaches into another one, of which a reader that takes the
    /// wrong column for a wanted one would then find the beginning, and in place of the rest a hole.
    fn extended(mut self, end: u64) -> Vec<Chunk> {
        self.starts.sort_unstable();
        for chunk in &mut self.wanted {
            let next = self.starts.partition_point(|start| *start < chunk.range.end);
            let next = self.starts.get(next).copied().unwrap_or(end);
            chunk.range.end = chunk.range.end.saturating_add(MARGIN).min(next).min(end);
        }
        self.wanted
    }
}

fn read_groups(thrift: &mut Thrift<'_>, leaves: &[Leaf], end: u64) -> Option<Vec<Chunk>> {
    let mut chunks = Chunks::default();
    thrift.structs(|thrift| {
        let (mut rows, mut columns, mut flat) = (None, leaves.iter(), Vec::new());
        thrift.fields(|thrift, field, kind| match (field, kind) {
            (1, Kind::List) => thrift.structs(|thrift| {
                let leaf = columns.next()?;
                let chunk = read_chunk(thrift, end)?;
                if leaf.is_wanted && !leaf.is_repeated {
                    flat.push(chunk.values);
                }
                chunks.add(chunk, leaf.is_wanted)
            }),
            (3, Kind::Integer) => {
                rows = Some(u64::try_from(thrift.integer()?).ok()?);
                Some(())
            }
            _ => thrift.skip(kind),
        })?;
        // A reader takes as many values as there are rows.
        let is_sound = columns.next().is_none() && flat.iter().all(|values| Some(*values) == rows);
        is_sound.then_some(())
    })?;
    Some(chunks.extended(end))
}

/// Reads the description of a chunk, which has to lie before `end`.
fn read_chunk(thrift: &mut Thrift<'_>, end: u64) -> Option<Chunk> {
    let (mut chunk, mut aids) = (None, [None; 4]);
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (3, Kind::Struct) => {
            chunk = Some(read_values(thrift, end)?);
            Some(())
        }
        (4..=7, Kind::Integer) => {
            aids[field as usize - 4] = Some(thrift.integer()?);
            Some(())
        }
        // Its values lie in another file, or are encrypted.
        (1 | 8 | 9, _) => None,
        _ => thrift.skip(kind),
    })?;
    let mut chunk = chunk?;
    for aid in aids.chunks_exact(2) {
        chunk.aids.extend(aid_range(aid[0], aid[1], end)?);
    }
    Some(chunk)
}

/// Reads where the values of a chunk lie.
fn read_values(thrift: &mut Thrift<'_>, end: u64) -> Option<Chunk> {
    let mut numbers = [None; 16];
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (5 | 7 | 9..=11 | 14 | 15, Kind::Integer) => {
            numbers[field as usize] = Some(thrift.integer()?);
            Some(())
        }
        _ => thrift.skip(kind),
    })?;
    let [.., values, _, size, _, data, index, dictionary, _, _, filter, filter_size] = numbers;
    let page =
        |offset: Option<i64>| offset.and_then(|offset| u64::try_from(offset).ok()).filter(|at| *at >= 4);
    let (values, size) = (u64::try_from(values?).ok()?, u64::try_from(size?).ok()?);
    let data = match page(data) {
        // Some writers give no place to nothing.
        None if values == 0 => return Some(Chunk { range: end..end, start: end, values, aids: Vec::new() }),
        data => data?,
    };
    // Some writers give 0 where there is none.
    let start = page(dictionary).unwrap_or(data);
    let first = start.min(data).min(page(index).unwrap_or(data));
    let last = first.checked_add(size).filter(|last| *last <= end)?;
    let aids = aid_range(filter, filter_size, end)?.into_iter().collect();
    Some(Chunk { range: first..last, start, values, aids })
}

/// Returns the range of something that may be absent. `None` means that its size is unknown or impossible.
fn aid_range(offset: Option<i64>, size: Option<i64>, end: u64) -> Option<Option<Range<u64>>> {
    let Some(offset) = offset.filter(|offset| *offset != 0) else { return Some(None) };
    let (offset, size) = (u64::try_from(offset).ok()?, u64::try_from(size?).ok()?);
    let last = offset.checked_add(size).filter(|last| *last <= end)?;
    Some(Some(offset..last))
}
