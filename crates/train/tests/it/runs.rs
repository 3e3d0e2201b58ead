//! Runs in a store: what is kept until a run is complete, and what a model that is not trained needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cliptune_experiment::{ImageFit, Plan, Seed, Split, TaskKind};
use cliptune_store::{
    DATASET_FORMAT, Dataset, DatasetRecord, Event, Item, ItemCounts, ItemImage, JoinCounts, Leaks,
    ResolvedBase, Run, RunStatus, Sources, Standing, Store, TimeSplit, read_events, read_json, read_parity,
    read_system, write_dataset_rows,
};
use cliptune_terminal::{Diagnostic, Printer};
use cliptune_train::TrainError;
use cliptune_train::run::{Context, make};
use fs_err as fs;
use tch::{Device, Tensor};
use tempfile::TempDir;

use crate::support::{assert_close, generator, item_image, reference, tensors, write_model};

pub(crate) const TRAINED: &str =
    "train:\n  objective: choice\n  epochs: 2\n  batch_size: 2\n  optimizer: { name: adamw, lr: 1e-3 }\n";
pub(crate) const AS_IT_IS: &str = "";

/// A folder with a model, a dataset of drawn images, and a store.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) plan: Plan,
    pub(crate) dataset: Dataset,
}

impl Place {
    /// `train` is that part of the experiment; there is an item for each of `splits`.
    pub(crate) fn new(train: &str, splits: &[Split]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_model(&folder.path().join("model"));
        let plan = plan(&folder, train);
        let dataset = dataset(&folder, &plan, splits);
        Self { folder, plan, dataset }
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.folder.path().join("runs")).unwrap()
    }

    pub(crate) fn make(&self, interrupted: bool) -> Result<Run, TrainError> {
        let (store, printer, interrupted) =
            (self.store(), Printer::new(true, false), AtomicBool::new(interrupted));
        let context = Context::new(&store, &printer, Device::Cpu, &interrupted);
        let model = self.folder.path().join("model");
        let standing = Standing {
            plan: self.plan.clone(),
            dataset_hash: self.dataset.record().hash.clone(),
            dataset: Some(self.dataset.clone()),
            base: ResolvedBase::Folder { hash: self.store().model_hash(&model).unwrap(), path: model },
            key: "0123456789abcdef".to_owned(),
            run: None,
            is_export_damaged: false,
            missing_scores: Vec::new(),
            unjudged_precisions: Vec::new(),
            why: Vec::new(),
        };
        let _generator = generator();
        make(&context, &standing, &self.folder.path().join("tiny.yaml"))
    }
}

fn plan(folder: &TempDir, train: &str) -> Plan {
    let text = format!(
        "name: tiny\ndata:\n  images: {}\n  metadata: table.csv\n  join: {{ image: name, metadata: file }}\n  \
         columns: {{ choices: choices, label: label }}\nmodel:\n  from: model\n{train}seeds: [0]\n",
        reference("train", "images").display()
    );
    let file = folder.path().join("tiny.yaml");
    fs::write(&file, text).unwrap();
    fs::write(folder.path().join("table.csv"), "file,choices,label\n").unwrap();
    cliptune_experiment::load(&[file], &[]).unwrap().remove(0).plans.remove(0)
}

fn dataset(folder: &TempDir, plan: &Plan, splits: &[Split]) -> Dataset {
    let store = Store::open(&folder.path().join("runs")).unwrap();
    let record = DatasetRecord {
        format_version: DATASET_FORMAT,
        hash: "dataset".to_owned(),
        task: TaskKind::Choice,
        classes: Vec::new(),
        plan: plan.data.clone(),
        sources: Sources {
            images_folders: vec![reference("train", "images").display().to_string()],
            images_hash: String::new(),
            table_hash: String::new(),
            bytes: Default::default(),
        },
        notes: Default::default(),
        join: JoinCounts::default(),
        rejects: BTreeMap::new(),
        items: ItemCounts::default(),
        splits: BTreeMap::new(),
        leaks: Leaks::default(),
        history: Default::default(),
        tables: Default::default(),
    };
    let items: Vec<Item> = splits.iter().enumerate().map(|(number, split)| item(number, *split)).collect();
    let staged = store.stage_dataset(&record.hash).unwrap();
    write_dataset_rows(&staged, &record, &items, &[]).unwrap();
    staged.commit().unwrap();
    store.dataset(&record.hash).unwrap().unwrap()
}

pub(crate) fn image(number: usize) -> ItemImage {
    item_image(reference("train", &format!("images/{number}.png")))
}

fn item(number: usize, split: Split) -> Item {
    Item {
        item_id: format!("{number:016x}"),
        id: number.to_string(),
        ids: vec![number.to_string()],
        group: number.to_string(),
        split,
        folder: 0,
        image: format!("{number}.png"),
        image_hash: image(number).identity(),
        width: Some(12),
        height: Some(12),
        texts: vec!["a cat".to_owned(), format!("dog {number}")],
        label: number % 2,
        vocabulary: Vec::new(),
    }
}

/// Four items to train on, two to validate.
pub(crate) const SPLITS: [Split; 6] =
    [Split::Train, Split::Train, Split::Validation, Split::Train, Split::Validation, Split::Train];
/// Two epochs of two steps.
const STEPS: usize = 4;

fn events(run: &Run) -> Vec<Event> {
    read_events(&run.events_file()).unwrap().events.into_iter().map(|stamped| stamped.event).collect()
}

fn steps(run: &Run) -> usize {
    events(run).iter().filter(|event| matches!(event, Event::Step { .. })).count()
}

#[test]
fn a_complete_run_has_its_model_and_no_checkpoint() {
    let place = Place::new(TRAINED, &SPLITS);
    let run = place.make(false).unwrap();
    assert_eq!((run.status(), steps(&run)), (RunStatus::Done, STEPS));
    assert!(run.model_folder().join("model.safetensors").is_file());
    assert!(!run.checkpoint_folder().exists());
}

/// The bytes of a run's event files, oldest first.
fn event_files(run: &Run) -> Vec<String> {
    let paths = fs::read_dir(run.folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().contains("tfevents");
    let mut paths: Vec<PathBuf> = paths.filter(is_one).collect();
    paths.sort();
    paths.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
}

#[test]
fn tensorboard_sees_curves_the_plan_and_the_settings() {
    let place = Place::new(TRAINED, &SPLITS);
    place.make(true).unwrap();
    let files = event_files(&place.make(false).unwrap());
    assert_eq!(files.len(), 2, "a file for each process");
    let counts = |text: &str| [0, 1].map(|file: usize| files[file].matches(text).count());
    assert_eq!(counts("train/loss"), [1, 3], "a point for each step");
    assert_eq!(counts("validation/accuracy"), [1, 2], "a point for each evaluation");
    assert_eq!(counts("system/memory_gib"), [1, 1], "a point for each period of the machine");
    // Said once, and not again when the run goes on.
    assert_eq!(counts("_hparams_/session_start_info"), [1, 0]);
    assert_eq!(counts("train.optimizer.lr"), [1, 0]);
    assert_eq!(counts("```yaml"), [1, 0]);
    assert_eq!(counts("_hparams_/session_end_info"), [0, 1]);
}

/// The weights of a model folder.
pub(crate) fn weights(folder: &Path) -> BTreeMap<String, Tensor> {
    tensors(&folder.join("model.safetensors"))
}

/// The digits of the group that TensorBoard averages a run in.
fn group(place: &Place) -> String {
    let file = event_files(&place.make(false).unwrap()).remove(0);
    let (_, rest) = file.split_once("tiny ").unwrap();
    rest.chars().take(6).collect()
}

#[test]
fn tensorboard_averages_runs_that_differ_in_their_seed_alone() {
    let mut place = Place::new(AS_IT_IS, &SPLITS);
    let first = group(&place);
    assert!(first.chars().all(|digit| digit.is_ascii_hexdigit()), "{first}");
    place.plan.seed = Seed(7);
    assert_eq!(group(&place), first);
    place.plan.model.image_fit = Some(ImageFit::Pad);
    assert_ne!(group(&place), first);
}

#[test]
fn a_run_that_got_no_better_ends_with_the_weights_it_has_started_from() {
    // So small a step changes weights and no answer, and of equal epochs the first is kept.
    let place = Place::new(&TRAINED.replace("1e-3", "1e-9"), &SPLITS);
    place.make(true).unwrap();
    let run = place.make(false).unwrap();
    let Some(Event::Finished { best_epoch, .. }) = events(&run).pop() else { panic!("it is finished") };
    assert_eq!(best_epoch, 0);
    assert_eq!(weights(&run.model_folder()), weights(&place.folder.path().join("model")));
}

#[test]
fn a_run_holds_its_weights_once() {
    let place = Place::new(TRAINED, &SPLITS);
    let run = place.make(false).unwrap();
    let link = run.model_folder().join("model.safetensors");
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("../onnx/model.safetensors"));
    assert_eq!(fs::canonicalize(link).unwrap(), fs::canonicalize(run.weights_file()).unwrap());
}

#[test]
fn a_run_whose_export_failed_need_not_be_trained_again() {
    let place = Place::new(TRAINED, &SPLITS);
    let run = place.make(true).unwrap();
    assert_eq!((run.status(), steps(&run)), (RunStatus::Interrupted, 1));
    // A file where the folder of the graphs should be.
    fs::write(run.onnx_folder(), "").unwrap();
    place.make(false).unwrap_err();
    assert_eq!(steps(&run), STEPS);
    assert!(run.checkpoint_folder().exists());
    fs::remove_file(run.onnx_folder()).unwrap();
    let complete = place.make(false).unwrap();
    assert_eq!((complete.id(), complete.status(), steps(&complete)), (run.id(), RunStatus::Done, STEPS));
    assert!(!complete.checkpoint_folder().exists());
}

#[test]
fn a_damaged_checkpoint_is_given_up_and_the_run_comes_to_the_same_weights() {
    let undisturbed = Place::new(TRAINED, &SPLITS);
    let expected = weights(&undisturbed.make(false).unwrap().model_folder());
    let damages: [fn(&Path); 3] = [
        |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, bytes).unwrap();
        },
        |file| fs::write(file, "").unwrap(),
        |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        },
    ];
    for damage in damages {
        let place = Place::new(TRAINED, &SPLITS);
        let run = place.make(true).unwrap();
        damage(&run.checkpoint_folder().join("last.safetensors"));
        let complete = place.make(false).unwrap();
        assert_eq!(
            (complete.id(), complete.status(), steps(&complete)),
            (run.id(), RunStatus::Done, 1 + STEPS),
            "from its first step, in the same folder"
        );
        assert_eq!(weights(&complete.model_folder()), expected);
    }
}

#[test]
fn the_seconds_of_a_run_are_those_before_its_interruption_too() {
    let place = Place::new(TRAINED, &SPLITS);
    place.make(true).unwrap();
    let run = place.make(false).unwrap();
    let events = read_events(&run.events_file()).unwrap().events;
    let times: Vec<f64> = events.iter().filter_map(|stamped| stamped.seconds).collect();
    assert_eq!(times.len(), events.len(), "every event has the seconds spent");
    assert!(run.record().end.as_ref().is_some_and(|end| Some(&end.seconds) >= times.last()));
    let parts: f64 = TimeSplit::of(&events).unwrap().parts().map(|(_, seconds)| seconds).sum();
    assert!((parts - times[times.len() - 1]).abs() < 1e-6, "the parts are the whole");
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn what_a_run_uses_of_its_machine_is_recorded_by_each_of_its_processes() {
    let place = Place::new(TRAINED, &SPLITS);
    place.make(true).unwrap();
    let run = place.make(false).unwrap();
    let read = read_system(&run.system_file()).unwrap();
    assert_eq!(
        (read.samples.len(), read.damaged_lines),
        (2, 0),
        "a line for each process, however short it was"
    );
    assert!(read.samples.iter().map(|sample| sample.seconds).is_sorted());
    assert_eq!(read.samples.last().map(|sample| sample.step), Some(STEPS));
    let usage = run.record().end.as_ref().and_then(|end| end.usage.as_ref()).unwrap();
    assert!(usage.memory.is_some() && usage.memory <= usage.memory_limit && usage.disk.is_some());
    assert_eq!((usage.gpu, usage.gpu_memory), (None, None), "it was not computed on a GPU");
}

#[test]
fn something_else_in_place_of_the_record_of_the_machine_disturbs_no_training() {
    let place = Place::new(TRAINED, &SPLITS);
    let run = place.make(true).unwrap();
    fs::remove_file(run.system_file()).unwrap();
    fs::create_dir(run.system_file()).unwrap();
    let run = place.make(false).unwrap();
    assert_eq!(run.status(), RunStatus::Done);
    assert_eq!(run.record().end.as_ref().and_then(|end| end.usage.as_ref()), None);
}

const LORA: &str = "train:\n  objective: choice\n  tune: lora\n  lora: { rank: 2, targets: [q, mlp] }\n  epochs: 2\n  \
                    batch_size: 2\n  optimizer: { lr: 1e-2 }\n  interpolate: [0.5, 1]\n";

#[test]
fn a_run_with_adapters_keeps_them_beside_the_model_that_has_them_merged_in() {
    let place = Place::new(LORA, &SPLITS);
    let run = place.make(false).unwrap();
    let config: serde_json::Value = read_json(&run.adapter_folder().join("adapter_config.json")).unwrap();
    let Some(Event::Finished { alpha: Some(alpha), .. }) = events(&run).pop() else { panic!("no alpha") };
    assert_eq!((&config["r"], config["lora_alpha"].as_f64()), (&2.into(), Some(2.0 * alpha)));
    assert_eq!(config["target_modules"], r".*\.encoder\.layers\.\d+\.(self_attn\.q_proj|mlp\.fc1|mlp\.fc2)");
    let adapter = tensors(&run.adapter_folder().join("adapter_model.safetensors"));
    let model = tensors(&run.model_folder().join("model.safetensors"));
    let start = tensors(&place.folder.path().join("model/model.safetensors"));
    let module = "text_model.encoder.layers.1.mlp.fc1";
    let matrix = |letter| &adapter[&format!("base_model.model.{module}.lora_{letter}.weight")];
    // alpha / rank is 1.
    let expected = &start[&format!("{module}.weight")] + matrix("B").matmul(matrix("A")) * alpha;
    assert_close(&model[&format!("{module}.weight")], &expected, 1e-6, module);
    assert_eq!(model["text_projection.weight"], start["text_projection.weight"]);
}

#[test]
fn points_between_the_starting_and_the_tuned_model_are_tried_and_the_choice_is_told() {
    let place = Place::new(&format!("{TRAINED}  interpolate: [0, 0.5, 1]\n"), &SPLITS);
    let run = place.make(false).unwrap();
    let events = events(&run);
    let tried: Vec<(f64, f64, f64)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Interpolated { alpha, validation_accuracy, validation_loss } => {
                Some((*alpha, *validation_accuracy, *validation_loss))
            }
            _ => None,
        })
        .collect();
    assert_eq!(tried.iter().map(|(alpha, ..)| *alpha).collect::<Vec<_>>(), [0.0, 0.5, 1.0]);
    let Some(Event::Finished { alpha: Some(alpha), .. }) = events.last() else { panic!("no alpha") };
    // The highest accuracy; of equal ones the lowest loss.
    let merit = |&&(_, accuracy, loss): &&(f64, f64, f64)| (accuracy, -loss);
    let best = tried.iter().max_by(|a, b| merit(a).partial_cmp(&merit(b)).unwrap()).unwrap();
    assert_eq!(best.0, *alpha);
    // The end of the line, which an experiment that tries nothing else exports.
    let place_of_end = Place::new(&format!("{TRAINED}  interpolate: [1]\n"), &SPLITS);
    let end = place_of_end.make(false).unwrap();
    let (start, end) = (weights(&place.folder.path().join("model")), weights(&end.model_folder()));
    for (name, exported) in weights(&run.model_folder()) {
        assert_close(&exported, &start[&name].lerp(&end[&name], *alpha), 1e-6, &name);
    }
}

#[test]
fn a_run_that_is_interrupted_chooses_the_same_point() {
    let train = format!("{TRAINED}  interpolate: [0, 0.5, 1]\n");
    let [undisturbed, disturbed] = [(); 2].map(|()| Place::new(&train, &SPLITS));
    disturbed.make(true).unwrap();
    let [undisturbed, continued] = [&undisturbed, &disturbed].map(|place| place.make(false).unwrap());
    assert_eq!(weights(&continued.model_folder()), weights(&undisturbed.model_folder()));
}

fn parity_items(run: &Run) -> usize {
    read_parity(run).unwrap().items.len()
}

#[test]
fn a_model_taken_as_it_is_needs_only_one_of_the_splits() {
    for splits in [[Split::Train; 2], [Split::Validation; 2], [Split::Test; 2]] {
        let place = Place::new(AS_IT_IS, &splits);
        let run = place.make(false).unwrap();
        assert_eq!((run.status(), steps(&run), parity_items(&run)), (RunStatus::Done, 0, 2), "{splits:?}");
    }
}

#[test]
fn a_split_without_items_is_named() {
    for (splits, lacking) in [([Split::Train; 2], "validation"), ([Split::Validation; 2], "train")] {
        let error = Place::new(TRAINED, &splits).make(false).unwrap_err();
        assert_eq!(error.to_string(), format!("the {lacking} split of tiny has no items"));
        assert_eq!(error.hint().unwrap(), "give it a share in `data.split`");
    }
}

#[test]
fn the_last_epoch_is_kept_without_a_validation_split() {
    let train = format!("{TRAINED}  select: last\n");
    let place = Place::new(&train, &[Split::Train; 4]);
    let events = events(&place.make(false).unwrap());
    assert!(matches!(events.last(), Some(Event::Finished { best_epoch: 2, .. })), "{events:?}");
    let seen =
        |event: &Event| matches!(event, Event::Epoch { validation_loss, .. } if !validation_loss.is_nan());
    assert!(!events.iter().any(seen));
}

#[test]
fn an_image_that_went_away_is_named_and_recorded() {
    let place = Place::new(TRAINED, &SPLITS);
    let gone = PathBuf::from("/nowhere");
    let dataset = place.dataset.clone().with_images_folders(&[gone]);
    let place = Place { dataset, ..place };
    let error = place.make(false).unwrap_err();
    assert!(error.to_string().contains("/nowhere/"), "{error}");
    let run = place.store().runs().unwrap().runs.remove(0);
    assert_eq!(run.status(), RunStatus::Failed);
}
