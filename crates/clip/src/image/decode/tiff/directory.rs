//! Reads the first directory of a TIFF file. Others belong to further pages, or say how to photograph.

use super::super::bytes::Order;

/// The fields that say how the pixels are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Tag {
    Width = 256,
    Height = 257,
    Depths = 258,
    Compression = 259,
    Photometric = 262,
    FillOrder = 266,
    StripOffsets = 273,
    Orientation = 274,
    Samples = 277,
    RowsPerStrip = 278,
    StripLengths = 279,
    Planar = 284,
    Group3Options = 292,
    Predictor = 317,
    ColourMap = 320,
    TileWidth = 322,
    TileHeight = 323,
    TileOffsets = 324,
    TileLengths = 325,
    ExtraSamples = 338,
    SampleFormat = 339,
    JpegTables = 347,
}

/// The first directory of a file.
pub(super) struct Directory<'a> {
    bytes: &'a [u8],
    pub(super) order: Order,
    /// Whether positions and counts have 64 bits (BigTIFF).
    big: bool,
    entries: &'a [u8],
}

impl<'a> Directory<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let order = if bytes.starts_with(b"II") { Order::Little } else { Order::Big };
        let big = order.u16(bytes, 2)? == 43;
        let start = if big { order.u64(bytes, 8)? } else { order.u32(bytes, 4)?.into() };
        let start = usize::try_from(start).ok()?;
        let (count, length, head) = match big {
            true => (usize::try_from(order.u64(bytes, start)?).ok()?, 20, 8),
            false => (order.u16(bytes, start)?.into(), 12, 2),
        };
        let entries = bytes.get(start.checked_add(head)?..)?.get(..count.checked_mul(length)?)?;
        Some(Self { bytes, order, big, entries })
    }

    /// Returns the bytes of a field's values and the size of each value.
    fn field(&self, tag: Tag) -> Option<(&'a [u8], usize)> {
        let length = if self.big { 20 } else { 12 };
        let entry =
            self.entries.chunks_exact(length).find(|entry| self.order.u16(entry, 0) == Some(tag as u16))?;
        let size = match self.order.u16(entry, 2)? {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            16..=18 => 8,
            _ => return None,
        };
        let (count, value) = match self.big {
            true => (usize::try_from(self.order.u64(entry, 4)?).ok()?, &entry[12..]),
            false => (self.order.u32(entry, 4)? as usize, &entry[8..]),
        };
        let total = count.checked_mul(size)?;
        // Values that fit stand in the entry itself.
        let values = match (total <= value.len(), self.big) {
            (true, _) => &value[..total],
            (false, true) => self.at(self.order.u64(value, 0)?, total)?,
            (false, false) => self.at(self.order.u32(value, 0)?.into(), total)?,
        };
        Some((values, size))
    }

    /// Returns a part of the file.
    pub(super) fn at(&self, start: u64, length: usize) -> Option<&'a [u8]> {
        self.bytes.get(usize::try_from(start).ok()?..)?.get(..length)
    }

    /// Returns the numbers of a field, or nothing if there is no such field or it holds no whole numbers.
    pub(super) fn numbers(&self, tag: Tag) -> Vec<u64> {
        let Some((values, size)) = self.field(tag) else { return Vec::new() };
        let number = |value: &[u8]| match size {
            1 => value.first().copied().map(u64::from),
            2 => self.order.u16(value, 0).map(u64::from),
            4 => self.order.u32(value, 0).map(u64::from),
            _ => self.order.u64(value, 0),
        };
        values.chunks_exact(size).filter_map(number).collect()
    }

    /// Returns the first number of a field.
    pub(super) fn number(&self, tag: Tag) -> Option<u64> {
        self.numbers(tag).first().copied()
    }

    /// Returns the bytes of a field.
    pub(super) fn contents(&self, tag: Tag) -> Option<&'a [u8]> {
        self.field(tag).map(|(values, _)| values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_points_out_of_the_file_has_no_values() {
        let mut bytes = b"II\x2A\0\x08\0\0\0\x01\0".to_vec();
        bytes.extend([2, 1, 3, 0, 255, 255, 255, 255, 16, 0, 0, 0]);
        let directory = Directory::read(&bytes).unwrap();
        assert_eq!(Order::Little.u16(&bytes, 10), Some(Tag::Depths as u16));
        assert!(directory.numbers(Tag::Depths).is_empty());
        for length in 0..bytes.len() {
            assert!(Directory::read(&bytes[..length]).is_none());
        }
    }

    #[test]
    fn short_values_stand_in_the_entry() {
        let mut bytes = b"MM\0\x2A\0\0\0\x08\0\x01".to_vec();
        bytes.extend([1, 2, 0, 3, 0, 0, 0, 2, 0, 7, 0, 9]);
        let directory = Directory::read(&bytes).unwrap();
        assert_eq!(directory.numbers(Tag::Depths), [7, 9]);
        assert_eq!(directory.number(Tag::Width), None);
    }
}
