//! `cargo run -p cliptune-hub --example fetch openai/clip-vit-base-patch32`: fetches a model, prints its folder.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example without a terminal's bars")]

use std::env;
use std::error::Error;

use cliptune_hub::{Event, Hub, HubId};

fn main() -> Result<(), Box<dyn Error>> {
    let id: HubId = env::args().nth(1).ok_or("the id of a model is missing")?.parse()?;
    let snapshot = Hub::from_env()?.fetch(&id, &|event: Event<'_>| match event {
        Event::Resolved { commit, files } => eprintln!("commit {commit}, {files} files"),
        Event::Downloading { file, done, total } => eprint!("\r{file}  {done} of {total} bytes"),
        Event::Downloaded { file } => eprintln!("\r{file}  done{:40}", ""),
        Event::Cached { file } => eprintln!("{file}  in the cache"),
        Event::Notice(notice) => eprintln!("\n{notice}"),
    })?;
    println!("{}", snapshot.folder.display());
    Ok(())
}
