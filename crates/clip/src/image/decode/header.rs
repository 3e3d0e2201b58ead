//! Reads what the first bytes of an image file say, without decoding the image.

use super::bytes::{Order, be16, be32, le16, le32};
use super::format::Format;
use super::{bmp, gif, tiff};

/// The size and the special properties of an image, as its file declares them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Whether there is an EXIF orientation other than the usual one.
    pub(super) rotated: bool,
    /// Whether there are more than 8 bits per sample.
    pub(super) deep: bool,
}

impl Header {
    /// Reads a header. Returns `None` if the bytes are of no known kind, or if the header is damaged.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        match Format::of(bytes)? {
            Format::Jpeg => jpeg(bytes),
            Format::Png => png(bytes),
            Format::WebP => webp(bytes),
            Format::Gif => gif::header(bytes),
            Format::Bmp => bmp::header(bytes),
            Format::Tiff => tiff::header(bytes),
        }
    }
}

/// Reads the frame header and the EXIF segment, which precede the first scan.
fn jpeg(bytes: &[u8]) -> Option<Header> {
    const SCAN: u8 = 0xDA;
    const APPLICATION_1: u8 = 0xE1;
    let mut header = Header::default();
    let mut rest = bytes.get(2..)?;
    loop {
        let (marker, tail) = match rest {
            [0xFF, 0xFF, ..] => {
                rest = &rest[1..];
                continue;
            }
            [0xFF, marker, tail @ ..] => (*marker, tail),
            _ => return None,
        };
        let length = usize::from(be16(tail, 0)?);
        let segment = tail.get(2..length)?;
        match marker {
            SCAN => return (header.width > 0).then_some(header),
            APPLICATION_1 => header.rotated |= segment.strip_prefix(b"Exif\0\0").is_some_and(is_rotated),
            // These are the frame headers, without the tables that share their range of codes.
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                header.deep = *segment.first()? > 8;
                header.height = be16(segment, 1)?.into();
                header.width = be16(segment, 3)?.into();
            }
            _ => {}
        }
        rest = &tail[length..];
    }
}

fn png(bytes: &[u8]) -> Option<Header> {
    let (width, height) = (be32(bytes, 16)?, be32(bytes, 20)?);
    let mut header = Header { width, height, deep: *bytes.get(24)? > 8, rotated: false };
    let mut rest = bytes.get(8..)?;
    while let (Some(length), Some(kind)) = (be32(rest, 0), rest.get(4..8)) {
        let Some(data) = rest.get(8..).and_then(|rest| rest.get(..length as usize)) else { break };
        header.rotated |= kind == b"eXIf" && is_rotated(data);
        // The checksum follows the data.
        rest = rest.get(12 + length as usize..).unwrap_or_default();
    }
    Some(header)
}

fn webp(bytes: &[u8]) -> Option<Header> {
    let mut header = Header::default();
    let mut rest = bytes.get(12..)?;
    while let (Some(kind), Some(length)) = (rest.get(..4), le32(rest, 4)) {
        let Some(data) = rest.get(8..).and_then(|rest| rest.get(..length as usize)) else { break };
        let size = match kind {
            b"VP8X" => canvas(data),
            b"VP8 " => lossy(data),
            b"VP8L" => lossless(data),
            _ => None,
        };
        if let (Some((width, height)), 0) = (size, header.width) {
            (header.width, header.height) = (width, height);
        }
        header.rotated |= kind == b"EXIF" && is_rotated(data.strip_prefix(b"Exif\0\0").unwrap_or(data));
        let padded = length as usize + length as usize % 2;
        rest = rest.get(8 + padded..).unwrap_or_default();
    }
    (header.width > 0).then_some(header)
}

/// Reads the canvas of an extended WebP file: two 24-bit numbers, each one less than the length of a side.
fn canvas(data: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| Some(u32::from(le16(data, at)?) + (u32::from(*data.get(at + 2)?) << 16) + 1);
    Some((side(4)?, side(7)?))
}

fn lossy(data: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| Some(u32::from(le16(data, at)? & 0x3FFF));
    Some((side(6)?, side(8)?))
}

fn lossless(data: &[u8]) -> Option<(u32, u32)> {
    let packed = le32(data, 1)?;
    Some(((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1))
}

/// Checks whether EXIF data (a TIFF header and its first directory) ask for a rotation or a reflection.
fn is_rotated(tiff: &[u8]) -> bool {
    orientation(tiff).is_some_and(|orientation| (2..=8).contains(&orientation))
}

fn orientation(tiff: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    let order = match tiff.get(..2)? {
        b"MM" => Order::Big,
        b"II" => Order::Little,
        _ => return None,
    };
    let short = |at: usize| order.u16(tiff, at);
    let directory = order.u32(tiff, 4)? as usize;
    let entries = usize::from(short(directory)?);
    let mut entries = (0..entries).map(|entry| directory + 2 + 12 * entry);
    let found = entries.find(|&entry| short(entry) == Some(ORIENTATION))?;
    short(found + 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a TIFF directory with the orientation as its only entry, in either byte order.
    fn tiff(orientation: u16, big: bool) -> Vec<u8> {
        let short = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let long = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut bytes = if big { b"MM".to_vec() } else { b"II".to_vec() };
        bytes.extend(short(42));
        bytes.extend(long(8));
        bytes.extend(short(1));
        bytes.extend(short(0x0112));
        bytes.extend(short(3));
        bytes.extend(long(1));
        bytes.extend(short(orientation));
        bytes.extend([0; 6]);
        bytes
    }

    #[test]
    fn every_orientation_but_the_usual_one_is_a_rotation() {
        for big in [true, false] {
            for orientation in 0..10 {
                assert_eq!(is_rotated(&tiff(orientation, big)), (2..=8).contains(&orientation));
            }
        }
        assert!(!is_rotated(b"II") && !is_rotated(&tiff(6, true)[..12]));
    }

    #[test]
    fn a_jpeg_has_its_size_and_its_orientation_before_the_scan() {
        let exif = [b"Exif\0\0".to_vec(), tiff(6, true)].concat();
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, exif.len() as u8 + 2];
        bytes.extend(exif);
        bytes.extend([0xFF, 0xC0, 0, 11, 8, 0, 5, 0, 7, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 2, 1, 2, 3]);
        assert_eq!(Header::read(&bytes), Some(Header { width: 7, height: 5, rotated: true, deep: false }));
    }

    #[test]
    fn what_is_cut_off_has_no_header() {
        for bytes in [&[0xFF, 0xD8, 0xFF, 0xE1][..], &[0x89, b'P', b'N', b'G'], b"RIFF", b"GIF89a", b""] {
            assert_eq!(Header::read(bytes), None);
        }
    }
}
