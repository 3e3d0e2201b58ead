//! Writes a report of invented runs, to look at it without training anything:
//! `cargo run -p cliptune-report --example preview -- FOLDER`. With `hostile` behind the folder, strangers have written
//! what they can into it; with a number, it is of so many experiments.

#![allow(clippy::unwrap_used, reason = "the invented values are possible ones")]

mod synthetic;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: preview FOLDER [hostile | COUNT]")?;
    fs_err::create_dir_all(&folder)?;
    let data = match std::env::args().nth(2).as_deref() {
        Some("hostile") => synthetic::hostile::hostile(),
        Some(count) => synthetic::many::many(count.parse()?),
        None => synthetic::report(),
    };
    for file in cliptune_report::render::render(&data)? {
        fs_err::write(Path::new(&folder).join(&file.name), &file.bytes)?;
    }
    Ok(())
}
