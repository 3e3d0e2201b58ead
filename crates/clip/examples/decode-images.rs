//! Decodes square images without resizing them: the counterpart of `scripts/compare-images`, which drives it.
//!
//! Arguments are image files of one size, which comes first; each one's RGB bytes go into a file of its name and
//! `.rgb`.

use std::error::Error;
use std::path::Path;

use cliptune_clip::image::{Fit, Preprocessor};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let size = arguments
        .next()
        .and_then(|size| size.to_str()?.parse().ok())
        .ok_or("the first argument is the size")?;
    // Squashing a square to its own size changes nothing.
    let preprocessor = Preprocessor::openai(size, Fit::Squash);
    for file in arguments {
        let pixels = preprocessor.read(Path::new(&file))?;
        fs_err::write(Path::new(&file).with_added_extension("rgb"), &pixels)?;
    }
    Ok(())
}
