//! Decodes the first frame of GIF images, into what Pillow makes of it.

use std::io::Cursor;
use std::num::NonZeroU64;

use ::gif::{ColorOutput, DecodeOptions, Decoder, MemoryLimit};

use super::super::error::DecodeError;
use super::super::native::{Mode, Native, Palette};
use super::super::raster::Raster;
use super::bytes::le16;
use super::header::Header;
use super::{LARGEST_IMAGE, check_size};

/// Reads the size of the screen, or of the first frame where that reaches beyond it.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let (width, height) = (le16(bytes, 6)?.into(), le16(bytes, 8)?.into());
    bytes.get(12)?;
    let [right, bottom] = first_frame(bytes).unwrap_or_default();
    Some(Header { width: right.max(width), height: bottom.max(height), rotated: false, deep: false })
}

/// Finds the right and the lower edge of the first frame, which follows the colours of the screen and any extensions. What is of
/// no known kind is passed over as the decoder does it: as an extension that does not say which it is.
fn first_frame(bytes: &[u8]) -> Option<[u32; 2]> {
    const EXTENSION: u8 = 0x21;
    const FRAME: u8 = 0x2C;
    const END: u8 = 0x3B;
    let screen = *bytes.get(10)?;
    let colours = if screen & 0x80 == 0 { 0 } else { 3 << ((screen & 7) + 1) };
    let mut at = 13 + colours;
    loop {
        match *bytes.get(at)? {
            FRAME => break,
            END => return None,
            EXTENSION => at += 2,
            _ => at += 1,
        }
        // Its parts begin with their lengths, and the last one is empty.
        while let length @ 1..=255 = *bytes.get(at)? {
            at += 1 + usize::from(length);
        }
        at += 1;
    }
    let edge =
        |from: usize| Some(u32::from(le16(bytes, at + from)?) + u32::from(le16(bytes, at + from + 4)?));
    Some([edge(1)?, edge(3)?])
}

pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options
        .set_memory_limit(NonZeroU64::new(LARGEST_IMAGE).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    options.allow_unknown_blocks(true);
    let mut decoder = options.read_info(Cursor::new(bytes))?;
    let frame = decoder.next_frame_info()?.ok_or(DecodeError::Empty)?;
    let [left, top, across, down] = [frame.left, frame.top, frame.width, frame.height].map(usize::from);
    let transparent = frame.transparent;
    let (width, height) =
        (usize::from(decoder.width()).max(left + across), usize::from(decoder.height()).max(top + down));
    check_size(width as u32, height as u32, 1)?;
    check_size(across as u32, down as u32, 1)?;
    let mut pixels = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut pixels)?;
    // What the frame does not cover is transparent, if anything is.
    let mut samples = vec![transparent.unwrap_or(0); width * height];
    let rows = samples.chunks_exact_mut(width).skip(top);
    for (row, line) in rows.zip(pixels.chunks_exact(across)) {
        row[left..left + across].copy_from_slice(line);
    }
    let raster = Raster { width, height, channels: 1, samples };
    Ok(match palette(&decoder) {
        Some(mut palette) => {
            if let Some(index) = transparent {
                palette[usize::from(index)][3] = 0;
            }
            Native::Bytes { mode: Mode::Palette(Box::new(palette)), raster, key: None }
        }
        None => Native::Bytes { mode: Mode::Gray, raster, key: transparent.map(|level| [level; 3]) },
    })
}

/// Returns the palette of the frame, or `None` where there is none or it says nothing else than the indices: such an
/// image is gray to Pillow.
fn palette(decoder: &Decoder<Cursor<&[u8]>>) -> Option<Palette> {
    let colours = decoder.palette().ok()?.as_chunks::<3>().0;
    if colours.iter().enumerate().all(|(index, colour)| colour.iter().all(|&part| usize::from(part) == index))
    {
        return None;
    }
    let mut palette = [[0, 0, 0, 255]; 256];
    for (entry, &[r, g, b]) in palette.iter_mut().zip(colours) {
        *entry = [r, g, b, 255];
    }
    Some(palette)
}

#[cfg(test)]
mod tests {
    use super::super::{Level, footprint, inspect};

    /// A GIF of one black pixel, with an extension and some other bytes before it, at a place of its own.
    fn placed(left: u16, top: u16, others: &[u8]) -> Vec<u8> {
        let mut bytes = b"GIF89a\x02\0\x03\0\x80\0\0\0\0\0\xff\xff\xff\x21\xfe\x03abc\0".to_vec();
        bytes.extend(others);
        bytes.push(b',');
        [left, top, 1, 1].iter().for_each(|side| bytes.extend(side.to_le_bytes()));
        bytes.extend(b"\0\x02\x02\x44\x01\0;");
        bytes
    }

    #[test]
    fn a_frame_beyond_the_screen_counts_for_the_size_and_for_the_memory() {
        let others = [
            b"".as_slice(),
            b"\0\0",
            b"\0\0\x21\xfe\0",
            b"\x07\x02,,\x01;\0",
            b"\x03\0\xff\x01,\0\x21\xfe\x01;\0",
        ];
        let places = others
            .iter()
            .flat_map(|others| [(placed(0, 0, others), [2, 3]), (placed(40, 5_000, others), [41, 5_001])]);
        for (bytes, size) in places {
            for level in [Level::Header, Level::Whole] {
                let seen = inspect(&bytes, level).unwrap();
                assert_eq!([seen.width, seen.height], size, "{level:?}");
            }
            assert!(footprint(&bytes) >= u64::from(size[0] * size[1]));
        }
    }
}
