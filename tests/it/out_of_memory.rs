//! One process of several whose memory runs out in a step: all end with one message, and nothing is lost.

use std::fmt::Write as _;

use fs_err as fs;
use image::{Rgb, RgbImage};
use rustix::process::Signal;

use crate::distributed::{BASE, assert_told_once, logged, wait_for_steps};
use crate::support::{TestContext, Together};

/// The number of pictures, which many captions share.
const PICTURES: usize = 20;
/// What a process may take beyond what it has when it looks for the others. Before its first step it takes about half of this.
const ROOM: u64 = 112 << 20;
/// A training each of whose steps begins to encode the texts with a tensor that has no room there: 640 texts of each of two
/// processes, 256 tokens, a width of 128, 4 bytes. Whatever else is allocated until then is far smaller, so that it is libtorch that is
/// refused memory and not something that would abort.
const LONG_TEXTS: &str = "\
name: base
data:
  images: ../pictures
  metadata: ../pictures.csv
  join: { image: name, metadata: file }
  columns: { text: caption }
  split: { by: row, train: 0.9, validation: 0.05, test: 0.05, seed: 0 }
model:
  from: scratch
  architecture:
    image_size: 32
    patch_size: 16
    vision: { width: 8, layers: 1, heads: 1 }
    text: { width: 128, layers: 1, heads: 1 }
    context_length: 256
    vocab_size: 560
    projection_dim: 8
train:
  objective: contrastive
  epochs: 100
  batch_size: 1280
  optimizer: { name: adamw, lr: 1e-3 }
seeds: [0]
";

/// Draws the pictures, and gives each of them many long captions.
fn with_long_texts() -> TestContext {
    let context = TestContext::empty();
    fs::create_dir_all(context.path("pictures")).unwrap();
    for number in 0..PICTURES {
        let picture = RgbImage::from_fn(32, 32, |x, y| Rgb([12 * number as u8, 8 * x as u8, 8 * y as u8]));
        picture.save(context.path(&format!("pictures/{number}.png"))).unwrap();
    }
    let mut table = "file,caption\n".to_owned();
    for number in 0..1500 {
        writeln!(table, "{}.png,caption {number}{}", number % PICTURES, " more".repeat(260)).unwrap();
    }
    context.write("pictures.csv", &table);
    context.write(BASE, LONG_TEXTS);
    context.cliptune(&format!("ingest {BASE}")).succeeded();
    context
}

/// Trains for at least one more step on two processes, stops them, and returns after how many.
fn trained_further(context: &TestContext) -> usize {
    let before = context.runs("base").pop().map_or(0, |run| logged(&run).0.len());
    let processes = Together::start(context, 2, BASE);
    wait_for_steps(context, before + 1);
    processes.send(1, Signal::TERM);
    let outputs = processes.ended();
    assert!(outputs.iter().all(|output| output.code == Some(130)), "{outputs:#?}");
    logged(&context.only_run("base")).0.len()
}

#[test]
fn a_process_that_runs_out_of_memory_in_a_step_ends_all_with_its_rank_and_nothing_is_lost() {
    let context = with_long_texts();
    let taken = trained_further(&context);
    let outputs = Together::start_two_with_room_for(&context, ROOM, BASE).ended();
    let told = assert_told_once(&outputs, 1);
    assert!(told.starts_with("error: rank 1 of 2 (process "), "{told}");
    assert!(told.ends_with(": out of memory: no room for 80 MiB more"), "{told}");
    let advice = "hint: `train.batch_size: 1024` would fit";
    assert!(outputs.iter().any(|output| output.stderr.contains(advice)), "{outputs:#?}");
    assert_eq!(context.statuses("base"), ["failed"], "{outputs:#?}");
    assert_eq!(logged(&context.only_run("base")).0.len(), taken, "no step was taken");
    context.cliptune("fsck").succeeded();
    // With as much memory as before, the same command goes on.
    assert!(trained_further(&context) > taken);
    assert_eq!(logged(&context.only_run("base")).1, [(taken, Some(2)), (taken, Some(2))]);
}
