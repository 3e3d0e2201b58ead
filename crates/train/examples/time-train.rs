//! The Rust side of `scripts/bench train`: takes one training step for each line it is sent and says how long each
//! phase of it took.
//!
//!     time-train FOLDER full|locked-image THREADS
//!
//! FOLDER holds `model/` and `batches.json`: for each step its items, each with an image file and its texts, the first
//! of which is right. Every answer is a line of JSON: loss and seconds by phase.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use cliptune_experiment::{AdamW, LearningRate, Objective, Tune};
use cliptune_store::Item;
use cliptune_train::data::{Batch, Example, Examples, ImageBank, TextBank};
use cliptune_train::encoder::Encoder;
use cliptune_train::objective::{self, needed};
use cliptune_train::optimizer::Optimizer;
use cliptune_train::start::Start;
use serde::{Deserialize, Serialize};
use tch::Device;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One item of `batches.json`.
#[derive(Deserialize)]
struct Question {
    image: String,
    texts: Vec<String>,
}

/// The answer to one line.
#[derive(Default, Serialize)]
struct Step {
    loss: f64,
    /// Seconds, as the next three.
    data: f64,
    forward: f64,
    backward: f64,
    optimizer: f64,
}

fn main() -> Outcome<()> {
    cliptune_train::threads::wait_politely();
    cliptune_torch_bridge::keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, tune, threads] = &arguments[..] else { return Err("time-train FOLDER TUNE THREADS".into()) };
    tch::set_num_threads(threads.parse()?);
    let tune = match tune.as_str() {
        "full" => Tune::Full,
        "locked-image" => Tune::LockedImage,
        other => return Err(format!("no such tune: {other}").into()),
    };
    serve(Path::new(folder), tune)
}

fn serve(folder: &Path, tune: Tune) -> Outcome<()> {
    let begun = Instant::now();
    let start = Start::from_folder(&folder.join("model"), Device::Cpu)?;
    let load_seconds = begun.elapsed().as_secs_f64();
    let batches: Vec<Vec<Question>> = serde_json::from_slice(&fs_err::read(folder.join("batches.json"))?)?;
    let mut examples = Examples::default();
    let batches: Vec<Vec<Example>> = batches.iter().map(|batch| examples.add(&items(batch))).collect();
    let paths: Vec<PathBuf> = examples.image_items().iter().map(|item| folder.join(&item.image)).collect();
    let images = ImageBank::load(start.preprocessor.clone(), &paths, &|| {})?;
    let texts = TextBank::encode(&start.tokenizer, examples.texts())?;
    let moving = start.parameters.unlock(tune);
    let settings =
        AdamW { lr: LearningRate::try_from(1e-5)?, weight_decay: 0.1, betas: (0.9, 0.98), eps: 1e-6 };
    let mut optimizer = Optimizer::new(&moving, settings)?;
    let mut encoder = Encoder::new(&start.config, &start.parameters, &images, &texts, Device::Cpu);
    let begun = Instant::now();
    encoder.lock(tune, examples.texts().len())?;
    let lock_seconds = begun.elapsed().as_secs_f64();
    answer(&serde_json::json!({ "load": load_seconds, "lock": lock_seconds }))?;
    for (line, batch) in std::io::stdin().lock().lines().zip(batches.iter().cycle()) {
        line?;
        answer(&step(&encoder, &mut optimizer, batch)?)?;
    }
    Ok(())
}

fn step(encoder: &Encoder<'_>, optimizer: &mut Optimizer, examples: &[Example]) -> Outcome<Step> {
    let everyone: Vec<usize> = (0..examples.len()).collect();
    let mut step = Step::default();
    let mut since = Instant::now();
    let mut lap = move || std::mem::replace(&mut since, Instant::now()).elapsed().as_secs_f64();
    let batch = Batch::new(examples, &everyone, needed(Objective::Choice));
    optimizer.zero_grad()?;
    step.data = lap();
    let embeddings = encoder.embeddings(&batch.images, &batch.texts)?;
    let loss = objective::loss(Objective::Choice, &embeddings, &batch.examples)?;
    step.loss = f64::try_from(&loss)?;
    step.forward = lap();
    loss.f_backward()?;
    step.backward = lap();
    optimizer.step(1e-5)?;
    step.optimizer = lap();
    Ok(step)
}

fn answer(value: &impl Serialize) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    Ok(out.flush()?)
}

fn items(batch: &[Question]) -> Vec<Item> {
    let item = |question: &Question| Item {
        item_id: question.image.clone(),
        id: question.image.clone(),
        ids: Vec::new(),
        group: question.image.clone(),
        split: cliptune_experiment::Split::Train,
        image: question.image.clone(),
        image_hash: question.image.clone(),
        width: 0,
        height: 0,
        texts: question.texts.clone(),
        label: 0,
        vocabulary: Vec::new(),
    };
    batch.iter().map(item).collect()
}
