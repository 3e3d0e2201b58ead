//! Decompresses the strips or tiles of a TIFF file and puts them together.

use std::convert::Infallible;
use std::io::Read;

use fax::decoder::{DecodeStatus, Group3Decoder};
use flate2::read::ZlibDecoder;

use super::super::super::error::DecodeError;
use super::super::{LARGEST_IMAGE, jpeg};
use super::directory::{Directory, Tag};
use super::{Photometric, damaged, unsupported};
use crate::image::native::Native;

/// How the samples of an image are stored.
pub(super) struct Storage<'a> {
    pub(super) directory: &'a Directory<'a>,
    pub(super) width: usize,
    pub(super) height: usize,
    /// The samples of each pixel, and the bits of each sample.
    pub(super) samples: usize,
    pub(super) depth: usize,
    pub(super) photometric: Photometric,
}

/// The rectangles into which an image is cut.
struct Grid {
    width: usize,
    height: usize,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    /// Whether each rectangle is stored whole, even where it reaches beyond the image.
    tiles: bool,
}

impl Storage<'_> {
    /// Returns the rows of the image, each of whole bytes, with the samples of a pixel side by side.
    pub(super) fn read(&self) -> Result<Vec<u8>, DecodeError> {
        let grid = self.grid()?;
        let planes = match self.directory.number(Tag::Planar) {
            Some(2) if self.samples > 1 => self.samples,
            _ => 1,
        };
        if planes > 1 && self.depth < 8 {
            return Err(unsupported("separate planes of less than 8 bits"));
        }
        let samples = self.samples / planes;
        let across = self.width.div_ceil(grid.width);
        let each = across * self.height.div_ceil(grid.height);
        if grid.offsets.len() < each * planes || grid.lengths.len() < each * planes {
            return Err(damaged("positions of pixels are missing"));
        }
        let row = (self.width * self.samples * self.depth).div_ceil(8);
        let mut image = vec![0; row * self.height];
        for plane in 0..planes {
            for chunk in 0..each {
                let (left, top) = (chunk % across * grid.width, chunk / across * grid.height);
                let rows = if grid.tiles { grid.height } else { grid.height.min(self.height - top) };
                let bits = grid.width * samples * self.depth;
                let size = Size { width: grid.width, rows, samples, stride: bits.div_ceil(8) };
                let at = plane * each + chunk;
                let pixels = self.chunk(grid.offsets[at], grid.lengths[at], &size)?;
                let used = size.rows.min(self.height - top);
                for (line, target) in
                    pixels.chunks_exact(size.stride).zip(image[top * row..].chunks_exact_mut(row)).take(used)
                {
                    self.place(line, target, left, (plane, planes));
                }
            }
        }
        Ok(image)
    }

    fn grid(&self) -> Result<Grid, DecodeError> {
        let side = |tag| self.directory.number(tag).and_then(|side| usize::try_from(side).ok());
        let offsets = self.directory.numbers(Tag::TileOffsets);
        let grid = if offsets.is_empty() {
            Grid {
                width: self.width,
                height: side(Tag::RowsPerStrip).unwrap_or(self.height).min(self.height),
                offsets: self.directory.numbers(Tag::StripOffsets),
                lengths: self.directory.numbers(Tag::StripLengths),
                tiles: false,
            }
        } else {
            let missing = || damaged("the tiles have no size");
            let (width, height) =
                (side(Tag::TileWidth).ok_or_else(missing)?, side(Tag::TileHeight).ok_or_else(missing)?);
            let lengths = self.directory.numbers(Tag::TileLengths);
            Grid { width, height, offsets, lengths, tiles: true }
        };
        let bytes = (grid.width as u64)
            .saturating_mul(grid.height as u64)
            .saturating_mul((self.samples * self.depth) as u64)
            / 8;
        match (grid.width, grid.height) {
            (0, _) | (_, 0) => Err(damaged("the strips or tiles have no size")),
            _ if bytes > LARGEST_IMAGE => Err(damaged("the strips or tiles are too large")),
            // Tiles start at whole bytes of a row of the image.
            (width, _) if grid.tiles && !(width * self.depth).is_multiple_of(8) => {
                Err(unsupported("tiles of an odd width"))
            }
            _ => Ok(grid),
        }
    }

    /// Copies a row of a rectangle to its place in a row of the image.
    fn place(&self, line: &[u8], target: &mut [u8], left: usize, (plane, planes): (usize, usize)) {
        let bytes = (self.depth / 8).max(1);
        if planes == 1 {
            let start = left * self.samples * self.depth / 8;
            let length = line.len().min(target.len() - start);
            target[start..start + length].copy_from_slice(&line[..length]);
            return;
        }
        let pixels = target.chunks_exact_mut(bytes * planes).skip(left);
        for (pixel, sample) in pixels.zip(line.chunks_exact(bytes)) {
            pixel[plane * bytes..][..bytes].copy_from_slice(sample);
        }
    }

    /// Decompresses a strip or tile.
    fn chunk(&self, offset: u64, length: u64, size: &Size) -> Result<Vec<u8>, DecodeError> {
        let cut = || damaged("the pixels are cut off");
        let stored =
            self.directory.at(offset, usize::try_from(length).map_err(|_| cut())?).ok_or_else(cut)?;
        let reversed: Vec<u8>;
        let data = match self.directory.number(Tag::FillOrder) {
            Some(2) => {
                reversed = stored.iter().map(|byte| byte.reverse_bits()).collect();
                &reversed
            }
            _ => stored,
        };
        let wanted = size.stride * size.rows;
        let mut pixels = match self.directory.number(Tag::Compression).unwrap_or(1) {
            1 => data.get(..wanted).ok_or_else(cut)?.to_vec(),
            3 | 4 => self.fax(data, size)?,
            5 => lzw(data, wanted),
            7 => self.jpeg(data, size)?,
            8 | 32_946 => inflated(data, wanted),
            32_773 => packed_bits(data, wanted),
            _ => return Err(unsupported("a compression other than LZW, Deflate, PackBits, JPEG and fax")),
        };
        if pixels.len() < wanted {
            return Err(damaged("the pixels of a strip or tile are damaged or cut off"));
        }
        pixels.truncate(wanted);
        match self.directory.number(Tag::Predictor) {
            None | Some(1) => {}
            Some(2) => self.undo_differences(&mut pixels, size)?,
            _ => return Err(unsupported("a predictor for floating-point numbers")),
        }
        Ok(pixels)
    }

    /// Adds to each sample the one of the pixel before.
    fn undo_differences(&self, pixels: &mut [u8], size: &Size) -> Result<(), DecodeError> {
        // Only these compressions know the predictor; the others ignore it, in libtiff as well.
        if !matches!(self.directory.number(Tag::Compression), Some(5 | 8 | 32_946)) {
            return Ok(());
        }
        let samples = size.samples;
        for line in pixels.chunks_exact_mut(size.stride) {
            match self.depth {
                8 => {
                    (samples..line.len()).for_each(|at| line[at] = line[at].wrapping_add(line[at - samples]));
                }
                16 => {
                    let order = self.directory.order;
                    for at in (2 * samples..line.len() - 1).step_by(2) {
                        let sum = order.u16(line, at).zip(order.u16(line, at - 2 * samples));
                        let sum = sum.map_or(0, |(sample, before)| sample.wrapping_add(before));
                        line[at..at + 2].copy_from_slice(&order.bytes(sum));
                    }
                }
                _ => return Err(unsupported("a predictor for samples of other than 8 or 16 bits")),
            }
        }
        Ok(())
    }

    /// Decodes fax compression of groups 3 (one-dimensional) and 4 to packed bits, where 1 is black.
    fn fax(&self, data: &[u8], size: &Size) -> Result<Vec<u8>, DecodeError> {
        if self.depth != 1 || size.samples != 1 {
            return Err(damaged("fax compression is for one bit per pixel"));
        }
        let too_large = |_| unsupported("fax compression of more than 65,535 pixels");
        let width = u16::try_from(size.width).map_err(too_large)?;
        let rows = u16::try_from(size.rows).map_err(too_large)?;
        let group_4 = self.directory.number(Tag::Compression) == Some(4);
        let mut lines =
            FaxLines { width, stride: size.stride, packed: Vec::new(), wanted: size.stride * size.rows };
        match (group_4, self.directory.number(Tag::Group3Options).unwrap_or(0) & 3) {
            (true, _) => {
                fax::decoder::decode_g4(data.iter().copied(), width, Some(rows), |line| lines.push(line));
            }
            (false, 0) => lines.read_group_3(data),
            _ => return Err(unsupported("two-dimensional fax compression of group 3")),
        }
        Ok(lines.packed)
    }

    /// Decodes a JPEG whose tables may stand elsewhere, by the decoder for JPEG files.
    fn jpeg(&self, data: &[u8], size: &Size) -> Result<Vec<u8>, DecodeError> {
        const START: [u8; 2] = [0xFF, 0xD8];
        let transform = match (self.photometric, size.samples) {
            (Photometric::YCbCr, 3) => 1,
            (Photometric::Rgb, 3) | (Photometric::BlackIsZero, 1) => 0,
            _ => return Err(unsupported("JPEG compression of other colours than gray, RGB and YCbCr")),
        };
        // The Adobe marker says which colours they are.
        let mut file =
            [&START[..], &[0xFF, 0xEE, 0, 14], b"Adobe", &[0, 100, 0, 0, 0, 0, transform]].concat();
        let tables = self.directory.contents(Tag::JpegTables).unwrap_or_default();
        file.extend(
            tables
                .strip_prefix(&START)
                .and_then(|tables| tables.strip_suffix(&[0xFF, 0xD9]))
                .unwrap_or_default(),
        );
        file.extend(data.strip_prefix(&START).ok_or_else(|| damaged("a strip or tile is no JPEG"))?);
        let Native::Bytes { raster, .. } = jpeg::decode(&file)? else { return Ok(Vec::new()) };
        if raster.width != size.width || raster.height < size.rows || raster.channels != size.samples {
            return Err(damaged("a strip or tile is a JPEG of another size"));
        }
        Ok(raster.samples)
    }
}

/// The size of a strip or tile.
struct Size {
    width: usize,
    rows: usize,
    samples: usize,
    /// The bytes of a row.
    stride: usize,
}

/// Lines of bits, where 1 is black.
struct FaxLines {
    width: u16,
    /// The bytes of a line, and of all lines that are wanted.
    stride: usize,
    wanted: usize,
    packed: Vec<u8>,
}

impl FaxLines {
    /// Adds a line, of which the places are known where the colour changes.
    fn push(&mut self, transitions: &[u16]) {
        let start = self.packed.len();
        if start >= self.wanted {
            return;
        }
        self.packed.resize(start + self.stride, 0);
        for (at, colour) in fax::decoder::pels(transitions, self.width).enumerate() {
            self.packed[start + at / 8] |= u8::from(colour == fax::Color::Black) << (7 - at % 8);
        }
    }

    /// Reads lines until one is not whole. The last line may lack the mark at its end.
    fn read_group_3(&mut self, data: &[u8]) {
        let bytes = data.iter().map(|&byte| Ok::<u8, Infallible>(byte));
        let Ok(mut decoder) = Group3Decoder::new(bytes) else { return };
        loop {
            let status = decoder.advance();
            if decoder.transitions().last() != Some(&self.width) {
                return;
            }
            self.push(decoder.transitions());
            if !matches!(status, Ok(DecodeStatus::Incomplete)) {
                return;
            }
        }
    }
}

/// Decompresses at most as much as is wanted; less if the data are damaged.
fn inflated(data: &[u8], wanted: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    // What was read before an error stays, and is too little.
    let _ = ZlibDecoder::new(data).take(wanted as u64).read_to_end(&mut pixels);
    pixels
}

fn lzw(data: &[u8], wanted: usize) -> Vec<u8> {
    /// The number of bytes that are made at once.
    const STEP: usize = 64 * 1024;
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let mut pixels = Vec::new();
    let mut rest = data;
    while pixels.len() < wanted {
        let start = pixels.len();
        pixels.resize(start + STEP.min(wanted - start), 0);
        let result = decoder.decode_bytes(rest, &mut pixels[start..]);
        pixels.truncate(start + result.consumed_out);
        rest = &rest[result.consumed_in..];
        let ended = !matches!(result.status, Ok(weezl::LzwStatus::Ok));
        if ended || result.consumed_in == 0 && result.consumed_out == 0 {
            break;
        }
    }
    pixels
}

fn packed_bits(data: &[u8], wanted: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    let mut rest = data;
    while let ([count, after @ ..], true) = (rest, pixels.len() < wanted) {
        rest = after;
        match *count as i8 {
            -128 => {}
            count @ 0.. => {
                let (literal, after) = rest.split_at(rest.len().min(count as usize + 1));
                pixels.extend_from_slice(literal);
                rest = after;
            }
            count => {
                let [value, after @ ..] = rest else { break };
                pixels.resize(pixels.len() + usize::from(count.unsigned_abs()) + 1, *value);
                rest = after;
            }
        }
    }
    pixels
}
