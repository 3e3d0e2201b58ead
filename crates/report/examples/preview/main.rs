//! Writes a report of invented runs, to look at it without training anything:
//! `cargo run --release -p cliptune-report --example preview -- FOLDER`.

#![allow(clippy::unwrap_used, reason = "the invented values are possible ones")]

mod synthetic;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: preview FOLDER")?;
    fs_err::create_dir_all(&folder)?;
    for file in cliptune_report::render::render(&synthetic::report())? {
        fs_err::write(Path::new(&folder).join(&file.name), &file.bytes)?;
    }
    Ok(())
}
