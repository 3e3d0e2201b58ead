//! Times decoding, resizing and normalising: the counterpart of `scripts/bench-images`, which drives it.
//!
//! Arguments are image files. For every line on standard input all of them are preprocessed once, on one thread,
//! and the seconds that took are printed.

#![expect(clippy::print_stdout, reason = "the times are the output")]

use std::error::Error;
use std::hint::black_box;
use std::io;
use std::time::Instant;

use cliptune_clip::image::{Fit, Preprocessor};

fn main() -> Result<(), Box<dyn Error>> {
    let images = std::env::args_os().skip(1).map(fs_err::read).collect::<Result<Vec<_>, _>>()?;
    let preprocessor = Preprocessor::openai(224, Fit::Crop);
    let mut input = vec![0.0; preprocessor.length()];
    for line in io::stdin().lines() {
        line?;
        let start = Instant::now();
        for image in &images {
            preprocessor.normalise(&preprocessor.decode(image)?, &mut input)?;
            black_box(&input);
        }
        println!("{}", start.elapsed().as_secs_f64());
    }
    Ok(())
}
