//! Making an image of any shape square.

use super::resample::Target;

/// How an image is made square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fit {
    /// The shorter side is resized to the size, the longer one is cropped at both ends: what CLIP does.
    Crop,
    /// The longer side is resized to the size, the rest is filled with white ([`PAD_VALUE`]).
    Pad,
    /// Both sides are resized to the size, whatever the aspect.
    Squash,
}

/// What [`Fit::Pad`] fills with, in every channel: white.
///
/// open_clip's `resize_mode: longest` fills with black, which draws two hard edges beside a drawing on white
/// paper; on photographs neither is better.
pub const PAD_VALUE: u8 = 255;

/// Where an image goes: resized to a target, which is placed at an offset in the square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) target: Target,
    pub(super) left: usize,
    pub(super) top: usize,
}

impl Fit {
    /// Places an image of `width × height` pixels in a square of `size`; all three are at least 1.
    pub(super) fn place(self, width: usize, height: usize, size: usize) -> Placement {
        match self {
            Self::Crop => crop(width, height, size),
            Self::Pad => pad(width, height, size),
            Self::Squash => placed(size, size, 0..size, 0..size, size),
        }
    }
}

/// The longer side is rounded down, as torchvision and transformers do (`int(size * long / short)`).
///
/// The crop starts at half the excess rounded down, as in transformers (`(height - size) // 2`). torchvision, and so
/// OpenAI's and open_clip's transforms, rounds to the even neighbour: when the excess is 3, 7, 11 … their crop is one
/// pixel further.
fn crop(width: usize, height: usize, size: usize) -> Placement {
    let short = width.min(height);
    let (width, height) = (width * size / short, height * size / short);
    let (left, top) = ((width - size) / 2, (height - size) / 2);
    placed(width, height, left..left + size, top..top + size, size)
}

/// The shorter side is rounded to the nearest pixel, at least one, and centred.
fn pad(width: usize, height: usize, size: usize) -> Placement {
    let long = width.max(height);
    let scaled = |side: usize| ((2 * side * size + long) / (2 * long)).max(1);
    let (width, height) = (scaled(width), scaled(height));
    placed(width, height, 0..width, 0..height, size)
}

fn placed(
    width: usize,
    height: usize,
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
    size: usize,
) -> Placement {
    let (left, top) = ((size - columns.len()) / 2, (size - rows.len()) / 2);
    Placement { target: Target { width, height, columns, rows }, left, top }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crop_keeps_the_middle_of_the_longer_side() {
        let placement = Fit::Crop.place(600, 450, 224);
        let expected = Target { width: 298, height: 224, columns: 37..261, rows: 0..224 };
        assert_eq!(placement, Placement { target: expected, left: 0, top: 0 });
        assert_eq!(Fit::Crop.place(450, 600, 224).target.rows, 37..261);
        // An excess of 3: transformers starts at 1 (torchvision would at 2).
        assert_eq!(Fit::Crop.place(227, 224, 224).target.columns, 1..225);
    }

    #[test]
    fn pad_centres_the_whole_image() {
        let placement = Fit::Pad.place(600, 450, 224);
        let expected = Target { width: 224, height: 168, columns: 0..224, rows: 0..168 };
        assert_eq!(placement, Placement { target: expected, left: 0, top: 28 });
        assert_eq!(Fit::Pad.place(1, 9_000, 224).target.columns, 0..1);
    }

    #[test]
    fn a_square_fits_itself_in_every_way() {
        for fit in [Fit::Crop, Fit::Pad, Fit::Squash] {
            let target = Target { width: 32, height: 32, columns: 0..32, rows: 0..32 };
            assert_eq!(fit.place(100, 100, 32), Placement { target, left: 0, top: 0 });
        }
    }
}
