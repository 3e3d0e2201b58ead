//! Makes an image of any shape square.

use super::pipeline::Pipeline;
use super::resample::Target;

/// How an image is made square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fit {
    /// The shorter side is resized to the size, and the longer one is cropped at both ends. This is what CLIP does.
    Crop,
    /// The longer side is resized to the size, and the rest is filled.
    Pad,
    /// Both sides are resized to the size, whatever the aspect ratio. This is what SigLIP does.
    Squash,
}

/// The placement of an image: it is resized to a target, which is put at an offset in the square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) target: Target,
    pub(super) left: usize,
    pub(super) top: usize,
}

impl Fit {
    /// Returns the name: `crop`, `pad` or `squash`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crop => "crop",
            Self::Pad => "pad",
            Self::Squash => "squash",
        }
    }

    /// Places an image of `width × height` pixels in a square of `size`; all three are at least 1.
    pub(super) fn place(self, width: usize, height: usize, size: usize, pipeline: Pipeline) -> Placement {
        match self {
            Self::Crop => crop(width, height, size, pipeline),
            Self::Pad => pad(width, height, size),
            Self::Squash => placed(size, size, 0..size, 0..size, size),
        }
    }
}

/// Places an image by cropping. The longer side is rounded down, as in torchvision and transformers
/// (`int(size * long / short)`).
fn crop(width: usize, height: usize, size: usize, pipeline: Pipeline) -> Placement {
    let short = width.min(height);
    let (width, height) = (width * size / short, height * size / short);
    let (left, top) = (pipeline.crop_start(width - size), pipeline.crop_start(height - size));
    placed(width, height, left..left + size, top..top + size, size)
}

/// Places an image by padding. The shorter side is rounded to the nearest pixel, halves to even, as in open_clip
/// (`round(short / (long / size))`). It is at least 1, where open_clip fails. An odd pixel goes to the right or the
/// bottom.
fn pad(width: usize, height: usize, size: usize) -> Placement {
    let ratio = width.max(height) as f64 / size as f64;
    let scaled = |side: usize| ((side as f64 / ratio).round_ties_even() as usize).clamp(1, size);
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
        let placement = Fit::Crop.place(600, 450, 224, Pipeline::Transformers);
        let expected = Target { width: 298, height: 224, columns: 37..261, rows: 0..224 };
        assert_eq!(placement, Placement { target: expected, left: 0, top: 0 });
        assert_eq!(Fit::Crop.place(450, 600, 224, Pipeline::Transformers).target.rows, 37..261);
        // The excess is 3 pixels.
        assert_eq!(Fit::Crop.place(227, 224, 224, Pipeline::Transformers).target.columns, 1..225);
        assert_eq!(Fit::Crop.place(227, 224, 224, Pipeline::Torchvision).target.columns, 2..226);
    }

    #[test]
    fn pad_centres_the_whole_image() {
        let placement = Fit::Pad.place(600, 450, 224, Pipeline::Torchvision);
        let expected = Target { width: 224, height: 168, columns: 0..224, rows: 0..168 };
        assert_eq!(placement, Placement { target: expected, left: 0, top: 28 });
        assert_eq!(Fit::Pad.place(1, 9_000, 224, Pipeline::Torchvision).target.columns, 0..1);
    }

    #[test]
    fn a_square_fits_itself_in_every_way() {
        for fit in [Fit::Crop, Fit::Pad, Fit::Squash] {
            let target = Target { width: 32, height: 32, columns: 0..32, rows: 0..32 };
            assert_eq!(
                fit.place(100, 100, 32, Pipeline::Transformers),
                Placement { target, left: 0, top: 0 }
            );
        }
    }
}
