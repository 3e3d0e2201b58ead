//! Decodes JPEG images.
//!
//! A Rust port of libjpeg-turbo, which is the decoder behind Pillow, does the decoding, because decoders may differ:
//! one that transforms or enlarges subsampled chroma in another way is several levels off at coloured edges, and a
//! model's scores should not depend on that.

mod codes;
mod group;
mod lanes;
mod layout;
mod means;
mod scan;
mod steps;
mod walk;

use std::cell::RefCell;

use libjpeg_turbo_rs::{ColorSpace, ComponentInfo, DecodeLimits, Decoder, PixelFormat};

use super::super::error::DecodeError;
use super::super::native::{Mode, Native};
use super::super::raster::Raster;
use super::{LARGEST_IMAGE, LONGEST_SIDE, MOST_PIXELS, check_size};
use layout::Layout;

/// The largest number of scans in a progressive image. Encoders write about ten, and each one costs a pass over the
/// whole image.
const MOST_SCANS: usize = 200;

pub(super) fn decode(bytes: &[u8]) -> Result<Native, DecodeError> {
    let (decoder, mode, format) = open(bytes)?;
    let image = decoder.with_output_format(format).decode_image()?;
    if !is_complete(bytes) {
        return Err(DecodeError::Truncated);
    }
    let mut samples = image.data;
    if mode == Mode::Cmyk {
        // Adobe's programs store inks inverted, and Pillow assumes that all programs do.
        samples.iter_mut().for_each(|ink| *ink = !*ink);
    }
    let channels = format.bytes_per_pixel();
    Ok(Native::Bytes {
        mode,
        raster: Raster { width: image.width, height: image.height, channels, samples },
        key: None,
    })
}

/// What is known of an image whose pixels have not been computed.
pub(super) struct Checked {
    /// The width and the height.
    pub(super) size: (usize, usize),
    /// The brightness in an eighth of the size, unless the colours are stored in a way in which it does not show.
    pub(super) blocks: Option<Raster>,
}

/// Checks that [`decode`] accepts an image, without computing its pixels. Returns `None` if nothing but [`decode`] can
/// tell.
pub(super) fn check(bytes: &[u8]) -> Result<Option<Checked>, DecodeError> {
    let Some(layout) = Layout::read(bytes) else {
        open(bytes)?;
        return Ok(None);
    };
    let Accepted { size, has_brightness } = accepted(bytes, &layout)?;
    Ok(scan::check(&layout).map(|blocks| Checked { size, blocks: has_brightness.then_some(blocks) }))
}

/// What the headers of an image say that have been accepted.
#[derive(Clone, Copy)]
struct Accepted {
    /// The width and the height.
    size: (usize, usize),
    /// Whether the first component is the brightness.
    has_brightness: bool,
}

/// Checks the headers of an image, unless they are the same bytes as those that were accepted last: of an image with such
/// a layout, [`open`] reads nothing else.
fn accepted(bytes: &[u8], layout: &Layout<'_>) -> Result<Accepted, DecodeError> {
    /// The number of bytes of headers beyond which they are not kept.
    const MOST_HEADERS: usize = 1 << 16;
    thread_local! {
        static LATEST: RefCell<Option<(Vec<u8>, Accepted)>> = const { RefCell::new(None) };
    }
    let headers = &bytes[..bytes.len() - layout.data.len()];
    LATEST.with_borrow_mut(|latest| {
        if let Some((_, accepted)) = latest.as_ref().filter(|(known, _)| *known == *headers) {
            return Ok(*accepted);
        }
        let (decoder, ..) = open(bytes)?;
        let header = decoder.header();
        let size = (header.width.into(), header.height.into());
        let accepted = Accepted { size, has_brightness: decoder.jpeg_color_space() != ColorSpace::Rgb };
        *latest = (headers.len() <= MOST_HEADERS).then(|| (headers.to_vec(), accepted));
        Ok(accepted)
    })
}

/// Reads the headers and checks everything that they say.
fn open(bytes: &[u8]) -> Result<(Decoder<'_>, Mode, PixelFormat), DecodeError> {
    let limits = DecodeLimits {
        max_width: LONGEST_SIDE as usize,
        max_height: LONGEST_SIDE as usize,
        max_pixels: MOST_PIXELS,
        max_scans: MOST_SCANS,
        // The memory is for the image itself and for the planes or coefficients on the way there.
        max_memory: Some(4 * LARGEST_IMAGE),
    };
    let decoder = Decoder::new_with_limits(bytes, limits)?;
    let header = decoder.header();
    if header.precision != 8 {
        return Err(DecodeError::JpegPrecision(header.precision));
    }
    let (mode, format) = match (decoder.jpeg_color_space(), header.components.len()) {
        (ColorSpace::Grayscale, 1) => (Mode::Gray, PixelFormat::Grayscale),
        (ColorSpace::YCbCr | ColorSpace::Rgb, 3) => (Mode::Rgb, PixelFormat::Rgb),
        (ColorSpace::Cmyk | ColorSpace::Ycck, 4) => (Mode::Cmyk, PixelFormat::Cmyk),
        _ => return Err(DecodeError::JpegColours),
    };
    check_size(header.width.into(), header.height.into(), format.bytes_per_pixel())?;
    if !is_usual(&header.components) {
        return Err(DecodeError::JpegSampling);
    }
    Ok((decoder, mode, format))
}

/// Checks the sampling of the components: the second and third must be sampled alike, a whole number of times more
/// coarsely than the first, and the fourth as finely as the first.
///
/// All encoders write this. For four components that violate it, the decoder indexes out of bounds.
fn is_usual(components: &[ComponentInfo]) -> bool {
    let factors = |component: &ComponentInfo| (component.horizontal_sampling, component.vertical_sampling);
    let mut factors = components.iter().map(factors);
    let (Some(first), second, third, fourth) =
        (factors.next(), factors.next(), factors.next(), factors.next())
    else {
        return false;
    };
    let multiple = |first: u8, other: u8| first.checked_rem(other) == Some(0);
    second == third
        && fourth.is_none_or(|fourth| fourth == first)
        && second.is_none_or(|second| multiple(first.0, second.0) && multiple(first.1, second.1))
}

/// The code of the end-of-image marker.
const END: u8 = 0xD9;

/// Checks whether the markers lead to an end-of-image marker (ITU-T T.81, annex B).
///
/// The decoder accepts a file without one if all blocks are there. Pillow refuses such files, and so does this
/// function.
fn is_complete(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        match next_marker(rest) {
            None => return false,
            Some((END, _)) => return true,
            Some((marker, tail)) if has_segment(marker) => {
                let Some(after) = skip_segment(tail) else { return false };
                rest = after;
            }
            Some((_, tail)) => rest = tail,
        }
    }
}

/// Returns the code of the next marker and the bytes after it.
///
/// Entropy-coded data are skipped on the way: in them, 0xFF is followed by a stuffed zero. A 0xFF before another 0xFF
/// is a fill byte.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let at = bytes.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF))?;
    Some((bytes[at + 1], &bytes[at + 2..]))
}

/// Checks whether a length and contents follow the marker, which is not the case for start-of-image, restarts and TEM.
fn has_segment(marker: u8) -> bool {
    !matches!(marker, 0x01 | 0xD0..=0xD8)
}

/// Returns the bytes after a segment, whose length includes its own two bytes.
fn skip_segment(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    bytes.get(length.max(2)..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A start marker, an application segment that contains what looks like an end marker, a scan with a stuffed 0xFF,
    /// and an end marker.
    const WHOLE: [u8; 18] =
        [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0xFF, END, 0xFF, 0xDA, 0, 2, 7, 0xFF, 0x00, 8, 0xFF, END];

    #[test]
    fn headers_like_those_accepted_before_are_accepted_and_others_are_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/references/images/jpeg-rgb-420.jpg");
        let bytes = fs_err::read(path).unwrap();
        let size_of = |bytes: &[u8]| check(bytes).unwrap().map(|checked| checked.size);
        let size = size_of(&bytes);
        assert!(size.is_some());
        let mut damaged = bytes.clone();
        let length = damaged.len();
        damaged.truncate(length / 2);
        assert!(check(&damaged).unwrap().is_none());
        let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        let mut deep = bytes.clone();
        deep[frame + 4] = 12;
        assert!(check(&deep).is_err());
        let mut wide = bytes.clone();
        wide[frame + 8] += 1;
        assert_ne!(size_of(&wide), size);
        assert_eq!(size_of(&bytes), size);
    }

    #[test]
    fn only_a_whole_file_is_complete() {
        assert!(is_complete(&WHOLE));
        for length in 0..WHOLE.len() {
            assert!(!is_complete(&WHOLE[..length]), "{length}");
        }
    }
}
