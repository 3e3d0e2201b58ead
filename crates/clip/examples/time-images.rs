//! Times what is done to images: the counterpart of `scripts/bench-images`, which drives it.
//!
//! The first argument is what to do, the others are image files. For every line on standard input it is done to all
//! of them once, on one thread, and the seconds that took are printed.

#![expect(clippy::print_stdout, reason = "the times are the output")]

use std::error::Error;
use std::hint::black_box;
use std::io;
use std::time::Instant;

use cliptune_clip::image::{Fit, Level, Preprocessor, inspect};

type Work = Box<dyn FnMut(&[u8]) -> Result<(), Box<dyn Error>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let mut work = work(&arguments.next().unwrap_or_default().to_string_lossy())?;
    let images = arguments.map(fs_err::read).collect::<Result<Vec<_>, _>>()?;
    for line in io::stdin().lines() {
        line?;
        let start = Instant::now();
        images.iter().try_for_each(|image| work(image))?;
        println!("{}", start.elapsed().as_secs_f64());
    }
    Ok(())
}

fn work(name: &str) -> Result<Work, Box<dyn Error>> {
    let look = |level| -> Work {
        Box::new(move |image| {
            black_box(inspect(image, level)?);
            Ok(())
        })
    };
    Ok(match name {
        "preprocess" => preprocess(),
        "verify" => look(Level::Whole),
        "hash" => look(Level::Hashed),
        "header" => look(Level::Header),
        _ => return Err("the first argument is preprocess, verify, hash or header".into()),
    })
}

/// Decodes, resizes and normalises.
fn preprocess() -> Work {
    let preprocessor = Preprocessor::openai(224, Fit::Crop);
    let mut input = vec![0.0; preprocessor.length()];
    Box::new(move |image| {
        preprocessor.normalise(&preprocessor.decode(image)?, &mut input)?;
        black_box(&input);
        Ok(())
    })
}
