//! From a store on disk to a report, with everything in between but training and scoring.

use std::path::{Path, PathBuf};

use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_compare::Answers;
use cliptune_experiment::{Control, Experiment, Plan, Split, TaskKind, load};
use cliptune_report::data::{ReportData, State, Stratum, Verdict};
use cliptune_report::render::{PAGE, render};
use cliptune_report::{
    ComparedSide, Options, Outcomes, Request, headline, is_fresh, outcomes_page, publish, summary,
};
use cliptune_store::{
    Answered, Base, Chosen, ControlScores, DATASET_FORMAT, DatasetRecord, Estimate, Event, EventLog,
    ImageIdentity, Item, ItemCounts, Items, JoinCounts, Leaks, Metrics, Outcome, Parity, Prediction,
    Provenance, RUN_FORMAT, RunRecord, SCORES_FORMAT, Scores, Sources, Standing, Store, read_predictions,
    run_name, standings, write_dataset_rows, write_scores,
};
use tempfile::TempDir;

const ITEMS: usize = 40;

const DATA: &str = r"
data:
  images: images
  metadata: table.csv
  join: { image: name, metadata: filename }
  columns: { choices: choices, label: label, group: contest }
model:
  from: scratch
  architecture:
    image_size: 16
    patch_size: 8
    vision: { width: 8, layers: 1, heads: 1 }
    text: { width: 8, layers: 1, heads: 1 }
    context_length: 8
    vocab_size: 600
    projection_dim: 8
";

/// A store with experiments beside it.
struct World {
    folder: TempDir,
    store: Store,
    experiments: Vec<Experiment>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("images")).unwrap();
        for group in 0..ITEMS / 2 {
            let gray = image::GrayImage::from_pixel(20, 16, image::Luma([group as u8 * 5]));
            gray.save(path(&format!("images/{group}.png"))).unwrap();
        }
        std::fs::write(path("table.csv"), "filename,choices,label,contest\n").unwrap();
        std::fs::write(path("zero.yaml"), format!("name: zero\n{DATA}")).unwrap();
        let train = "train: { objective: choice, epochs: 2, batch_size: 8, optimizer: { name: adamw, lr: 1e-4 } }\nseeds: [0, 1]\n";
        std::fs::write(path("tuned.yaml"), format!("name: tuned\n{DATA}{train}")).unwrap();
        let folds = "matrix: { data.split.test_fold: [0, 1, 2] }\n";
        for (name, train) in [("zero", ""), ("tuned", train)] {
            let data = DATA.replace("model:", "  split: { by: group, folds: 3 }\nmodel:");
            let text = format!("name: {name}-folds\n{data}{train}{folds}");
            std::fs::write(path(&format!("{name}-folds.yaml")), text).unwrap();
        }
        let store = Store::open(&path("runs")).unwrap();
        Self { folder, store, experiments: Vec::new() }.with(&["zero", "tuned"])
    }

    /// Returns the same folder with other experiments.
    fn with(self, names: &[&str]) -> Self {
        let file = |name: &&str| self.folder.path().join(format!("{name}.yaml"));
        let paths: Vec<PathBuf> = names.iter().map(file).collect();
        let experiments = load(&paths, &[]).unwrap_or_else(|error| panic!("{}", error.rendered()));
        Self { experiments, ..self }
    }

    fn standings(&self) -> Vec<Standing> {
        standings(&self.store, &self.experiments, &|_, _| {}).unwrap()
    }

    fn request(&self) -> Request {
        let options = Options { name: Some("demo".to_owned()), ..Options::default() };
        Request::of(&self.store, &[self.folder.path().to_path_buf()], &[], &options).unwrap()
    }

    fn read(&self) -> ReportData {
        summary::read(&self.standings(), &self.request()).unwrap()
    }

    /// Does what ingest, train and score do.
    fn run_everything(&self) {
        let standings = self.standings();
        for standing in &standings {
            if self.store.dataset(&standing.dataset_hash).unwrap().is_none() {
                self.make_dataset(standing);
            }
        }
        for standing in &standings {
            run(&self.store, standing);
        }
    }

    fn make_dataset(&self, standing: &Standing) {
        let staged = self.store.stage_dataset(&standing.dataset_hash).unwrap();
        let record = dataset_record(standing, self.folder.path());
        let hashed = |item: Item| {
            let file = self.folder.path().join("images").join(&item.image);
            let image_hash = ImageIdentity::of(&std::fs::read(file).unwrap());
            Item { image_hash, ..item }
        };
        let items: Vec<Item> = tested(&standing.plan).into_iter().map(hashed).collect();
        write_dataset_rows(&staged, &record, &items, &[]).unwrap();
        staged.commit().unwrap();
    }
}

fn items() -> Vec<Item> {
    let item = |index: usize| Item {
        item_id: format!("{:016x}", index * 7919 % 1009),
        id: format!("q{index}"),
        ids: vec![format!("q{index}")],
        group: (index / 2).to_string(),
        split: Split::Test,
        folder: 0,
        image: format!("{}.png", index / 2),
        image_hash: ImageIdentity::of(b""),
        width: Some(20),
        height: Some(16),
        texts: (0..5).map(|text| format!("caption {text} of {index}")).collect(),
        label: index % 5,
        vocabulary: Vec::new(),
    };
    (0..ITEMS).map(item).collect()
}

/// The test items of a plan: those of its fold, or all.
fn tested(plan: &Plan) -> Vec<Item> {
    let in_fold = |item: &Item| plan.fold().is_none_or(|fold| item.group.parse::<u32>().unwrap() % 3 == fold);
    items().into_iter().filter(in_fold).collect()
}

fn dataset_record(standing: &Standing, folder: &Path) -> DatasetRecord {
    DatasetRecord {
        format_version: DATASET_FORMAT,
        hash: standing.dataset_hash.clone(),
        task: TaskKind::Choice,
        classes: Vec::new(),
        plan: standing.plan.data.clone(),
        sources: Sources {
            images_folders: vec![folder.join("images").display().to_string()],
            images_hash: "1".repeat(64),
            table_hash: "2".repeat(64),
            bytes: Default::default(),
        },
        notes: Default::default(),
        join: JoinCounts::default(),
        rejects: Default::default(),
        items: ItemCounts::default(),
        splits: Default::default(),
        leaks: Leaks::default(),
        history: Default::default(),
        tables: Default::default(),
    }
}

fn run(store: &Store, standing: &Standing) {
    let started = "2026-11-23T09:32:00.000Z".to_owned();
    let record = RunRecord {
        format_version: RUN_FORMAT,
        run: run_name(&started, &standing.key, standing.plan.seed),
        experiment: standing.plan.experiment.clone(),
        seed: standing.plan.seed,
        key: standing.key.clone(),
        plan: standing.plan.clone(),
        dataset: standing.dataset_hash.clone(),
        base: Base::Scratch,
        lineage: Vec::new(),
        provenance: Provenance {
            cliptune: "0.1.0".to_owned(),
            binary: "3".repeat(64),
            git_commit: None,
            host: "here".to_owned(),
            device: "cpu".to_owned(),
            threads: 1,
            processes: None,
        },
        started,
        end: None,
    };
    let mut run = store.create_run(record).unwrap();
    let trained = standing.plan.train.is_some();
    std::fs::create_dir_all(run.model_folder()).unwrap();
    Preprocessor::openai(16, Fit::Crop).save(&run.model_folder()).unwrap();
    write_events(&run.events_file(), trained);
    run.finish(Outcome::Done { best_epoch: if trained { 2 } else { 0 } }, None).unwrap();
    let items = tested(&standing.plan);
    let mut predictions = predictions(trained, standing.plan.seed.0 as usize);
    predictions.retain(|one| items.iter().any(|item| item.item_id == one.item_id));
    let right = predictions.iter().filter(|one| one.correct).count() as f64 / items.len() as f64;
    write_scores(&run, &scores(right), &predictions, Items::of(&items).all()).unwrap();
}

fn write_events(path: &Path, trained: bool) {
    let mut log = EventLog::create(path).unwrap();
    let epochs = if trained { 2 } else { 0 };
    let mut append = |event: &Event| log.append(event).unwrap();
    append(&Event::Started {
        epochs,
        steps: epochs * 3,
        train_items: 90,
        validation_items: 10,
        parameters: 1000,
        trainable: 900,
        device: "cpu".to_owned(),
    });
    for epoch in 0..=epochs {
        append(&Event::Epoch {
            epoch,
            step: epoch * 3,
            validation_loss: 1.6 - 0.2 * epoch as f64,
            validation_accuracy: 0.2 + 0.2 * epoch as f64,
            best: true,
        });
        for step in epoch * 3 + 1..=(epoch * 3 + 3).min(epochs * 3) {
            append(&Event::Step {
                step,
                epoch: epoch + 1,
                loss: 1.6 - 0.05 * step as f64,
                learning_rate: 1e-4,
                grad_norm: 1.0,
                logit_scale: 10.0,
                items_per_second: 100.0,
            });
        }
    }
    drop(log);
    // A torn line, as a crash leaves it.
    let mut bytes = std::fs::read(path).unwrap();
    bytes.extend_from_slice(b"{\"torn");
    std::fs::write(path, bytes).unwrap();
}

/// Untrained: every fifth is right. Trained: all but every fourth.
fn predictions(trained: bool, seed: usize) -> Vec<Prediction> {
    let predict = |item: &Item, index: usize| {
        let right = if trained { !(index + seed).is_multiple_of(4) } else { index.is_multiple_of(5) };
        let predicted = if right { item.label } else { (item.label + 1) % 5 };
        Prediction {
            item_id: item.item_id.clone(),
            id: item.id.clone(),
            group: item.group.clone(),
            correct: right,
            share: f64::from(u8::from(right)),
            rank: if right { 1.0 } else { 2.0 },
            label_prob: 0.2,
            answered: Answered::Choice(Chosen {
                label: item.label,
                predicted,
                candidates: (0..5).collect(),
                probs: vec![0.2; 5],
                logits: vec![0.0; 5],
            }),
        }
    };
    items().iter().enumerate().map(|(index, item)| predict(item, index)).collect()
}

fn scores(right: f64) -> Scores {
    let estimate =
        |value: f64| Estimate { value, low: value - 0.1, high: value + 0.1, method: "invented".to_owned() };
    Scores {
        format_version: SCORES_FORMAT,
        split: Split::Test,
        task: TaskKind::Choice,
        n_items: ITEMS,
        n_groups: ITEMS / 2,
        n_tied: 0,
        n_equal_choices: 0,
        chance: 0.2,
        majority: 0.2,
        logit_scale: 10.0,
        is_scale_constant: false,
        metrics: Metrics(vec![("accuracy".to_owned(), estimate(right)), ("nll".to_owned(), estimate(1.5))]),
        chances: std::collections::BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 8, max_logit_difference: 1e-6, answers_agree: 8, tolerance: 1e-3 }),
    }
}

#[test]
fn before_anything_ran_every_experiment_is_there() {
    let world = World::new();
    let data = world.read();
    let states: Vec<_> = data.entries.iter().map(|entry| (entry.name.as_str(), entry.state())).collect();
    assert_eq!(states, [("zero", State::NotRunYet), ("tuned", State::NotRunYet)]);
    assert_eq!(data.entries[1].runs.len(), 2);
    render(&data).unwrap();
}

#[test]
fn runs_become_a_board_with_a_paired_difference() {
    let world = World::new();
    world.run_everything();
    let data = world.read();
    let [board] = data.boards.as_slice() else { panic!("{:?}", data.boards) };
    assert_eq!((board.baseline, board.headline, board.n_items), (Some(0), Some(1), ITEMS));
    let (zero, tuned) = (&board.rows[0], &board.rows[1]);
    assert_eq!((zero.score.value, zero.score.method.as_str()), (0.2, "invented"));
    assert!((tuned.score.value - 0.75).abs() < 1e-9 && tuned.per_seed.len() == 2);
    let difference = tuned.difference.as_ref().unwrap();
    assert!((difference.delta.value - 0.55).abs() < 1e-9 && difference.delta.low > 0.0);
    assert_eq!((difference.verdict, difference.mid_p()), (Verdict::Improved, None));
    assert!(difference.p_value < 0.05 && difference.holm_p == difference.p_value, "{difference:?}");
    assert!(zero.difference.is_none());
}

#[test]
fn the_gallery_shows_items_of_the_test_split_with_their_images() {
    let world = World::new();
    world.run_everything();
    let gallery = world.read().gallery.unwrap();
    assert_eq!(gallery.items.len(), 16);
    assert!(gallery.items.iter().all(|item| item.image.is_ok()), "{:?}", gallery.items[0].image);
    let gained = gallery.items.iter().find(|item| item.stratum == Stratum::Gained).unwrap();
    assert_eq!(gained.answers[0].votes[gained.label], 0);
    assert_eq!(gained.answers[1].votes[gained.label], 2);
}

#[test]
fn a_page_shows_the_items_that_were_won_with_their_images() {
    let world = World::new();
    world.run_everything();
    let standings = world.standings();
    let run = |at: usize| standings[at].run.as_ref().unwrap();
    let answers = |at: usize| Answers::alone(vec![read_predictions(run(at), Split::Test).unwrap()]);
    let (zero, tuned) = (answers(0), answers(1));
    let dataset = world.store.dataset(&standings[0].dataset_hash).unwrap().unwrap();
    let page = outcomes_page(&Outcomes {
        title: "tuned against <zero>".to_owned(),
        baseline: ComparedSide { name: "zero", answers: &zero, verdict: String::new() },
        others: vec![ComparedSide { name: "tuned", answers: &tuned, verdict: "improved".to_owned() }],
        split: Split::Test,
        datasets: &[dataset],
        run: run(1),
    });
    let page = page.unwrap();
    for part in
        ["items won", "items lost", "data:image/jpeg;base64,", "&lt;zero&gt;", "✓ right", "caption 0 of"]
    {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_torn_event_is_counted() {
    let world = World::new();
    world.run_everything();
    let runs: Vec<_> = world.read().entries.into_iter().flat_map(|entry| entry.runs).collect();
    assert!(runs.iter().all(|run| run.damaged_lines == 1));
}

#[test]
fn runs_on_other_images_are_not_shown() {
    let world = World::new();
    world.run_everything();
    std::fs::write(world.folder.path().join("images/1.png"), b"another image").unwrap();
    assert!(world.read().boards.is_empty());
}

#[test]
fn a_report_is_fresh_until_its_inputs_change() {
    let world = World::new();
    world.run_everything();
    assert!(!is_fresh(&world.standings(), &world.request()).unwrap());
    let data = world.read();
    let page = publish(&world.request(), &render(&data).unwrap()).unwrap();
    assert!(is_fresh(&world.standings(), &world.request()).unwrap());
    assert_eq!(render(&world.read()).unwrap(), render(&data).unwrap());
    let standings = world.standings();
    let scores = standings[1].run.as_ref().unwrap().scores_folder(Split::Test).join("scores.json");
    let text = std::fs::read_to_string(&scores).unwrap();
    std::fs::write(&scores, text.replace("invented", "guessed")).unwrap();
    assert!(!is_fresh(&world.standings(), &world.request()).unwrap());
    assert!(page.ends_with(Path::new("reports/demo").join(PAGE)));
}

#[test]
fn the_folds_of_a_matrix_are_one_experiment_that_tests_every_item_once() {
    let world = World::new().with(&["zero-folds", "tuned-folds"]);
    world.run_everything();
    let data = world.read();
    let names: Vec<_> = data.entries.iter().map(|entry| (entry.name.as_str(), entry.runs.len())).collect();
    assert_eq!(names, [("zero-folds", 3), ("tuned-folds", 6)]);
    let [board] = data.boards.as_slice() else { panic!("{:?}", data.boards) };
    assert_eq!((board.n_items, board.n_groups), (ITEMS, ITEMS / 2));
    let tuned = &board.rows[1];
    assert_eq!(tuned.per_seed.iter().map(|(seed, _)| seed.0).collect::<Vec<_>>(), [0, 1]);
    // As the paper of the contest does, the score is the mean over the folds, whatever their sizes.
    let folds: Vec<f64> = tuned.per_fold.iter().map(|(_, score)| *score).collect();
    assert_eq!(folds.len(), 3);
    assert!((tuned.score.value - folds.iter().sum::<f64>() / 3.0).abs() < 1e-9, "{tuned:?}");
    let difference = tuned.difference.as_ref().unwrap();
    assert!((difference.delta.value - (tuned.score.value - board.rows[0].score.value)).abs() < 1e-9);
    assert_eq!((difference.verdict, difference.mid_p()), (Verdict::Improved, None));
    let gallery = data.gallery.as_ref().unwrap();
    assert!(gallery.items.len() == 16 && gallery.items.iter().all(|item| item.image.is_ok()));
    let files = render(&data).unwrap();
    let markdown = files.iter().find(|file| file.name == "report.md").unwrap();
    let text = String::from_utf8(markdown.bytes.clone()).unwrap();
    assert_eq!(text.matches("stands in two splits").count(), 1, "{text}");
}

#[test]
fn a_fold_that_is_missing_is_named_and_nothing_is_compared_without_it() {
    let world = World::new().with(&["tuned-folds"]);
    let standings = world.standings();
    for standing in standings.iter().filter(|standing| standing.plan.fold() != Some(1)) {
        if world.store.dataset(&standing.dataset_hash).unwrap().is_none() {
            world.make_dataset(standing);
        }
        run(&world.store, standing);
    }
    let data = world.read();
    assert!(data.boards.is_empty());
    let page = render(&data).unwrap();
    let markdown = page.iter().find(|file| file.name == "report.md").unwrap();
    let text = String::from_utf8(markdown.bytes.clone()).unwrap();
    assert!(text.contains("missing (fold 1, seed 0), (fold 1, seed 1)"), "{text}");
}

/// Scores the trained runs again, with what they reach with a blank image, each with the low end of its interval.
fn add_controls(world: &World, lows: &[f64]) {
    let standings = world.standings();
    let trained = standings.iter().filter(|standing| standing.plan.train.is_some());
    for (standing, &low) in trained.zip(lows) {
        let run = standing.run.as_ref().unwrap();
        let reached = Estimate { value: 0.5, low, high: 0.7, method: "invented".to_owned() };
        let metrics = Metrics(vec![("accuracy".to_owned(), reached)]);
        let scores = Scores {
            controls: vec![ControlScores { control: Control::BlankImage, metrics }],
            chances: [("accuracy".to_owned(), 0.2)].into(),
            ..scores(0.75)
        };
        let predictions = read_predictions(run, Split::Test).unwrap();
        write_scores(run, &scores, &predictions, Items::of(&tested(&standing.plan)).all()).unwrap();
    }
}

#[test]
fn what_is_above_chance_without_looking_in_the_mean_over_seeds_is_told_in_the_title() {
    let world = World::new();
    world.run_everything();
    add_controls(&world, &[0.3, 0.15]);
    let title = headline(&world.read());
    assert!(title.ends_with("over zero – but above chance with a blank image (accuracy 0.50)"), "{title}");
    // One of two seeds is above chance by chance.
    add_controls(&world, &[0.3, 0.05]);
    let title = headline(&world.read());
    assert!(!title.contains("above chance"), "{title}");
}
