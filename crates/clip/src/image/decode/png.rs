//! Decodes PNG images without the conversions that decoders offer, because palettes and 16-bit samples are treated as
//! Pillow treats them.

use std::io::Cursor;

use ::png::{BitDepth, ColorType, Decoder, Info, Limits, Transformations};

use super::super::error::DecodeError;
use super::super::native::{Mode, Native, Palette};
use super::super::raster::Raster;
use super::bytes::unpacked;
use super::{LARGEST_IMAGE, check_size};

pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: LARGEST_IMAGE as usize });
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info()?;
    let info = reader.info();
    let depth = info.bit_depth as usize;
    check_size(info.width, info.height, (info.color_type.samples() * depth).div_ceil(8))?;
    let mut packed = vec![
        0;
        reader
            .output_buffer_size()
            .ok_or(DecodeError::TooLarge { width: info.width, height: info.height })?
    ];
    let line_size = reader.next_frame(&mut packed)?.line_size;

    let info = reader.info();
    let channels = info.color_type.samples();
    let (width, height) = (info.width as usize, info.height as usize);
    if (info.color_type, info.bit_depth) == (ColorType::Grayscale, BitDepth::Sixteen) {
        let samples = packed.as_chunks().0.iter().map(|&sample| u16::from_be_bytes(sample)).collect();
        return Ok(Native::Deep(Raster { width, height, channels, samples }));
    }
    let mut samples = match depth {
        8 => packed,
        16 => packed.iter().step_by(2).copied().collect(),
        _ => packed.chunks_exact(line_size).flat_map(|line| unpacked(line, depth).take(width)).collect(),
    };
    if info.color_type == ColorType::Grayscale {
        let white = (1 << depth) - 1;
        let step = (255 / white) as u8;
        samples.iter_mut().for_each(|sample| *sample *= step);
    }
    Ok(Native::Bytes {
        mode: mode(info),
        raster: Raster { width, height, channels, samples },
        key: key(info),
    })
}

fn mode(info: &Info) -> Mode {
    match (info.color_type, info.bit_depth) {
        (ColorType::Grayscale, BitDepth::One) => Mode::Bilevel,
        (ColorType::Grayscale, _) => Mode::Gray,
        (ColorType::GrayscaleAlpha, _) => Mode::GrayAlpha,
        (ColorType::Rgb, _) => Mode::Rgb,
        (ColorType::Rgba, _) => Mode::Rgba,
        (ColorType::Indexed, _) => Mode::Palette(Box::new(palette(info))),
    }
}

/// Reads the palette. Indices without a colour in the file become black, and those without an alpha value become
/// opaque.
fn palette(info: &Info) -> Palette {
    let mut palette = [[0, 0, 0, 255]; 256];
    let colours = info.palette.as_deref().unwrap_or_default().as_chunks::<3>().0;
    for (entry, &[r, g, b]) in palette.iter_mut().zip(colours) {
        *entry = [r, g, b, 255];
    }
    for (entry, &alpha) in palette.iter_mut().zip(info.trns.as_deref().unwrap_or_default()) {
        entry[3] = alpha;
    }
    palette
}

/// Returns the transparent colour of an image without alpha, as Pillow compares it: the low byte of the value in the
/// file, regardless of how the samples were scaled to 8 bits.
fn key(info: &Info) -> Option<[u8; 3]> {
    let wide = usize::from(info.bit_depth == BitDepth::Sixteen);
    let low = |at: usize| info.trns.as_deref()?.get((at << wide) + wide).copied();
    match (info.color_type, info.bit_depth) {
        (ColorType::Grayscale, BitDepth::One) => low(0).map(|level| [if level == 0 { 0 } else { 255 }; 3]),
        (ColorType::Grayscale, _) => low(0).map(|level| [level; 3]),
        (ColorType::Rgb, _) => Some([low(0)?, low(1)?, low(2)?]),
        _ => None,
    }
}
