//! Represents an image as its file stores it, and converts it as Pillow does.

use super::coefficients::Resample;
use super::fit::Placement;
use super::nearest::pick;
use super::raster::Raster;
use super::resample::{Target, resize};
use super::resample_deep::resize_deep;

/// A decoded image before any conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Native {
    /// An image with 8 bits per sample.
    Bytes {
        /// The meaning of the samples.
        mode: Mode,
        /// The samples.
        raster: Raster,
        /// The colour that stands for transparency, which is compared before resizing.
        key: Option<[u8; 3]>,
    },
    /// A gray image with 16 bits per sample, which is Pillow's mode `I;16`.
    Deep(Raster<u16>),
}

/// The meaning of 8-bit samples, under Pillow's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Pillow's `L`.
    Gray,
    /// Pillow's `LA`.
    GrayAlpha,
    /// Pillow's `RGB`.
    Rgb,
    /// Pillow's `RGBA`.
    Rgba,
    /// Pillow's `CMYK`, where 0 means no ink.
    Cmyk,
    /// Pillow's `1`, stored as 0 and 255.
    Bilevel,
    /// Pillow's `P`, where samples are indices into a palette.
    Palette(Box<Palette>),
}

/// The RGBA colours of all indices.
pub(super) type Palette = [[u8; 4]; 256];

impl Native {
    /// Returns the width and height in pixels.
    pub(super) fn size(&self) -> (usize, usize) {
        match self {
            Self::Bytes { raster, .. } => (raster.width, raster.height),
            Self::Deep(raster) => (raster.width, raster.height),
        }
    }

    /// Converts to gray or RGB and lays transparent pixels on white, like transformers' `convert_to_rgb`.
    pub(super) fn on_white(self) -> Raster {
        match self {
            Self::Bytes { mode: Mode::GrayAlpha, raster, .. } => {
                raster.map_pixels(|[gray, a]| [over_white(gray, a)])
            }
            Self::Bytes { mode: Mode::Rgba, raster, .. } => raster.map_pixels(rgba_over_white),
            Self::Bytes { mode: Mode::Palette(palette), raster, .. } => {
                let colours = palette.map(rgba_over_white);
                raster.map_pixels(|[index]| colours[usize::from(index)])
            }
            Self::Bytes { mode: Mode::Rgb, raster, key: Some(key) } => {
                raster.map_pixels(|pixel| if pixel == key { [255; 3] } else { pixel })
            }
            Self::Bytes { mode: Mode::Gray | Mode::Bilevel, raster, key: Some([key, ..]) } => {
                raster.map_pixels(|[gray]| if gray == key { [255] } else { [gray] })
            }
            opaque => opaque.opaque(),
        }
    }

    /// Returns the image as RGBA, if its pixels can be transparent.
    pub(super) fn with_alpha(self) -> Option<Raster> {
        Some(match self {
            Self::Bytes { mode: Mode::GrayAlpha, raster, .. } => {
                raster.map_pixels(|[gray, a]| [gray, gray, gray, a])
            }
            Self::Bytes { mode: Mode::Rgba, raster, .. } => raster,
            Self::Bytes { mode: Mode::Palette(palette), raster, .. } => {
                raster.map_pixels(|[index]| palette[usize::from(index)])
            }
            Self::Bytes { mode: Mode::Rgb, raster, key: Some(key) } => {
                raster.map_pixels(|[r, g, b]| [r, g, b, if [r, g, b] == key { 0 } else { 255 }])
            }
            Self::Bytes { mode: Mode::Gray | Mode::Bilevel, raster, key: Some([key, ..]) } => {
                raster.map_pixels(|[gray]| [gray, gray, gray, if gray == key { 0 } else { 255 }])
            }
            _ => return None,
        })
    }

    /// Converts to gray or RGB and ignores transparency, like Pillow's `convert("RGB")`.
    pub(super) fn opaque(self) -> Raster {
        match self {
            Self::Bytes { mode: Mode::Gray | Mode::Bilevel | Mode::Rgb, raster, .. } => raster,
            Self::Bytes { mode: Mode::GrayAlpha, raster, .. } => raster.map_pixels(|[gray, _]| [gray]),
            Self::Bytes { mode: Mode::Rgba, raster, .. } => raster.map_pixels(|[r, g, b, _]| [r, g, b]),
            Self::Bytes { mode: Mode::Cmyk, raster, .. } => raster.map_pixels(without_inks),
            Self::Bytes { mode: Mode::Palette(palette), raster, .. } => raster.map_pixels(|[index]| {
                let [r, g, b, _] = palette[usize::from(index)];
                [r, g, b]
            }),
            // Values of 16 bits are clipped, not scaled: everything brighter than 255 of 65 535 becomes white.
            Self::Deep(raster) => raster.map_pixels(|[gray]| [gray.min(255) as u8]),
        }
    }

    /// Resizes like Pillow's `resize`, which depends on the mode: palettes and bilevel images are not interpolated, and
    /// colours under transparent pixels do not bleed into their neighbours.
    pub(super) fn resize(self, target: &Target, filter: Resample) -> Self {
        let unchanged = self.size() == (target.width, target.height);
        match self {
            Self::Deep(raster) => Self::Deep(resize_deep(&raster, target, filter)),
            Self::Bytes { mode, raster, key } => {
                let raster = match mode {
                    Mode::Palette(_) | Mode::Bilevel => pick(&raster, target),
                    Mode::GrayAlpha if !unchanged => {
                        resize(&raster.map_pixels(premultiplied::<2>), target, filter)
                            .map_pixels(divided::<2>)
                    }
                    Mode::Rgba if !unchanged => {
                        resize(&raster.map_pixels(premultiplied::<4>), target, filter)
                            .map_pixels(divided::<4>)
                    }
                    _ => resize(&raster, target, filter),
                };
                Self::Bytes { mode, raster, key }
            }
        }
    }

    /// Puts the image on a square that is filled with `fill` in every channel.
    pub(super) fn on_canvas(self, placement: &Placement, size: usize, fill: u8) -> Self {
        match self {
            Self::Deep(raster) => Self::Deep(raster.on_canvas(placement, size, fill.into())),
            Self::Bytes { mode, raster, key } => {
                let fill = if mode == Mode::Bilevel && fill > 0 { 255 } else { fill };
                Self::Bytes { mode, raster: raster.on_canvas(placement, size, fill), key }
            }
        }
    }
}

fn rgba_over_white([r, g, b, a]: [u8; 4]) -> [u8; 3] {
    [r, g, b].map(|value| over_white(value, a))
}

/// Lays a value over white and rounds to the nearest. For all 65 536 cases, the result is that of Pillow's
/// `alpha_composite`.
fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((2 * (value * alpha + 255 * (255 - alpha)) + 255) / 510) as u8
}

/// Computes `a × b / 255`, rounded to the nearest.
fn multiplied(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    ((product + (product >> 8)) >> 8) as u8
}

/// Multiplies all channels by the last one, which is alpha.
pub(super) fn premultiplied<const CHANNELS: usize>(pixel: [u8; CHANNELS]) -> [u8; CHANNELS] {
    let alpha = pixel[CHANNELS - 1];
    std::array::from_fn(|at| if at + 1 < CHANNELS { multiplied(pixel[at], alpha) } else { alpha })
}

/// Undoes [`premultiplied`] and rounds down.
pub(super) fn divided<const CHANNELS: usize>(pixel: [u8; CHANNELS]) -> [u8; CHANNELS] {
    let alpha = pixel[CHANNELS - 1];
    if matches!(alpha, 0 | 255) {
        return pixel;
    }
    let divide = |value: u8| (255 * u32::from(value) / u32::from(alpha)).min(255) as u8;
    std::array::from_fn(|at| if at + 1 < CHANNELS { divide(pixel[at]) } else { alpha })
}

/// Converts CMYK to RGB without a colour profile.
fn without_inks([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let white = 255 - k;
    [c, m, y].map(|ink| white - multiplied(ink, white))
}
