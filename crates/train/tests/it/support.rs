//! The committed references of `scripts/references/train.py`, loaded.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cliptune_clip::ClipConfig;
use cliptune_clip::image::{self, Preprocessor};
use cliptune_clip::tokenizer::Tokenizer;
use cliptune_experiment::{CheckpointInterval, Objective, Seed, TaskKind, Templates, TrainPlan, Tune};
use cliptune_store::{Event, EventLog, ImageIdentity, ItemImage, read_events};
use cliptune_terminal::Printer;
use cliptune_train::TrainError;
use cliptune_train::board::Board;
use cliptune_train::checkpoint::{Checkpoints, Saver, State};
use cliptune_train::data::{Example, Examples, ImageBank, TextBank};
use cliptune_train::encoder::Encoder;
use cliptune_train::fit::{Fit, Fitted, Records};
use cliptune_train::group::{ALONE, Group};
use cliptune_train::journal::Journal;
use cliptune_train::model::{self, Parameters};
use cliptune_train::optimizer::Optimizer;
use cliptune_train::progress::TrainingProgress;
use cliptune_train::tuning::Tuned;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use tch::{Device, Tensor};
use tempfile::TempDir;

/// A file of a crate's tests.
pub(crate) fn reference(krate: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("tests/references").join(name)
}

/// The models that `scripts/references/open_clip_models.py` made.
pub(crate) const OPEN_CLIP_MODELS: [&str; 3] = ["clip", "custom-text", "siglip"];

/// A file of one of them.
pub(crate) fn open_clip_file(name: &str, file: &str) -> PathBuf {
    reference("clip", "open_clip").join(name).join(file)
}

/// One of them, loaded.
pub(crate) fn open_clip_model(name: &str) -> (ClipConfig, Parameters) {
    let file = open_clip_file(name, "open_clip_model.safetensors");
    let config = ClipConfig::from_folder(file.parent().unwrap()).unwrap();
    let parameters = model::load(&file, &config, Device::Cpu).unwrap();
    (config, parameters)
}

/// The tensors of a reference file by name.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, Tensor> {
    let data = fs_err::read(path).unwrap();
    let tensor = |view: safetensors::tensor::TensorView<'_>| {
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        let kind = match view.dtype() {
            Dtype::F32 => tch::Kind::Float,
            Dtype::I64 => tch::Kind::Int64,
            other => panic!("{other} in {}", path.display()),
        };
        Tensor::from_data_size(view.data(), &shape, kind)
    };
    let file = SafeTensors::deserialize(&data).unwrap();
    file.iter().map(|(name, view)| (name.to_owned(), tensor(view))).collect()
}

/// The tokenizer of the references.
pub(crate) fn tokenizer(context_length: usize) -> Tokenizer {
    Tokenizer::from_folder(&reference("clip", "tokenizer"), context_length).unwrap()
}

/// Writes the tiny CLIP as a model folder.
pub(crate) fn write_model(folder: &Path) {
    fs_err::create_dir_all(folder).unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs_err::copy(reference("train", "model").join(file), folder.join(file)).unwrap();
    }
    tokenizer(9).save(folder).unwrap();
    Preprocessor::openai(12, image::Fit::Crop).save(folder).unwrap();
}

/// The largest absolute difference of two tensors of one shape; NaN if there is one.
pub(crate) fn difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a.detach() - b.detach()).abs().max().double_value(&[])
}

/// The largest absolute value of a tensor.
pub(crate) fn largest(a: &Tensor) -> f64 {
    a.detach().abs().max().double_value(&[])
}

/// Asserts that no element differs by more than `tolerance`. NaN is never close.
pub(crate) fn assert_close(a: &Tensor, b: &Tensor, tolerance: f64, what: &str) {
    let difference = difference(a, b);
    assert!(difference <= tolerance, "{what} differs by {difference:e}");
}

/// `cases.json`.
#[derive(Deserialize)]
pub(crate) struct Cases {
    pub(crate) seed: Seed,
    texts: Vec<String>,
    train: Vec<ItemCase>,
    validation: Vec<ItemCase>,
    choice: ObjectiveCase,
    contrastive: ObjectiveCase,
}

#[derive(Deserialize)]
struct ItemCase {
    image: usize,
    texts: Vec<usize>,
    label: usize,
    group: usize,
}

/// What PyTorch computed for one objective.
#[derive(Deserialize)]
pub(crate) struct ObjectiveCase {
    /// Over all train items, before training.
    pub(crate) loss: f64,
    pub(crate) plan: TrainPlan,
    pub(crate) steps: Vec<StepCase>,
    /// Of every epoch, from 0.
    pub(crate) validation: Vec<EvaluationCase>,
}

#[derive(Deserialize)]
pub(crate) struct StepCase {
    pub(crate) batch: Vec<usize>,
    pub(crate) loss: f64,
    pub(crate) learning_rate: f64,
    pub(crate) grad_norm: f64,
    pub(crate) logit_scale: f64,
}

#[derive(Deserialize)]
pub(crate) struct EvaluationCase {
    pub(crate) batches: Vec<Vec<usize>>,
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
}

/// An image file as it is now.
pub(crate) fn item_image(path: PathBuf) -> ItemImage {
    let identity = ImageIdentity::of(&fs_err::read(&path).unwrap());
    ItemImage::new(path, identity)
}

/// The tiny CLIP of the references with its images, texts and items.
pub(crate) struct Tiny {
    pub(crate) config: ClipConfig,
    pub(crate) images: ImageBank,
    pub(crate) texts: TextBank,
    pub(crate) train: Vec<Example>,
    pub(crate) validation: Vec<Example>,
    pub(crate) cases: Cases,
}

impl Tiny {
    pub(crate) fn load() -> Self {
        // Tensors this small gain nothing from threads, and tests run beside each other.
        tch::set_num_threads(1);
        let cases: Cases =
            serde_json::from_slice(&fs_err::read(reference("train", "cases.json")).unwrap()).unwrap();
        let config = ClipConfig::from_folder(&reference("train", "model")).unwrap();
        let size = config.vision.image_size as u32;
        let source = |n| item_image(reference("train", &format!("images/{n}.png")));
        let preprocessor = Preprocessor::openai(size, image::Fit::Crop);
        let tokenizer = tokenizer(config.text.context_length);
        Self {
            images: ImageBank::new(preprocessor, (0..6).map(source).collect(), None),
            texts: TextBank::encode(&tokenizer, &cases.texts, &Templates::plain()).unwrap(),
            train: examples(&cases.train),
            validation: examples(&cases.validation),
            config,
            cases,
        }
    }

    /// The weights before training; each call reads new tensors.
    pub(crate) fn parameters(&self) -> Parameters {
        model::load(&reference("train", "model/model.safetensors"), &self.config, Device::Cpu).unwrap()
    }

    pub(crate) fn encoder<'a>(&'a self, parameters: &'a Parameters) -> Encoder<'a> {
        Encoder::new(&self.config, parameters, &self.images, &self.texts, Device::Cpu)
    }

    pub(crate) fn text_count(&self) -> usize {
        self.cases.texts.len()
    }

    pub(crate) fn case(&self, objective: Objective) -> &ObjectiveCase {
        if objective.is_over_candidates() { &self.cases.choice } else { &self.cases.contrastive }
    }
}

fn examples(items: &[ItemCase]) -> Vec<Example> {
    let example = |item: &ItemCase| Example::new(item.image, item.texts.clone(), item.label, item.group);
    related(items.iter().map(example).collect())
}

/// The examples of one split, which know what the others say about their images.
pub(crate) fn related(mut examples: Vec<Example>) -> Vec<Example> {
    let texts =
        examples.iter().flat_map(|example| example.texts.iter().copied()).max().map_or(0, |last| last + 1);
    Examples::unify(&mut examples, &(0..texts).collect::<Vec<_>>());
    examples
}

/// The objectives as the reference files are named.
pub(crate) const OBJECTIVES: [(Objective, &str); 2] =
    [(Objective::Choice, "choice"), (Objective::Contrastive, "contrastive")];

/// Never interrupts.
pub(crate) fn go_on(_: &Event) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What a step's end is answered with.
pub(crate) type AfterStep<'a> = &'a dyn Fn(&Event) -> ControlFlow<()>;

/// libtorch has one random number generator for the whole process: whoever needs its numbers takes it for himself.
pub(crate) fn generator() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run's folder, and the tiny CLIP to train in it.
pub(crate) struct World {
    pub(crate) tiny: Tiny,
    pub(crate) plan: TrainPlan,
    pub(crate) interval: CheckpointInterval,
    folder: TempDir,
}

impl World {
    /// With the plan of the references.
    pub(crate) fn new(objective: Objective) -> Self {
        let tiny = Tiny::load();
        let plan = tiny.case(objective).plan.clone();
        let interval = CheckpointInterval::default();
        Self { tiny, plan, interval, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn with(plan: TrainPlan) -> Self {
        Self { plan, ..Self::new(Objective::Choice) }
    }

    pub(crate) fn tuning(mut self, tune: Tune) -> Self {
        self.plan.tune = tune;
        self
    }

    /// With a checkpoint after so many steps, as far as the one before is written.
    pub(crate) fn saving_every(mut self, steps: usize) -> Self {
        self.interval = CheckpointInterval::EverySteps(steps.try_into().unwrap());
        self
    }

    pub(crate) fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.folder.path().join("checkpoint")).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts or continues as a process does: nothing but the folder comes from before.
    pub(crate) fn run(&self, after_step: AfterStep<'_>) -> Result<Fitted, TrainError> {
        let parameters = self.tiny.parameters().with_token_rows(self.plan.tune, &self.tiny.texts.ids())?;
        self.run_with(&parameters, after_step)
    }

    pub(crate) fn run_with(
        &self,
        parameters: &Parameters,
        after_step: AfterStep<'_>,
    ) -> Result<Fitted, TrainError> {
        let tuned = Tuned::new(parameters, &self.plan, self.tiny.cases.seed)?;
        self.run_tuned(&tuned, after_step)
    }

    pub(crate) fn run_tuned(
        &self,
        tuned: &Tuned<'_>,
        after_step: AfterStep<'_>,
    ) -> Result<Fitted, TrainError> {
        let _generator = generator();
        self.run_in(&ALONE, tuned, after_step)
    }

    /// Takes part in a training by a group. The generator belongs to whoever has started the group.
    pub(crate) fn run_in(
        &self,
        group: &Group,
        tuned: &Tuned<'_>,
        after_step: AfterStep<'_>,
    ) -> Result<Fitted, TrainError> {
        let checkpoints = self.checkpoints();
        let mut optimizer = Optimizer::new(&tuned.moving(), self.plan.optimizer)?;
        let position = checkpoints.resume(&State::new(tuned, &optimizer), |_| true)?.unwrap_or_default();
        let encoder = self.tiny.encoder(tuned.parameters()).with_adapters(tuned.adapters());
        let mut encoder = encoder.with_precision(self.plan.precision).with_group(group);
        encoder.lock(&self.plan)?;
        let fit = Fit {
            plan: &self.plan,
            task: TaskKind::Choice,
            seed: self.tiny.cases.seed,
            tuned,
            encoder: &encoder,
            group,
            train: &self.tiny.train,
            validation: &self.tiny.validation,
            after_step,
        };
        let printer = Printer::new(true, false);
        let log = EventLog::open_append(&self.events_file())?;
        let journal = Journal::new(log, Board::hidden(), TrainingProgress::hidden(), &printer);
        let saver = Saver::new(checkpoints, self.interval, &self.events_file(), position.steps, &printer);
        fit.run(&mut optimizer, &mut Records { journal, saver }, position)
    }

    pub(crate) fn events_file(&self) -> PathBuf {
        self.folder.path().join("events.jsonl")
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        let read = read_events(&self.events_file()).unwrap();
        assert_eq!(read.damaged_lines, 0);
        read.events.into_iter().map(|stamped| stamped.event).collect()
    }
}
