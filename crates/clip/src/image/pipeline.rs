//! Defines the two ways in which images are prepared for CLIP checkpoints.

/// The implementation whose preprocessing is followed, to the bit.
///
/// A checkpoint belongs to the implementation that it was published for, and the two differ in several details. Each
/// detail is small, but a score that is compared with a published one should not depend on it.
///
/// | | [`Transformers`](Self::Transformers) | [`Torchvision`](Self::Torchvision) |
/// |---|---|---|
/// | conversion to RGB | before resizing | after resizing, cropping and padding |
/// | transparency | laid on white | dropped, after a resize that respects it |
/// | palettes, bilevel images | converted, then interpolated | nearest neighbour |
/// | centre crop | excess halved, rounded down | excess halved, rounded to even |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pipeline {
    /// transformers' `CLIPImageProcessor` with `backend="pil"`, for checkpoints with a `preprocessor_config.json`.
    Transformers,
    /// OpenAI's and open_clip's torchvision transforms on PIL images, for checkpoints with an `open_clip_config.json`.
    Torchvision,
}

impl Pipeline {
    /// Returns the name: `transformers` or `torchvision`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transformers => "transformers",
            Self::Torchvision => "torchvision",
        }
    }

    /// Returns how many of `excess` pixels a centre crop removes at the left or top.
    ///
    /// This is `excess // 2`, or `int(round(excess / 2))`, which is one more for 3, 7, 11 …
    pub(super) fn crop_start(self, excess: usize) -> usize {
        match self {
            Self::Torchvision if excess % 4 == 3 => excess / 2 + 1,
            Self::Transformers | Self::Torchvision => excess / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crops_differ_when_the_excess_is_3_7_11() {
        let starts = |pipeline: Pipeline| (0..12).map(move |excess| pipeline.crop_start(excess));
        assert!(starts(Pipeline::Transformers).eq([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]));
        // Python: [int(round(n / 2.0)) for n in range(12)]
        assert!(starts(Pipeline::Torchvision).eq([0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6]));
    }
}
