//! Draws a store for `scripts/bench store`: `draw-store STORE RUNS EVENTS`.
//!
//! Every twentieth run has its own log and scores; the others have copies, because what is measured is reading them.

#![expect(clippy::unwrap_used, reason = "a store that cannot be drawn is not measured")]

#[path = "../tests/it/drawn.rs"]
mod drawn;

use std::path::{Path, PathBuf};

use cliptune_experiment::Split;
use cliptune_store::{Outcome, Run, Store};
use fs_err as fs;

/// The number of experiments.
const EXPERIMENTS: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, runs, events] = arguments.as_slice() else { panic!("draw-store STORE RUNS EVENTS") };
    let (runs, events): (usize, usize) = (runs.parse().unwrap(), events.parse().unwrap());
    fs::create_dir_all(store).unwrap();
    let store = Store::open(Path::new(store)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut original: Option<Run> = None;
    for number in 0..runs {
        let name = format!("experiment-{}", number % EXPERIMENTS);
        let plans = drawn::plans(folder.path(), &name);
        let plan = &plans[number / EXPERIMENTS % plans.len()];
        let run = drawn::run(&store, plan, number, Some(Outcome::Done { best_epoch: 2 }));
        match &original {
            Some(original) if number % 20 != 0 => copy(original, &run),
            _ => {
                drawn::log(&run, events);
                for split in [Split::Validation, Split::Test] {
                    drawn::score(&run, split, (number as f64).sin().abs());
                }
                original = Some(run);
            }
        }
    }
}

/// Copies what lies beside the record of one run to another.
fn copy(from: &Run, to: &Run) {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.folder().join(&folder)).unwrap();
        for entry in fs::read_dir(from.folder().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let below = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(below),
                false if below == Path::new("run.json") => {}
                false => drop(fs::copy(entry.path(), to.folder().join(below)).unwrap()),
            }
        }
    }
}
