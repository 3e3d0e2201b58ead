//! Decodes BMP images, the variants that Pillow reads, into what Pillow makes of them.

use super::super::error::DecodeError;
use super::super::native::{Mode, Native, Palette};
use super::super::raster::Raster;
use super::bytes::{le16, le32, unpacked};
use super::check_size;
use super::header::Header;

/// What is said before the pixels.
struct Bitmap {
    width: u32,
    height: u32,
    /// Whether the first row in the file is the upper one.
    from_top: bool,
    depth: u16,
    compression: u32,
    colours: usize,
    /// The position after the headers, where the palette is, and the length of its entries.
    palette: (usize, usize),
    /// The masks of red, green, blue and alpha.
    masks: [u32; 4],
    /// The position of the pixels.
    data: usize,
}

const RAW: u32 = 0;
const RLE8: u32 = 1;
const RLE4: u32 = 2;
const BIT_FIELDS: u32 = 3;

fn damaged(what: &'static str) -> DecodeError {
    DecodeError::Damaged { format: "BMP", what }
}

/// Reads what the header says about the image.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let bitmap = Bitmap::read(bytes)?;
    Some(Header { width: bitmap.width, height: bitmap.height, rotated: false, deep: false })
}

pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    let bitmap = Bitmap::read(bytes).ok_or(damaged("the header is cut off"))?;
    let layout = bitmap.layout()?;
    check_size(bitmap.width, bitmap.height, layout.channels())?;
    let data = bytes.get(bitmap.data..).unwrap_or_default();
    let samples = match bitmap.compression {
        RLE8 | RLE4 => bitmap.run_lengths(data)?,
        _ => bitmap.rows(data, layout)?,
    };
    let (width, height) = (bitmap.width as usize, bitmap.height as usize);
    let mode = bitmap.mode(bytes, layout)?;
    let samples = match mode {
        Mode::Bilevel => samples.iter().map(|&bit| if bit == 0 { 0 } else { 255 }).collect(),
        _ => samples,
    };
    Ok(Native::Bytes {
        mode,
        raster: Raster { width, height, channels: layout.channels(), samples },
        key: None,
    })
}

/// What a pixel in the file consists of.
#[derive(Clone, Copy)]
enum Layout {
    /// Indices into a palette.
    Indices,
    /// Red, green and blue in the bits of a 16-bit number: each one's position, and the largest value.
    Packed([(u32, u32); 3]),
    /// Bytes: which one is red, green, blue.
    Rgb([usize; 3]),
    /// Bytes: which one is red, green, blue, alpha.
    Rgba([usize; 4]),
}

const RGB_555: Layout = Layout::Packed([(10, 31), (5, 31), (0, 31)]);
const RGB_565: Layout = Layout::Packed([(11, 31), (5, 63), (0, 31)]);
const BGR: Layout = Layout::Rgb([2, 1, 0]);

impl Layout {
    fn channels(self) -> usize {
        match self {
            Self::Indices => 1,
            Self::Packed(_) | Self::Rgb(_) => 3,
            Self::Rgba(_) => 4,
        }
    }
}

impl Bitmap {
    fn read(bytes: &[u8]) -> Option<Self> {
        /// The length of the file's header, which comes first.
        const FILE: usize = 14;
        let size = le32(bytes, FILE)? as usize;
        let end = FILE + size;
        bytes.get(..end)?;
        let mut data = le32(bytes, 10)? as usize;
        if size == 12 {
            let depth = le16(bytes, 24)?;
            let colours = 1 << depth.min(16);
            if data == end && depth <= 8 {
                data += 3 * colours;
            }
            let (width, height) = (le16(bytes, 18)?.into(), le16(bytes, 20)?.into());
            let palette = (end, 3);
            let masks = [0; 4];
            return Some(Self {
                width,
                height,
                from_top: false,
                depth,
                compression: RAW,
                colours,
                palette,
                masks,
                data,
            });
        }
        let depth = le16(bytes, 28)?;
        let colours = match le32(bytes, 46)? as usize {
            0 => 1 << depth.min(16),
            colours => colours,
        };
        let compression = le32(bytes, 30)?;
        // The masks are a part of the longer headers, and behind the short one.
        let mask = |at: usize| le32(bytes, 54 + 4 * at);
        let masks = match compression {
            BIT_FIELDS => [mask(0)?, mask(1)?, mask(2)?, if size >= 56 { mask(3)? } else { 0 }],
            _ => [0; 4],
        };
        let behind = if compression == BIT_FIELDS && size < 52 { 12 } else { 0 };
        if data == end && depth <= 8 {
            data += colours.checked_mul(4)?;
        }
        let height = le32(bytes, 22)?;
        let from_top = height >> 24 == 0xFF;
        Some(Self {
            width: le32(bytes, 18)?,
            height: if from_top { height.wrapping_neg() } else { height },
            from_top,
            depth,
            compression,
            colours,
            palette: (end + behind, 4),
            masks,
            data,
        })
    }

    fn layout(&self) -> Result<Layout, DecodeError> {
        let unsupported = |what| Err(DecodeError::Unsupported { format: "BMP", what });
        match (self.depth, self.compression) {
            (1 | 4 | 8, RAW) | (8, RLE8) | (4, RLE4) => Ok(Layout::Indices),
            (16, RAW) => Ok(RGB_555),
            (24 | 32, RAW) => Ok(BGR),
            (16, BIT_FIELDS) if self.masks[..3] == [0xF800, 0x7E0, 0x1F] => Ok(RGB_565),
            (16, BIT_FIELDS) if self.masks[..3] == [0x7C00, 0x3E0, 0x1F] => Ok(RGB_555),
            (24, BIT_FIELDS) if self.masks[..3] == [0xFF_0000, 0xFF00, 0xFF] => Ok(BGR),
            (32, BIT_FIELDS) => match self.masks {
                [0xFF_0000, 0xFF00, 0xFF, 0] => Ok(BGR),
                [0xFF00_0000, 0xFF_0000, 0xFF00, 0] => Ok(Layout::Rgb([3, 2, 1])),
                [0xFF00_0000, 0xFF00, 0xFF, 0] => Ok(Layout::Rgb([3, 1, 0])),
                [0xFF00_0000, 0xFF_0000, 0xFF00, 0xFF] => Ok(Layout::Rgba([3, 2, 1, 0])),
                [0xFF, 0xFF00, 0xFF_0000, 0xFF00_0000] => Ok(Layout::Rgba([0, 1, 2, 3])),
                [0xFF_0000, 0xFF00, 0xFF, 0xFF00_0000] | [0, 0, 0, 0] => Ok(Layout::Rgba([2, 1, 0, 3])),
                [0xFF00_0000, 0xFF00, 0xFF, 0xFF_0000] => Ok(Layout::Rgba([3, 1, 0, 2])),
                _ => unsupported("masks of colours that Pillow does not read either"),
            },
            (_, BIT_FIELDS) => unsupported("masks of colours that Pillow does not read either"),
            (1 | 4 | 8 | 16 | 24 | 32, _) => unsupported("a compression that Pillow does not read either"),
            _ => unsupported("a number of bits per pixel that Pillow does not read either"),
        }
    }

    /// Reads rows of pixels, from the upper one to the lower.
    fn rows(&self, data: &[u8], layout: Layout) -> Result<Vec<u8>, DecodeError> {
        let (width, height) = (self.width as usize, self.height as usize);
        let bits = width * usize::from(self.depth);
        // Rows are padded to four bytes, the last one of the file not necessarily.
        let (used, stride) = (bits.div_ceil(8), bits.div_ceil(32) * 4);
        if data.len() < (height - 1) * stride + used {
            return Err(damaged("the pixels are cut off"));
        }
        let mut samples = Vec::with_capacity(width * height * layout.channels());
        for row in 0..height {
            let row = if self.from_top { row } else { height - 1 - row };
            self.push_row(&data[row * stride..][..used], layout, &mut samples);
        }
        Ok(samples)
    }

    fn push_row(&self, line: &[u8], layout: Layout, samples: &mut Vec<u8>) {
        let bytes = usize::from(self.depth / 8).max(1);
        match layout {
            Layout::Indices if self.depth == 8 => samples.extend_from_slice(line),
            Layout::Indices => {
                samples.extend(unpacked(line, self.depth.into()).take(self.width as usize));
            }
            Layout::Packed(parts) => samples.extend(line.as_chunks().0.iter().flat_map(|&pixel| {
                let pixel = u32::from(u16::from_le_bytes(pixel));
                parts.map(|(shift, most)| ((pixel >> shift & most) * 255 / most) as u8)
            })),
            Layout::Rgb(order) => {
                samples.extend(line.chunks_exact(bytes).flat_map(|pixel| order.map(|at| pixel[at])));
            }
            Layout::Rgba(order) => {
                samples.extend(line.chunks_exact(bytes).flat_map(|pixel| order.map(|at| pixel[at])));
            }
        }
    }

    /// Reads run lengths of indices, and turns the rows round if the first is the lower one.
    fn run_lengths(&self, data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let width = self.width as usize;
        let total = width * self.height as usize;
        let mut runs = RunLengths { width, packed: self.compression == RLE4, samples: Vec::new() };
        runs.read(data, total).ok_or(damaged("the pixels are cut off"))?;
        let mut samples = runs.samples;
        if samples.len() < total {
            return Err(damaged("the pixels end too early"));
        }
        samples.truncate(total);
        if !self.from_top {
            samples = samples.chunks_exact(width).rev().flatten().copied().collect();
        }
        Ok(samples)
    }

    /// Returns what the samples mean. A palette that says nothing else than the indices is none to Pillow.
    fn mode(&self, bytes: &[u8], layout: Layout) -> Result<Mode, DecodeError> {
        match layout {
            Layout::Packed(_) | Layout::Rgb(_) => return Ok(Mode::Rgb),
            Layout::Rgba(_) => return Ok(Mode::Rgba),
            Layout::Indices => {}
        }
        let (start, length) = self.palette;
        let entries = bytes.get(start..).unwrap_or_default();
        if !(1..=65_536).contains(&self.colours) {
            return Err(damaged("the palette has an impossible number of colours"));
        }
        let entries: Vec<_> = entries.chunks_exact(length).take(self.colours).collect();
        let is_gray = |values: &mut dyn Iterator<Item = usize>| {
            entries.len() == self.colours
                && entries
                    .iter()
                    .zip(values)
                    .all(|(entry, value)| entry[..3].iter().all(|&part| usize::from(part) == value))
        };
        Ok(match (self.depth, self.colours) {
            (1, 2) if is_gray(&mut [0, 255].into_iter()) => Mode::Bilevel,
            (8, 3..) if is_gray(&mut (0..)) => Mode::Gray,
            _ => Mode::Palette(Box::new(palette(&entries))),
        })
    }
}

/// Reads a palette of blue, green and red. Indices without a colour become black.
fn palette(entries: &[&[u8]]) -> Palette {
    let mut palette = [[0, 0, 0, 255]; 256];
    for (colour, entry) in palette.iter_mut().zip(entries) {
        *colour = [entry[2], entry[1], entry[0], 255];
    }
    palette
}

/// Indices from runs and literal pixels.
struct RunLengths {
    width: usize,
    /// Whether a byte holds two pixels.
    packed: bool,
    samples: Vec<u8>,
}

impl RunLengths {
    /// Reads until there are `total` pixels or the bitmap ends. Returns `None` if the data are cut off.
    fn read(&mut self, data: &[u8], total: usize) -> Option<()> {
        let mut rest = data;
        let mut column = 0;
        while self.samples.len() < total {
            let [count, value, after @ ..] = rest else { return None };
            rest = after;
            match (count, value) {
                (0, 0) => {
                    self.samples.resize(self.samples.len().next_multiple_of(self.width), 0);
                    column = 0;
                }
                (0, 1) => break,
                (0, 2) => {
                    let [right, up, after @ ..] = rest else { return None };
                    rest = after;
                    self.samples
                        .resize(self.samples.len() + usize::from(*right) + usize::from(*up) * self.width, 0);
                    column = self.samples.len() % self.width;
                }
                (0, &count) => {
                    let pixels = usize::from(count);
                    let bytes = if self.packed { pixels.div_ceil(2) } else { pixels };
                    let (literal, after) = rest.split_at_checked(bytes)?;
                    let depth = if self.packed { 4 } else { 8 };
                    self.samples.extend(unpacked(literal, depth).take(pixels));
                    column += pixels;
                    // Literal pixels are padded to an even number of bytes.
                    rest = after.get(bytes % 2..).unwrap_or_default();
                }
                (&count, &value) => {
                    let pixels = usize::from(count).min(self.width.saturating_sub(column));
                    let pair = if self.packed { [value >> 4, value & 0xF] } else { [value; 2] };
                    self.samples.extend(pair.into_iter().cycle().take(pixels));
                    column += pixels;
                }
            }
        }
        Some(())
    }
}
