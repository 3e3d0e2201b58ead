//! Reads Thrift's compact protocol. Whatever is read may be damaged or hostile.

use super::{BINARY, BYTE, DOUBLE, FALSE, I16, I64, LIST, SET, STRUCT, TRUE};

/// A reader of bytes that have arrived whole.
pub struct Thrift<'a> {
    bytes: &'a [u8],
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Boolean,
    /// A byte.
    Byte,
    /// A whole number of 16, 32 or 64 bits.
    Integer,
    /// A number of 64 bits.
    Double,
    /// Bytes, or a text.
    Binary,
    /// A list.
    List,
    /// A struct.
    Struct,
}

/// How deep values that are skipped may nest.
const DEEPEST: usize = 16;

impl Kind {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            TRUE | FALSE => Self::Boolean,
            BYTE => Self::Byte,
            I16..=I64 => Self::Integer,
            DOUBLE => Self::Double,
            BINARY => Self::Binary,
            // A set looks like a list.
            LIST | SET => Self::List,
            STRUCT => Self::Struct,
            _ => return None,
        })
    }
}

impl<'a> Thrift<'a> {
    /// Begins to read bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Returns the number of bytes that have not been read.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// Reads a struct. The function is given the number and the type of each field, and reads or skips it.
    pub fn fields(&mut self, mut read: impl FnMut(&mut Self, u64, Kind) -> Option<()>) -> Option<()> {
        let mut field = 0_u64;
        loop {
            let head = self.byte()?;
            if head & 0x0F == 0 {
                return Some(());
            }
            // The number is relative to the one before, or follows.
            field = match head >> 4 {
                0 => u64::try_from(self.integer()?).ok()?,
                more => field.checked_add(more.into())?,
            };
            read(self, field, Kind::of(head & 0x0F)?)?;
        }
    }

    /// Reads a list of structs, one after the other.
    pub fn structs(&mut self, mut read: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let (length, kind) = self.list()?;
        (0..length).try_for_each(|_| if kind == Kind::Struct { read(self) } else { None })
    }

    /// Reads a whole number.
    pub fn integer(&mut self) -> Option<i64> {
        let coded = self.varint()?;
        Some((coded >> 1).cast_signed() ^ -(coded & 1).cast_signed())
    }

    /// Reads bytes, or a text.
    pub fn binary(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        self.take(length)
    }

    /// Skips a value.
    pub fn skip(&mut self, kind: Kind) -> Option<()> {
        self.skip_within(kind, 0)
    }

    fn skip_within(&mut self, kind: Kind, depth: usize) -> Option<()> {
        match kind {
            _ if depth > DEEPEST => None,
            // The type of a field says which of the two it is.
            Kind::Boolean => Some(()),
            Kind::Byte => self.take(1).map(|_| ()),
            Kind::Integer => self.varint().map(|_| ()),
            Kind::Double => self.take(8).map(|_| ()),
            Kind::Binary => self.binary().map(|_| ()),
            Kind::List => {
                let (length, of) = self.list()?;
                // In a list, a boolean is a byte. Every element takes a byte at least, so that this ends.
                let of = if of == Kind::Boolean { Kind::Byte } else { of };
                (0..length).try_for_each(|_| self.skip_within(of, depth + 1))
            }
            Kind::Struct => self.fields(|thrift, _, kind| thrift.skip_within(kind, depth + 1)),
        }
    }

    /// Returns the length and the element type of a list.
    fn list(&mut self) -> Option<(u64, Kind)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.varint()?,
            short => short.into(),
        };
        Some((length, Kind::of(head & 0x0F)?))
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
        self.take(1).and_then(|byte| byte.first().copied())
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Skips a struct, and returns the number of bytes behind it.
    fn skipped(bytes: &[u8]) -> Option<usize> {
        let mut thrift = Thrift::new(bytes);
        thrift.skip(Kind::Struct)?;
        Some(thrift.left())
    }

    #[test]
    fn whole_numbers_have_signs() {
        let read = |bytes: &[u8]| Thrift::new(bytes).integer();
        assert_eq!([read(&[0]), read(&[1]), read(&[2]), read(&[3])], [Some(0), Some(-1), Some(1), Some(-2)]);
        let largest = [[0xFF; 9].as_slice(), &[1]].concat();
        assert_eq!(read(&largest), Some(i64::MIN));
        assert_eq!(read(&[0x80; 11]), None);
    }

    #[test]
    fn every_type_is_skipped_whole() {
        // True, a byte, three whole numbers, a double, a text, a list of two booleans, an empty struct.
        let all = [
            &[0x11, 0x13, 9, 0x14, 2, 0x15, 2, 0x16, 0x80, 1, 0x17][..],
            &[7; 8],
            &[0x18, 2, b'a', b'b', 0x19, 0x22, 1, 2, 0x1C, 0, 0, 99],
        ];
        assert_eq!(skipped(&all.concat()), Some(1));
    }

    #[test]
    fn what_never_ends_is_refused() {
        // Lists of 2^62 booleans, empty structs and texts; structs within each other; a map, which parquet has none of.
        let endless = [[0xFF; 8].as_slice(), &[0x7F]].concat();
        for element in [1, 2, 3, 5, 8, 12] {
            let list = [&[0x19, 0xF0 | element][..], &endless, &[0; 64]].concat();
            assert_eq!(skipped(&list), None, "{element}");
        }
        assert_eq!(skipped(&[0x1C; 1000]), None);
        assert_eq!(skipped(&[0x1B, 0, 0]), None);
        for cut in 0..5 {
            assert_eq!(skipped(&[0x18, 2, b'a', b'b', 0][..cut]), None);
        }
    }
}
