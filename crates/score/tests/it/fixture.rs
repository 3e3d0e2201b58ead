//! A store with one run, made by hand: the tiny towers, a tokenizer, solid-coloured images.

use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use cliptune_clip::config::{
    Activation, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig, VisionPooling,
};
use cliptune_clip::image::{Fit, OPENAI_MEAN, OPENAI_STD, Preprocessor};
use cliptune_clip::tokenizer::Tokenizer;
use cliptune_experiment::{Experiment, Seed, Split, TaskKind};
use cliptune_onnx::proto::{self, StringEntry};
use cliptune_onnx::{MODEL_FILE, Preparation, TEXT_MODEL_FILE, VISION_MODEL_FILE};
use cliptune_store::{
    Base, Dataset, DatasetRecord, ImageIdentity, Item, ItemImage, Leaks, Outcome, ParityItem, ParitySample,
    Provenance, RUN_FORMAT, Run, RunRecord, Sources, Standing, Store, run_name, standings, utc_now,
    write_dataset_rows, write_parity,
};
use fs_err as fs;
use prost::Message;
use tempfile::TempDir;

use crate::graphs::reference;

/// What the vision tower's matrix is in `scripts/references/tiny_onnx.py`.
const COLOURS: [[f64; 4]; 3] = [[1.0, 0.2, -0.3, 0.5], [-0.4, 1.0, 0.1, 0.3], [0.3, -0.2, 1.0, -0.6]];
/// The text tower's frequencies.
const FREQUENCIES: [f64; 4] = [0.01, 0.02, 0.05, 0.11];
const LOGIT_SCALE: f64 = 10.0;
const SIDE: u32 = 8;
const CONTEXT: usize = 12;
/// The templates of a fixture with classes, which are the words.
pub(crate) const TEMPLATES: [&str; 2] = ["a {}", "the {} of all"];

pub(crate) const WORDS: [&str; 6] = ["cat", "dog", "a mat", "the king of rain", "on two legs", "so"];

/// A temporary folder with an experiment file, its data, and a store.
pub(crate) struct Fixture {
    root: TempDir,
    pub(crate) items: Vec<Item>,
}

impl Fixture {
    /// 12 items of 4 images in 4 groups: choices of three texts, or pairs.
    pub(crate) fn new(task: TaskKind) -> Self {
        Self::with_model(task, "{ from: base }")
    }

    /// The same with another `model:`.
    pub(crate) fn with_model(task: TaskKind, model: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let items = (0..12).map(|number| item(number, task)).collect();
        let fixture = Self { root, items };
        fs::create_dir(fixture.path("images")).unwrap();
        for number in 0..4 {
            let image = image::RgbImage::from_pixel(SIDE, SIDE + 3, image::Rgb(colour(number)));
            image.save(fixture.image(number)).unwrap();
        }
        fs::write(fixture.path("table.csv"), "choices,label,text\n").unwrap();
        let columns = match task {
            TaskKind::Choice => "{ choices: choices, label: label }",
            TaskKind::Pairs => "{ text: text }",
            TaskKind::Classes => "{ classes: text, templates: [\"a {}\", \"the {} of all\"] }",
        };
        let yaml = format!(
            "name: tiny\ndata:\n  images: images\n  metadata: table.csv\n  join: {{ metadata: name }}\n  \
             columns: {columns}\nmodel: {model}\nscore: {{ splits: [test] }}\n"
        );
        fs::write(fixture.experiment(), yaml).unwrap();
        write_model(&fixture.path("base"));
        fs::write(fixture.path("base/model.safetensors"), "unused").unwrap();
        fixture
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn experiment(&self) -> PathBuf {
        self.path("tiny.yaml")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path("runs")).unwrap()
    }

    pub(crate) fn image(&self, number: usize) -> PathBuf {
        self.path("images").join(format!("{number}.png"))
    }

    /// The same, to be read as it is now.
    pub(crate) fn item_image(&self, number: usize) -> ItemImage {
        ItemImage::new(self.image(number), content_hash(&self.image(number)))
    }

    /// Where the only plan stands.
    pub(crate) fn standing(&self) -> Standing {
        let experiments: Vec<Experiment> = cliptune_experiment::load(&[self.experiment()], &[]).unwrap();
        standings(&self.store(), &experiments, &|_, _| {}).unwrap().remove(0)
    }

    /// Adds a line to the experiment, or replaces the one with its key.
    pub(crate) fn declare(&self, line: &str) {
        let key = line.split(':').next().unwrap();
        let yaml = fs::read_to_string(self.experiment()).unwrap();
        let others: String =
            yaml.lines().filter(|other| !other.starts_with(key)).map(|other| format!("{other}\n")).collect();
        fs::write(self.experiment(), format!("{others}{line}\n")).unwrap();
    }

    /// Makes the dataset and a finished run, as `ingest` and `train` would. Each test item has a twin in the
    /// validation split.
    pub(crate) fn train(&self) -> (Run, Dataset) {
        let twins = self.items.iter().map(|item| Item {
            item_id: format!("f{}", &item.item_id[1..]),
            split: Split::Validation,
            ..item.clone()
        });
        self.train_on(&self.items.iter().cloned().chain(twins).collect::<Vec<_>>())
    }

    /// The same with these items in the dataset.
    pub(crate) fn train_on(&self, items: &[Item]) -> (Run, Dataset) {
        let standing = self.standing();
        self.write_dataset(&standing, items);
        let mut run = self.store().create_run(record(&standing)).unwrap();
        write_model(&run.model_folder());
        fs::create_dir_all(run.onnx_folder()).unwrap();
        let preparation = Preparation::read(&run.model_folder(), &run.onnx_folder()).unwrap();
        for file in [TEXT_MODEL_FILE, VISION_MODEL_FILE, MODEL_FILE] {
            let entries = preparation.entries().map(|(key, value)| StringEntry::new(key, value.to_owned()));
            let mut model = proto::Model::decode(fs::read(reference(file)).unwrap().as_slice()).unwrap();
            model.metadata_props.extend(entries);
            fs::write(run.onnx_folder().join(file), model.encode_to_vec()).unwrap();
        }
        write_parity(&run, &self.parity_sample()).unwrap();
        run.finish(Outcome::Done { best_epoch: 0 }, None).unwrap();
        let standing = self.standing();
        (standing.run.unwrap(), standing.dataset.unwrap())
    }

    fn write_dataset(&self, standing: &Standing, items: &[Item]) {
        let task = standing.plan.data.columns.task.kind();
        let record = DatasetRecord {
            format_version: cliptune_store::DATASET_FORMAT,
            hash: standing.dataset_hash.clone(),
            task,
            classes: if task == TaskKind::Classes { WORDS.map(str::to_owned).to_vec() } else { Vec::new() },
            plan: standing.plan.data.clone(),
            sources: Sources {
                images_folders: vec![self.path("images").display().to_string()],
                images_hash: String::new(),
                table_hash: String::new(),
                bytes: Default::default(),
            },
            notes: Default::default(),
            join: Default::default(),
            rejects: Default::default(),
            items: Default::default(),
            splits: Default::default(),
            leaks: Leaks::default(),
            history: Default::default(),
            tables: Default::default(),
        };
        let staged = self.store().stage_dataset(&record.hash).unwrap();
        let hashed = |item: &Item| Item {
            image_hash: content_hash(&self.path("images").join(&item.image)),
            ..item.clone()
        };
        write_dataset_rows(&staged, &record, &items.iter().map(hashed).collect::<Vec<_>>(), &[]).unwrap();
        staged.commit().unwrap();
    }

    fn parity_sample(&self) -> ParitySample {
        let item = |item: &Item| ParityItem {
            item_id: item.item_id.clone(),
            texts: gated(item),
            logits: gated(item).iter().map(|text| self.logit(item, text)).collect(),
        };
        ParitySample { items: self.items.iter().take(3).map(item).collect() }
    }

    /// The logits of an item's own texts, by hand.
    pub(crate) fn logits(&self, item: &Item) -> Vec<f64> {
        item.texts.iter().map(|text| self.logit(item, text)).collect()
    }

    /// The logit of an item's image with any text, by hand, in 64 bits.
    pub(crate) fn logit(&self, item: &Item, text: &str) -> f64 {
        scaled_cosine(item, unit(text_vector(text)))
    }

    /// The logit of an item's image with a class: with the mean direction of its prompts.
    pub(crate) fn class_logit(&self, item: &Item, class: &str) -> f64 {
        let prompts = TEMPLATES.map(|template| unit(text_vector(&template.replace("{}", class))));
        scaled_cosine(item, unit(std::array::from_fn(|d| prompts.iter().map(|prompt| prompt[d]).sum())))
    }
}

/// Returns the texts of an item that the parity gate compares: those of its own, or a prompt of its class.
fn gated(item: &Item) -> Vec<String> {
    match item.texts.is_empty() {
        true => vec![TEMPLATES[0].replace("{}", WORDS[item.label])],
        false => item.texts.clone(),
    }
}

fn item(number: usize, task: TaskKind) -> Item {
    let text = |choice: usize| {
        format!("{} {}", WORDS[(number + choice) % 6], "so ".repeat((2 * number + choice) % 5))
    };
    let (texts, label) = match task {
        TaskKind::Choice => (3, number % 3),
        TaskKind::Pairs => (1, 0),
        TaskKind::Classes => (0, number * number % 5),
    };
    let texts: Vec<String> = (0..texts).map(text).collect();
    Item {
        item_id: format!("{number:016x}"),
        id: format!("row{number}"),
        ids: vec![format!("row{number}")],
        group: format!("group{}", number % 4),
        split: Split::Test,
        folder: 0,
        image: format!("{}.png", number % 4),
        image_hash: format!("{:064x}", number % 4).parse().unwrap(),
        width: Some(SIDE),
        height: Some(SIDE + 3),
        label,
        texts,
        vocabulary: Vec::new(),
    }
}

fn content_hash(file: &Path) -> ImageIdentity {
    ImageIdentity::of(&fs::read(file).unwrap())
}

fn colour(image: usize) -> [u8; 3] {
    [[250, 20, 40], [10, 200, 90], [60, 30, 220], [128, 128, 0]][image]
}

fn tokenizer() -> Tokenizer {
    Tokenizer::train(&WORDS, 540, CONTEXT).unwrap()
}

fn image_vector(item: &Item) -> [f64; 4] {
    let image: usize = item.image.trim_end_matches(".png").parse().unwrap();
    let levels = colour(image);
    let value = |channel: usize| {
        let mean = f64::from(OPENAI_MEAN[channel]);
        (f64::from(levels[channel]) / 255.0 - mean) / f64::from(OPENAI_STD[channel])
    };
    std::array::from_fn(|d| (0..3).map(|channel| value(channel) * COLOURS[channel][d]).sum())
}

fn text_vector(text: &str) -> [f64; 4] {
    let ids = tokenizer().encode(text).unwrap().ids;
    let tokens = &ids[..ids.len() - 1];
    std::array::from_fn(|d| tokens.iter().map(|&id| (id as f64 * FREQUENCIES[d]).sin()).sum())
}

fn scaled_cosine(item: &Item, text: [f64; 4]) -> f64 {
    LOGIT_SCALE * unit(image_vector(item)).iter().zip(text).map(|(a, b)| a * b).sum::<f64>()
}

fn unit(vector: [f64; 4]) -> [f64; 4] {
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    vector.map(|value| value / norm)
}

/// The files of a model folder that scoring reads.
fn write_model(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let tokenizer = tokenizer();
    tokenizer.save(folder).unwrap();
    Preprocessor::openai(SIDE, Fit::Crop).save(folder).unwrap();
    let transformer = TransformerConfig {
        width: 8,
        layers: 1,
        heads: 2,
        mlp_width: 32,
        activation: Activation::QuickGelu,
        layer_norm_eps: 1e-5,
    };
    let config = ClipConfig {
        vision: VisionConfig {
            image_size: SIDE as usize,
            patch_size: 4,
            pooling: VisionPooling::ClassToken,
            transformer: transformer.clone(),
        },
        text: TextConfig {
            vocab_size: tokenizer.vocab_size(),
            context_length: CONTEXT,
            pooling: TextPooling::HighestId,
            transformer,
        },
        projection_dim: 4,
        logit_scale_init: LOGIT_SCALE.ln(),
        family: Family::Clip,
    };
    fs::write(folder.join("config.json"), config.to_json().unwrap()).unwrap();
}

fn record(standing: &Standing) -> RunRecord {
    let started = utc_now();
    RunRecord {
        format_version: RUN_FORMAT,
        run: run_name(&started, &standing.key, standing.plan.seed),
        experiment: standing.plan.experiment.clone(),
        seed: Seed(0),
        key: standing.key.clone(),
        plan: standing.plan.clone(),
        dataset: standing.dataset_hash.clone(),
        base: Base::Scratch,
        lineage: Vec::new(),
        provenance: Provenance {
            cliptune: String::new(),
            binary: String::new(),
            git_commit: None,
            host: String::new(),
            device: "cpu".to_owned(),
            threads: 1,
            processes: None,
        },
        started,
        end: None,
    }
}
