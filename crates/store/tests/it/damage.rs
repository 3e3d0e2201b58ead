//! A changed byte is an error or changes nothing; it never becomes another number. What is damaged hides nothing else,
//! and comes back.

use std::path::{Path, PathBuf};
use std::process::Command;

use cliptune_experiment::{ModelSource, Precision, Split, TaskKind};
use cliptune_store::{
    Answered, Chosen, Estimate, Items, Measured, Metrics, Origin, Outcome, PRECISIONS_FORMAT, Parity,
    ParityItem, ParitySample, Precisions, Prediction, ReducedPrecision, Run, SCORES_FORMAT, Scores, Standing,
    Standings, StoreError, look, read_parity, read_precisions, read_predictions, read_scores, write_parity,
    write_precisions, write_scores,
};
use fs_err as fs;

use crate::support::{World, experiment, item, record};

/// A plan with everything that can be made of it.
pub(crate) struct Made {
    pub(crate) world: World,
    pub(crate) run: Run,
    pub(crate) dataset: PathBuf,
}

impl Made {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let plan = world.plan("tuned");
        let dataset = world.make_dataset(&plan.data, &[item(1, Split::Test)], &[]).folder().to_path_buf();
        let run = make(&world, "tuned");
        Self { world, run, dataset }
    }

    pub(crate) fn standings(&self, names: &[&str]) -> Standings {
        let experiments: Vec<_> = names.iter().map(|name| experiment(&[self.world.plan(name)])).collect();
        look(&self.world.store(), &experiments, &|_, _| {})
    }

    pub(crate) fn scores_file(&self, name: &str) -> PathBuf {
        self.run.scores_folder(Split::Test).join(name)
    }
}

/// A complete run with weights, graphs, scores and precisions.
fn make(world: &World, name: &str) -> Run {
    let plan = world.plan(name);
    let standing =
        look(&world.store(), &[experiment(std::slice::from_ref(&plan))], &|_, _| {}).known.remove(0);
    let base = standing.base.record().unwrap();
    let record = record(&plan, &standing.dataset_hash, base, &standing.key);
    let mut run = world.store().create_run(record).unwrap();
    for folder in [run.model_folder(), run.onnx_folder()] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(run.weights_file(), "the weights").unwrap();
    fs::write(run.model_folder().join("config.json"), "{}").unwrap();
    fs::write(run.onnx_folder().join("text_model.onnx"), "a graph").unwrap();
    run.link_weights().unwrap();
    Origin::of(std::slice::from_ref(&run)).write(&run.model_folder()).unwrap();
    let item = ParityItem { item_id: "i".to_owned(), texts: vec!["a cat".to_owned()], logits: vec![1.25] };
    write_parity(&run, &ParitySample { items: vec![item] }).unwrap();
    run.finish(Outcome::Done { best_epoch: 3 }, Some(1 << 30)).unwrap();
    for split in [Split::Validation, Split::Test] {
        write_scores(&run, &scores(split), &predictions(), Items::of(&[item_of_predictions()]).all())
            .unwrap();
    }
    write_precisions(&run, &precisions(), &run.onnx_folder()).unwrap();
    run
}

fn item_of_predictions() -> cliptune_store::Item {
    item(1, Split::Test)
}

fn estimate(value: f64) -> Estimate {
    Estimate { value, low: value / 2.0, high: 1.0, method: "cluster bootstrap over 9 groups".to_owned() }
}

fn scores(split: Split) -> Scores {
    Scores {
        format_version: SCORES_FORMAT,
        split,
        task: TaskKind::Choice,
        n_items: 9,
        n_groups: 9,
        n_tied: 1,
        n_equal_choices: 0,
        chance: 0.2,
        majority: 0.25,
        logit_scale: 100.0,
        is_scale_constant: false,
        metrics: Metrics(vec![("accuracy".to_owned(), estimate(0.625)), ("nll".to_owned(), estimate(1.5))]),
        chances: std::collections::BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 9, max_logit_difference: 1e-5, answers_agree: 9, tolerance: 1e-3 }),
    }
}

fn predictions() -> Vec<Prediction> {
    let prediction = |number: usize| {
        let item = item(number, Split::Test);
        Prediction {
            item_id: item.item_id,
            id: item.id,
            group: item.group,
            correct: number % 3 == 2,
            share: 0.5,
            rank: 1.5,
            label_prob: 1.0 / number as f64,
            answered: Answered::Choice(Chosen {
                label: number % 3,
                predicted: 2,
                candidates: vec![0, 1, 2],
                probs: vec![0.5, 0.25, 0.25],
                logits: vec![number as f64, 0.0, -12.5],
            }),
        }
    };
    (1..20).map(prediction).collect()
}

fn precisions() -> Precisions {
    let measured = Measured { bytes: 10, score: 0.5, image_milliseconds: 2.0, text_milliseconds: 1.0 };
    Precisions {
        format_version: PRECISIONS_FORMAT,
        task: TaskKind::Choice,
        n_items: 9,
        n_groups: 9,
        fp32: measured.clone(),
        reduced: vec![ReducedPrecision {
            precision: Precision::Fp16,
            measured,
            difference: estimate(0.0),
            max_logit_difference: 0.01,
            answers_agree: 9,
            margin: None,
            kept: false,
        }],
    }
}

/// Flips a bit of every byte of a file, one after the other, and looks at what is read.
fn flip<T: PartialEq + std::fmt::Debug>(path: &Path, read: impl Fn() -> Result<T, StoreError>) {
    let bytes = fs::read(path).unwrap();
    let intact = read().unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(path, &changed).unwrap();
        if let Ok(read) = read() {
            assert_eq!(read, intact, "byte {at} of {}", path.display());
        }
    }
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(path, &bytes[..cut]).unwrap();
        let error = read().map(drop).unwrap_err();
        assert!(error.is_damage(), "cut at {cut}: {error}");
    }
    fs::write(path, &bytes).unwrap();
    assert_eq!(read().unwrap(), intact);
}

#[test]
fn no_flipped_byte_of_a_record_becomes_another_number() {
    let made = Made::new();
    let (run, store) = (&made.run, made.world.store());
    flip(&made.scores_file("scores.json"), || read_scores(run, Split::Test));
    flip(&made.scores_file("predictions.parquet"), || read_predictions(run, Split::Test));
    flip(&made.scores_file("choices.json"), || read_scores(run, Split::Test));
    flip(&run.precisions_file(), || read_precisions(run));
    flip(&run.parity_file(), || read_parity(run));
    flip(&run.model_folder().join("origin.json"), || Origin::read(&run.model_folder()));
    flip(&run.folder().join("run.json"), || match store.runs()? {
        listing if listing.damaged.is_empty() => Ok(listing.runs[0].record().clone()),
        mut listing => Err(listing.damaged.remove(0).1),
    });
    let hash = run.record().dataset.clone();
    flip(&made.dataset.join("dataset.json"), || {
        Ok(store.dataset(&hash)?.map(|dataset| dataset.record().clone()))
    });
}

#[test]
fn a_flipped_byte_of_a_model_is_found_before_it_is_used() {
    let made = Made::new();
    made.run.verify_model().unwrap();
    for file in [made.run.weights_file(), made.run.model_folder().join("config.json")] {
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, [&bytes[1..], b"x"].concat()).unwrap();
        let error = made.run.verify_model().unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { path, .. } if path.file_name() == file.file_name()),
            "{error}"
        );
        assert!(made.run.verify_export(&made.world.store()).is_err());
        fs::write(&file, &bytes).unwrap();
    }
    made.run.verify_export(&made.world.store()).unwrap();
    // By its path, the run's model or the run itself, it is the same model.
    for folder in [made.run.model_folder(), made.run.folder().to_path_buf()] {
        let base = || {
            let mut plan = made.world.plan("heir");
            plan.model.from = ModelSource::Folder(folder.clone());
            look(&made.world.store(), &[experiment(&[plan])], &|_, _| {}).known.remove(0).base
        };
        fs::write(made.run.weights_file(), "other weights").unwrap();
        assert!(matches!(base().verify(), Err(StoreError::Damaged { .. })));
        fs::write(made.run.weights_file(), "the weights").unwrap();
        base().verify().unwrap();
    }
    // The same for a folder of the user's, whatever its times say.
    let base = made.standings(&["tuned"]).known.remove(0).base;
    base.verify().unwrap();
    let weights = made.world.path("base/model.safetensors");
    let modified = fs::metadata(&weights).unwrap().modified().unwrap();
    fs::write(&weights, "Weights").unwrap();
    fs::File::options().write(true).open(&weights).unwrap().file().set_modified(modified).unwrap();
    assert!(matches!(base.verify(), Err(StoreError::ChangedModel { .. })));
}

/// Every kind of damage to a file.
pub(crate) fn damages(path: &Path) -> [Box<dyn Fn() + '_>; 5] {
    let half = move || {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let garbage = move || fs::write(path, "no record").unwrap();
    let folder = move || {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    let fifo = move || {
        fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let link = move || {
        fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("/nowhere", path).unwrap();
    };
    [Box::new(half), Box::new(garbage), Box::new(folder), Box::new(fifo), Box::new(link)]
}

pub(crate) fn restore(path: &Path, bytes: &[u8]) {
    match path.is_dir() {
        true => fs::remove_dir(path).unwrap(),
        false => fs::remove_file(path).unwrap(),
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn damage_is_named_once_and_what_it_hides_is_stale() {
    let made = Made::new();
    make(&made.world, "other");
    assert!(made.standings(&["tuned", "other"]).known.iter().all(Standing::is_fresh));
    let onnx = made.run.onnx_folder();
    for (path, why) in [
        (made.scores_file("scores.json"), "not scored on test"),
        (made.scores_file("predictions.parquet"), "not scored on test"),
        (made.run.parity_file(), "parity.json is damaged"),
        (onnx.join("text_model.onnx"), "text_model.onnx is damaged"),
        (made.dataset.join("dataset.json"), "no dataset yet"),
        (made.run.folder().join("run.json"), "never trained"),
    ] {
        let bytes = fs::read(&path).unwrap();
        for damage in damages(&path) {
            damage();
            let standings = made.standings(&["tuned", "other"]);
            let [error] = &standings.damage[..] else { panic!("{}: {:?}", path.display(), standings.damage) };
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            assert!(standings.unknown.is_empty());
            let tuned = &standings.known[0];
            assert!(!tuned.is_fresh() && tuned.why[0].contains(why), "{}: {:?}", path.display(), tuned.why);
            let shared = path.starts_with(&made.dataset);
            assert_eq!(standings.known[1].is_fresh(), !shared, "{}", path.display());
            restore(&path, &bytes);
        }
    }
    assert!(made.standings(&["tuned", "other"]).known.iter().all(Standing::is_fresh));
}

#[test]
fn a_missing_table_hides_its_own_experiment_alone() {
    let made = Made::new();
    let mut broken = made.world.plan("broken");
    broken.data.metadata.locations = vec![made.world.path("nothing.parquet").into()];
    let experiments = [experiment(&[broken]), experiment(&[made.world.plan("tuned")])];
    let standings = look(&made.world.store(), &experiments, &|_, _| {});
    assert_eq!((standings.known.len(), standings.unknown.len()), (1, 1));
    assert!(standings.known[0].is_fresh());
    assert!(matches!(standings.unknown[0].error, StoreError::NoTable { .. }));
}

#[test]
fn no_hint_costs_weights() {
    use cliptune_terminal::Diagnostic;
    let made = Made::new();
    let run = &made.run;
    for path in [run.parity_file(), run.precisions_file(), run.model_folder().join("origin.json")] {
        fs::write(&path, "no record").unwrap();
    }
    let errors = [
        read_parity(run).map(drop).unwrap_err(),
        read_precisions(run).map(drop).unwrap_err(),
        Origin::read(&run.model_folder()).map(drop).unwrap_err(),
    ];
    for error in errors {
        let hint = error.hint().unwrap();
        assert!(!hint.contains("move") && !hint.contains("delete"), "{hint}");
    }
}
