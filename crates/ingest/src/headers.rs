//! A look at every image.

use cliptune_clip::image::inspect;
use cliptune_store::ImageFile;
use rayon::prelude::*;

/// Width and height in pixels, or why the image cannot be used.
pub(crate) type Header = Result<(u32, u32), String>;

/// Looks at every image, in parallel and in order.
///
/// By the decoder that training and scoring use, and through the whole file: a header alone does not tell that the
/// rest is cut off, and an image that breaks at the first epoch is a crash where a reject was promised.
pub(crate) fn headers(images: &[ImageFile], on_image: &(dyn Fn() + Sync)) -> Vec<Header> {
    let look = |image: &ImageFile| {
        let bytes = fs_err::read(&image.path).map_err(|error| error.to_string());
        let header = bytes.and_then(|bytes| inspect(&bytes).map_err(|error| error.to_string()));
        on_image();
        header
    };
    images.par_iter().map(look).collect()
}
