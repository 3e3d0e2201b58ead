//! Writes a report of invented runs, to look at it without training anything:
//! `cargo run --release -p cliptune-report --example preview -- FOLDER`. With `hostile` behind the folder, strangers have written
//! what they can into it.

#![allow(clippy::unwrap_used, reason = "the invented values are possible ones")]

mod synthetic;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: preview FOLDER [hostile]")?;
    fs_err::create_dir_all(&folder)?;
    let is_hostile = std::env::args().nth(2).is_some_and(|word| word == "hostile");
    let data = if is_hostile { synthetic::hostile::hostile() } else { synthetic::report() };
    for file in cliptune_report::render::render(&data)? {
        fs_err::write(Path::new(&folder).join(&file.name), &file.bytes)?;
    }
    Ok(())
}
