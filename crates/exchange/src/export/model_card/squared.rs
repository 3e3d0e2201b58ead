//! Code that pads images to squares.

use cliptune_clip::image::{Fit, Preprocessor};

/// What Python needs so that images are padded before the processor of transformers sees them, which refuses to do so. It is
/// nothing for a model whose images are not padded.
#[derive(Debug, Default)]
pub(super) struct Squared {
    /// What is imported beside `Image`.
    pub(super) import: &'static str,
    /// What follows the line that opens the image.
    pub(super) lines: String,
    /// The argument of the processor.
    pub(super) argument: &'static str,
}

impl Squared {
    /// Returns what a model with this preprocessing needs.
    pub(super) fn of(preprocessor: Option<&Preprocessor>) -> Self {
        match preprocessor {
            Some(Preprocessor { fit: Fit::Pad, size, fill, resample, .. }) => Self {
                import: ", ImageOps",
                lines: lines(*size, *fill, &resample.as_str().to_uppercase()),
                argument: ", do_resize=False",
            },
            _ => Self::default(),
        }
    }
}

fn lines(size: u32, fill: u8, filter: &str) -> String {
    format!(
        "\nimage = ImageOps.contain(image, ({size}, {size}), method=Image.Resampling.{filter})\n\
         square = Image.new(\"RGB\", ({size}, {size}), ({fill}, {fill}, {fill}))\n\
         square.paste(image, (({size} - image.width) // 2, ({size} - image.height) // 2))\n\
         image = square"
    )
}
