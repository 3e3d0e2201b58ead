//! The Rust side of `scripts/bench train`: does what each line it is sent says and answers with a line of JSON, loss and
//! seconds by phase.
//!
//!     time-train FOLDER full|locked-image THREADS
//!
//! `step` takes the next training step, `epoch` all of them, from the image files and strings on, `rate` measures matrix
//! products, `checkpoint` takes one and writes it. FOLDER holds `model/` and `batches.json`: for each step its items, each
//! with an image file and its texts, the first of which is right.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::thread;
use std::time::Instant;

use cliptune_experiment::{Seed, Templates, TrainPlan};
use cliptune_store::{ImageIdentity, Item, ItemImage, Items};
use cliptune_train::checkpoint::{Checkpoints, Position, State};
use cliptune_train::data::{Batch, Example, Examples, ImageBank, TextBank};
use cliptune_train::encoder::Encoder;
use cliptune_train::objective::{self, needed};
use cliptune_train::optimizer::Optimizer;
use cliptune_train::start::Start;
use cliptune_train::tuning::Tuned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::{Device, Kind, Tensor};

/// Of AdamW; both sides have the same.
const LEARNING_RATE: f64 = 1e-5;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What both sides do.
fn plan(tune: &str) -> Result<TrainPlan> {
    Ok(serde_json::from_value(json!({
        "objective": "choice", "label_smoothing": 0.0, "reduction": "mean",
        "tune": tune, "unlocked_layers": 0, "logit_scale": "learned",
        "epochs": 1, "batch_size": 8, "accumulate": 1, "shuffle": false, "gradient_checkpointing": false,
        "optimizer": {
            "name": "adamw", "lr": LEARNING_RATE, "weight_decay": 0.1, "betas": [0.9, 0.98], "eps": 1e-6,
            "layer_decay": 1.0,
        },
        "schedule": { "warmup_steps": 0, "decay": "constant" },
        "precision": "fp32", "deterministic": false, "select": "last", "interpolate": [],
    }))?)
}

/// One item of `batches.json`.
#[derive(Deserialize)]
struct Question {
    image: String,
    texts: Vec<String>,
}

/// The answer to one line.
#[derive(Default, Serialize)]
struct Timed {
    loss: f64,
    /// Seconds, as the next three.
    data: f64,
    forward: f64,
    backward: f64,
    optimizer: f64,
}

impl Timed {
    /// Adds a step, whose loss is the last one.
    fn add(&mut self, step: &Self) {
        self.loss = step.loss;
        self.data += step.data;
        self.forward += step.forward;
        self.backward += step.backward;
        self.optimizer += step.optimizer;
    }
}

fn main() -> Result<()> {
    cliptune_train::environment::complete()?;
    cliptune_torch_bridge::keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, tune, threads] = &arguments[..] else { return Err("time-train FOLDER TUNE THREADS".into()) };
    tch::set_num_threads(threads.parse()?);
    let begun = Instant::now();
    let work = Work::open(Path::new(folder), plan(tune)?)?;
    let seconds = begun.elapsed().as_secs_f64();
    answer(&json!({ "load": seconds }))?;
    work.serve()
}

/// Matrix products of this machine, in 10⁹ operations a second: the median of several, of a size that suits it.
fn product_rate() -> Result<f64> {
    const SIDE: i64 = 2048;
    let [a, b] = [0, 1].map(|_| Tensor::rand([SIDE, SIDE], (Kind::Float, Device::Cpu)));
    let mut rates = Vec::new();
    for _ in 0..9 {
        let begun = Instant::now();
        drop(a.f_matmul(&b)?);
        rates.push(2.0 * (SIDE * SIDE * SIDE) as f64 / begun.elapsed().as_secs_f64() / 1e9);
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}

/// The model and what it is trained on.
struct Work {
    plan: TrainPlan,
    start: Start,
    batches: Vec<Vec<Example>>,
    images: Vec<ItemImage>,
    texts: Vec<String>,
}

impl Work {
    fn open(folder: &Path, plan: TrainPlan) -> Result<Self> {
        let batches: Vec<Vec<Question>> =
            serde_json::from_slice(&fs_err::read(folder.join("batches.json"))?)?;
        let mut examples = Examples::default();
        let questions: Vec<Item> = batches.iter().flatten().map(item).collect();
        let items = Items::of(&questions);
        let mut rest = 0;
        let mut slice = |batch: &Vec<Question>| {
            let start = rest;
            rest += batch.len();
            examples.add(items.all().part(start..rest).iter())
        };
        let batches = batches.iter().map(&mut slice).collect();
        Ok(Self {
            plan,
            start: Start::from_folder(&folder.join("model"), Device::Cpu)?,
            batches,
            images: examples
                .images(&items)
                .iter()
                .map(|image| source(folder, image.path()))
                .collect::<Result<_>>()?,
            texts: examples.texts(&items).into_iter().map(str::to_owned).collect(),
        })
    }

    fn serve(&self) -> Result<()> {
        let (images, texts) = self.read()?;
        images.keep_first()?;
        let parameters = self.start.parameters.with_token_rows(self.plan.tune, &texts.ids())?;
        let tuned = Tuned::new(&parameters, &self.plan, Seed(0))?;
        let mut optimizer = Optimizer::new(&tuned.moving(), self.plan.optimizer)?;
        let encoder = self.encoder(&tuned, &images, &texts)?;
        let mut batches = self.batches.iter().cycle();
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            match line.as_str() {
                "rate" => answer(&json!({ "gflops": product_rate()? }))?,
                "checkpoint" => answer(&checkpoint(&State::new(&tuned, &optimizer))?)?,
                "epoch" => answer(&self.epoch(&tuned, &mut optimizer)?)?,
                "step" => {
                    let batch = batches.next().ok_or("there are no batches")?;
                    answer(&step(&self.plan, &tuned, &encoder, &mut optimizer, batch)?)?;
                }
                other => return Err(format!("nothing to do: {other}").into()),
            }
        }
        Ok(())
    }

    fn epoch(&self, tuned: &Tuned<'_>, optimizer: &mut Optimizer) -> Result<Timed> {
        let begun = Instant::now();
        let (images, texts) = self.read()?;
        let encoder = self.encoder(tuned, &images, &texts)?;
        let mut sum = Timed { data: begun.elapsed().as_secs_f64(), ..Timed::default() };
        let images_of = |batch: &Vec<Example>| batch.iter().map(|example| example.image).collect();
        thread::scope(|scope| {
            let ahead = encoder.decode_ahead(scope, self.batches.iter().map(images_of).collect());
            for batch in &self.batches {
                let waited = Instant::now();
                ahead.advance()?;
                sum.data += waited.elapsed().as_secs_f64();
                sum.add(&step(&self.plan, tuned, &encoder, optimizer, batch)?);
            }
            Ok(sum)
        })
    }

    fn read(&self) -> Result<(ImageBank, TextBank)> {
        let images = ImageBank::new(self.start.preprocessor.clone(), self.images.clone().into(), None);
        Ok((images, TextBank::encode(&self.start.tokenizer, &self.texts, &Templates::plain())?))
    }

    fn encoder<'a>(
        &'a self,
        tuned: &Tuned<'a>,
        images: &'a ImageBank,
        texts: &'a TextBank,
    ) -> Result<Encoder<'a>> {
        let mut encoder = Encoder::new(&self.start.config, tuned.parameters(), images, texts, Device::Cpu);
        encoder.lock(&self.plan)?;
        Ok(encoder)
    }
}

fn step(
    plan: &TrainPlan,
    tuned: &Tuned<'_>,
    encoder: &Encoder<'_>,
    optimizer: &mut Optimizer,
    examples: &[Example],
) -> Result<Timed> {
    let everyone: Vec<usize> = (0..examples.len()).collect();
    let mut since = Instant::now();
    let mut lap = move || std::mem::replace(&mut since, Instant::now()).elapsed().as_secs_f64();
    let batch = Batch::new(examples, &everyone, needed(plan.objective));
    optimizer.zero_grad()?;
    let data = lap();
    let embeddings = encoder.embeddings(&batch.images, &batch.texts)?;
    let loss = objective::loss(plan.objective, plan.label_smoothing, &embeddings, &batch.examples)?;
    let value = f64::try_from(&loss)?;
    let forward = lap();
    loss.f_backward()?;
    let backward = lap();
    // Training logs it with every step.
    optimizer.clip_grad_norm(None)?;
    optimizer.step(LEARNING_RATE)?;
    tuned.follow_update()?;
    Ok(Timed { loss: value, data, forward, backward, optimizer: lap() })
}

/// Seconds that training waits for a checkpoint, and seconds until it is on the disk.
fn checkpoint(state: &State<'_>) -> Result<serde_json::Value> {
    let folder = tempfile::tempdir()?;
    let checkpoints = Checkpoints::new(folder.path().to_owned())?;
    let begun = Instant::now();
    let snapshot = state.snapshot()?;
    let copy = begun.elapsed().as_secs_f64();
    checkpoints.save_last(&snapshot, &Position::default())?;
    let mib = fs_err::metadata(checkpoints.last_file())?.len() / (1 << 20);
    Ok(json!({ "copy": copy, "write": begun.elapsed().as_secs_f64() - copy, "mib": mib }))
}

fn answer(value: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    Ok(out.flush()?)
}

fn source(folder: &Path, image: &Path) -> Result<ItemImage> {
    let path = folder.join(image);
    let identity = ImageIdentity::of(&fs_err::read(&path)?);
    Ok(ItemImage::new(path, identity))
}

fn item(question: &Question) -> Item {
    Item {
        item_id: question.image.clone(),
        id: question.image.clone(),
        ids: Vec::new(),
        group: question.image.clone(),
        split: cliptune_experiment::Split::Train,
        folder: 0,
        image: question.image.clone(),
        image_hash: ImageIdentity::of(question.image.as_bytes()),
        width: Some(0),
        height: Some(0),
        texts: question.texts.clone(),
        label: 0,
        vocabulary: Vec::new(),
    }
}
