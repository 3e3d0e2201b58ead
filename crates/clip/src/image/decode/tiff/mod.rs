//! Decodes the first page of TIFF images, the variants that Pillow reads and that are in use, into what Pillow makes
//! of them.

mod chunks;
mod directory;
mod orientation;

use super::super::error::DecodeError;
use super::super::native::{Mode, Native, Palette, divided};
use super::super::raster::Raster;
use super::bytes::unpacked;
use super::check_size;
use super::header::Header;
use chunks::Storage;
use directory::{Directory, Tag};

fn damaged(what: &'static str) -> DecodeError {
    DecodeError::Damaged { format: "TIFF", what }
}

fn unsupported(what: &'static str) -> DecodeError {
    DecodeError::Unsupported { format: "TIFF", what }
}

/// The meaning of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Photometric {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
}

/// Reads what the directory says about the image. The orientation is applied, because Pillow applies it to TIFF, and to
/// TIFF alone.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let directory = Directory::read(bytes)?;
    let side = |tag| u32::try_from(directory.number(tag)?).ok();
    let (width, height) = (side(Tag::Width)?, side(Tag::Height)?);
    let (width, height) =
        if orientation::swaps(orientation(&directory)) { (height, width) } else { (width, height) };
    let deep = directory.number(Tag::Depths).is_some_and(|depth| depth > 8);
    Some(Header { width, height, rotated: false, deep })
}

fn orientation(directory: &Directory<'_>) -> u64 {
    directory.number(Tag::Orientation).unwrap_or(1)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    let directory = Directory::read(bytes).ok_or(damaged("the directory is cut off"))?;
    let side = |tag| directory.number(tag).map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let (Some(width), Some(height)) = (side(Tag::Width), side(Tag::Height)) else {
        return Err(damaged("the image has no size"));
    };
    let kind = Kind::read(&directory)?;
    check_size(width, height, (kind.samples * kind.depth).div_ceil(8))?;
    let (width, height) = (width as usize, height as usize);
    let Kind { samples, depth, photometric, .. } = kind;
    let packed = Storage { directory: &directory, width, height, samples, depth, photometric }.read()?;
    let image = kind.native(&directory, width, height, packed)?;
    Ok(orientation::applied(image, orientation(&directory)))
}

/// What a pixel consists of.
struct Kind {
    photometric: Photometric,
    samples: usize,
    depth: usize,
    /// What the first sample after the colours means: 1 is alpha by which the colours have been multiplied.
    extra: Option<u64>,
}

impl Kind {
    fn read(directory: &Directory<'_>) -> Result<Self, DecodeError> {
        let photometric = match directory.number(Tag::Photometric).unwrap_or(0) {
            0 => Photometric::WhiteIsZero,
            1 => Photometric::BlackIsZero,
            2 => Photometric::Rgb,
            3 => Photometric::Palette,
            5 => Photometric::Cmyk,
            6 => Photometric::YCbCr,
            _ => return Err(unsupported("colours other than gray, RGB, CMYK, YCbCr and palettes")),
        };
        if directory.numbers(Tag::SampleFormat).iter().any(|&format| format != 1) {
            return Err(unsupported("samples that are not unsigned integers"));
        }
        let samples = directory.number(Tag::Samples).unwrap_or(1) as usize;
        let depths = directory.numbers(Tag::Depths);
        let depth = depths.first().copied().unwrap_or(1);
        if depths.iter().any(|&other| other != depth) || !matches!(depth, 1 | 2 | 4 | 8 | 16) {
            return Err(unsupported("samples of other than 1, 2, 4, 8 or 16 bits"));
        }
        let extra = directory.numbers(Tag::ExtraSamples).first().copied();
        let kind = Self { photometric, samples, depth: depth as usize, extra };
        if kind.is_usual() { Ok(kind) } else { Err(unsupported("an unusual number or depth of samples")) }
    }

    fn is_usual(&self) -> bool {
        match (self.photometric, self.samples) {
            (Photometric::WhiteIsZero | Photometric::Palette, 1) => self.depth <= 8,
            (Photometric::BlackIsZero, 1) => true,
            (Photometric::BlackIsZero, 2) => self.depth == 8 && self.extra == Some(2),
            (Photometric::Rgb, 3..=6) => self.depth >= 8,
            (Photometric::Cmyk, 4..=6) => self.depth >= 8,
            (Photometric::YCbCr, 3) => self.depth == 8,
            _ => false,
        }
    }

    fn native(
        &self,
        directory: &Directory<'_>,
        width: usize,
        height: usize,
        packed: Vec<u8>,
    ) -> Result<Native, DecodeError> {
        if self.depth == 16 && self.samples == 1 {
            let samples =
                packed.chunks_exact(2).filter_map(|sample| directory.order.u16(sample, 0)).collect();
            return Ok(Native::Deep(Raster { width, height, channels: 1, samples }));
        }
        let channels = self.samples;
        let mut raster = Raster { width, height, channels, samples: self.bytes(directory, width, packed) };
        let mode = self.mode(directory)?;
        match (self.photometric, &mode) {
            (Photometric::Rgb, Mode::Rgb) => raster = first_samples::<3>(&raster),
            (Photometric::Rgb, Mode::Rgba) => raster = first_samples::<4>(&raster),
            (Photometric::Cmyk, _) => raster = first_samples::<4>(&raster),
            (Photometric::WhiteIsZero, _) => raster.samples.iter_mut().for_each(|sample| *sample = !*sample),
            (Photometric::YCbCr, _) if directory.number(Tag::Compression) != Some(7) => {
                return Err(unsupported("YCbCr without JPEG compression"));
            }
            _ => {}
        }
        if (self.photometric, self.extra) == (Photometric::Rgb, Some(1)) {
            raster = raster.map_pixels(|pixel: [u8; 4]| if pixel[3] == 0 { [0; 4] } else { divided(pixel) });
        }
        Ok(Native::Bytes { mode, raster, key: None })
    }

    /// Returns one byte for each sample: the high one of two, or bits that are spread over all levels.
    fn bytes(&self, directory: &Directory<'_>, width: usize, packed: Vec<u8>) -> Vec<u8> {
        match self.depth {
            8 => packed,
            16 => packed
                .chunks_exact(2)
                .filter_map(|sample| Some((directory.order.u16(sample, 0)? >> 8) as u8))
                .collect(),
            depth => {
                let lines = packed.chunks_exact((width * depth).div_ceil(8));
                let step =
                    if self.photometric == Photometric::Palette { 1 } else { 255 / ((1 << depth) - 1) };
                lines
                    .flat_map(|line| unpacked(line, depth).take(width))
                    .map(|sample| sample * step as u8)
                    .collect()
            }
        }
    }

    fn mode(&self, directory: &Directory<'_>) -> Result<Mode, DecodeError> {
        Ok(match (self.photometric, self.samples) {
            (Photometric::WhiteIsZero | Photometric::BlackIsZero, 1) if self.depth == 1 => Mode::Bilevel,
            (Photometric::BlackIsZero, 2) => Mode::GrayAlpha,
            (Photometric::WhiteIsZero | Photometric::BlackIsZero, _) => Mode::Gray,
            (Photometric::Palette, _) => Mode::Palette(Box::new(self.palette(directory)?)),
            (Photometric::Cmyk, _) => Mode::Cmyk,
            // Without a word about it, a fourth sample is alpha.
            (Photometric::Rgb, 4..) if self.extra != Some(0) => Mode::Rgba,
            (Photometric::Rgb | Photometric::YCbCr, _) => Mode::Rgb,
        })
    }

    /// Reads the palette: all values of red, then of green, then of blue, in 16 bits.
    fn palette(&self, directory: &Directory<'_>) -> Result<Palette, DecodeError> {
        let values = directory.numbers(Tag::ColourMap);
        let colours = 1 << self.depth;
        if values.len() < 3 * colours {
            return Err(damaged("the palette is cut off"));
        }
        let value = |at: usize| (values[at] / 256) as u8;
        let mut palette = [[0, 0, 0, 255]; 256];
        for (index, entry) in palette.iter_mut().take(colours).enumerate() {
            *entry = [value(index), value(colours + index), value(2 * colours + index), 255];
        }
        Ok(palette)
    }
}

/// Keeps the first samples of every pixel.
fn first_samples<const KEPT: usize>(raster: &Raster) -> Raster {
    let pixels = raster.samples.chunks_exact(raster.channels);
    let samples = pixels.flat_map(|pixel| &pixel[..KEPT]).copied().collect();
    Raster { width: raster.width, height: raster.height, channels: KEPT, samples }
}
