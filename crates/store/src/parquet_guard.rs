//! Reads the schema in a parquet file's footer, without building it, to find out how deep and how wide it is.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;

use crate::table_limits as limits;

/// The magic bytes at both ends of a parquet file.
const MAGIC: &[u8; 4] = b"PAR1";
/// The length in bytes of the longest footer that is examined.
const LONGEST: u64 = 256 << 20;

/// Refuses a file whose schema is too deep or too wide to be built.
///
/// Nothing else is checked. A damaged file passes, and the code that reads it reports the damage.
///
/// # Errors
/// Returns the reason as a phrase.
pub fn guard_parquet(path: &Path) -> Result<(), String> {
    let Ok(Some(footer)) = footer(path) else { return Ok(()) };
    let mut thrift = Thrift { bytes: &footer };
    let Some(children) = thrift.schema() else { return Ok(()) };
    let leaves = children.iter().filter(|children| **children == 0).count();
    if leaves > limits::COLUMNS {
        return Err(limits::too_wide());
    }
    // A list takes up two levels of the schema.
    if depth(&children) > 2 * limits::DEPTH { Err(limits::too_deep()) } else { Ok(()) }
}

fn footer(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut end = [0; 8];
    if size < 12 {
        return Ok(None);
    }
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != *MAGIC || length > LONGEST || length + 8 > size {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(size - 8 - length))?;
    let mut footer = vec![0; length as usize];
    file.read_exact(&mut footer)?;
    Ok(Some(footer))
}

/// Returns the depth of a schema that is listed depth first, where each element is given by its number of children.
fn depth(children: &[u64]) -> usize {
    let mut open: Vec<u64> = Vec::new();
    let mut deepest = 0;
    for &number in children {
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        open.push(number);
        deepest = deepest.max(open.len());
    }
    deepest
}

/// A reader of Thrift's compact protocol that knows what the first fields of a footer need.
struct Thrift<'a> {
    bytes: &'a [u8],
}

/// The types of the compact protocol.
mod kind {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const STRUCT: u8 = 12;
}

impl Thrift<'_> {
    /// Returns the number of children of each element of the schema, which is the second field of the footer.
    fn schema(&mut self) -> Option<Vec<u64>> {
        let mut field = 0;
        loop {
            let kind = self.field(&mut field)?;
            if field == 2 && kind == kind::LIST {
                let (length, _) = self.list()?;
                return (0..length).map(|_| self.children()).collect();
            }
            self.skip(kind, 0)?;
        }
    }

    /// Reads a schema element and returns its fifth field, the number of children.
    fn children(&mut self) -> Option<u64> {
        let (mut field, mut children) = (0, 0);
        loop {
            match self.field(&mut field)? {
                kind::STOP => return Some(children),
                _ if field == 5 => children = self.varint()? >> 1,
                kind => self.skip(kind, 0)?,
            }
        }
    }

    /// Returns the type of the next field, and updates the field number, which is stored relative to the previous
    /// one.
    fn field(&mut self, last: &mut u64) -> Option<u8> {
        let head = self.byte()?;
        let (delta, kind) = (head >> 4, head & 0x0F);
        match (kind, delta) {
            (kind::STOP, _) => {}
            (_, 0) => *last = self.varint()? >> 1,
            _ => *last += u64::from(delta),
        }
        Some(kind)
    }

    /// Returns the length and the element type of a list.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.varint()?,
            short => short.into(),
        };
        Some((length, head & 0x0F))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        const DEEPEST: usize = 16;
        match kind {
            _ if depth > DEEPEST => None,
            kind::TRUE | kind::FALSE => Some(()),
            kind::BYTE => self.take(1),
            kind::DOUBLE => self.take(8),
            kind::BINARY => {
                let length = self.varint()?;
                self.take(usize::try_from(length).ok()?)
            }
            kind::LIST | kind::SET => {
                let (length, of) = self.list()?;
                (0..length).try_for_each(|_| self.skip(of, depth + 1))
            }
            kind::STRUCT => {
                let mut field = 0;
                loop {
                    match self.field(&mut field)? {
                        kind::STOP => return Some(()),
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
            }
            4..=6 => self.varint().map(|_| ()),
            _ => None,
        }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn take(&mut self, length: usize) -> Option<()> {
        self.bytes = self.bytes.get(length..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a file that contains only a schema, given by the number of children of each element.
    fn file(children: &[u64]) -> tempfile::NamedTempFile {
        let varint = |mut value: u64| {
            let mut bytes = Vec::new();
            while value >= 0x80 {
                bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
            bytes
        };
        // The footer has version 1, followed by the list of elements.
        let mut footer = vec![0x15, 2, 0x19, 0xFC];
        footer.extend(varint(children.len() as u64));
        for &children in children {
            footer.extend([0x48, 1, b'x']);
            if children > 0 {
                footer.push(0x15);
                footer.extend(varint(children << 1));
            }
            footer.push(0);
        }
        footer.extend([0x16, 0, 0x19, 0x0C, 0]);
        let bytes = [MAGIC, footer.as_slice(), &(footer.len() as u32).to_le_bytes(), MAGIC].concat();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_schema_that_nobody_could_build_is_refused() {
        let nested = |depth: usize| [vec![1; depth], vec![0]].concat();
        let wide = |columns: usize| [vec![columns as u64], vec![0; columns]].concat();
        assert_eq!(guard_parquet(file(&nested(100)).path()), Ok(()));
        assert_eq!(guard_parquet(file(&wide(limits::COLUMNS)).path()), Ok(()));
        assert!(guard_parquet(file(&nested(200_000)).path()).unwrap_err().contains("nests"));
        assert!(guard_parquet(file(&wide(100_000)).path()).unwrap_err().contains("columns"));
    }

    #[test]
    fn the_depth_of_a_schema_is_that_of_its_deepest_column() {
        assert_eq!(depth(&[3, 0, 1, 2, 0, 0, 0]), 4);
        assert_eq!(depth(&[2, 1, 0, 0]), 3);
    }

    #[test]
    fn what_is_damaged_is_left_to_whoever_reads_it() {
        for bytes in [&b""[..], b"PAR1", b"PAR1____\xFF\xFF\xFF\xFFPAR1", b"PAR1____\x04\0\0\0PAR1"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs_err::write(file.path(), bytes).unwrap();
            assert_eq!(guard_parquet(file.path()), Ok(()));
        }
    }
}
