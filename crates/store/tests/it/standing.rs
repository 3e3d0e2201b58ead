//! Where plans stand, and why.

use cliptune_experiment::{
    CheckpointInterval, ExperimentName, ModelSource, Plan, Precision, RunReference, Seed, Split, TaskKind,
};
use cliptune_store::{
    Estimate, Items, Metrics, Outcome, Parity, ResolvedBase, Run, SCORES_FORMAT, Scores, Standing,
    StoreError, look, standings, write_scores,
};
use fs_err as fs;

use crate::fsck::newer;
use crate::support::{World, experiment, record, training};

fn stand(world: &World, plans: &[Plan]) -> Vec<Standing> {
    let experiments: Vec<_> = plans.iter().map(|plan| experiment(std::slice::from_ref(plan))).collect();
    standings(&world.store(), &experiments, &|_, _| {}).unwrap()
}

fn why(world: &World, plan: &Plan) -> Vec<String> {
    stand(world, std::slice::from_ref(plan)).remove(0).why
}

/// Makes the dataset and the run that a plan lacks.
fn make(world: &World, standing: &Standing, outcome: Outcome) -> Run {
    if standing.dataset.is_none() {
        world.make_dataset(&standing.plan.data, &[], &[]);
    }
    let base = standing.base.record().unwrap();
    let record = record(&standing.plan, &standing.dataset_hash, base, &standing.key);
    let mut run = world.store().create_run(record).unwrap();
    run.finish(outcome, None).unwrap();
    run
}

fn train(world: &World, plan: &Plan) -> Run {
    let standing = stand(world, std::slice::from_ref(plan)).remove(0);
    make(world, &standing, Outcome::Done { best_epoch: 1 })
}

fn score_of(value: f64) -> Estimate {
    Estimate { value, low: value, high: value, method: "none".to_owned() }
}

pub(crate) fn score(run: &Run, split: Split) {
    score_with(run, split, &[]);
}

pub(crate) fn score_with(run: &Run, split: Split, metrics: &[(&str, f64)]) {
    let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), score_of(*value)));
    let scores = Scores {
        format_version: SCORES_FORMAT,
        split,
        task: TaskKind::Choice,
        n_items: 0,
        n_groups: 0,
        n_tied: 0,
        n_equal_choices: 0,
        chance: 0.2,
        majority: 0.5,
        logit_scale: 1.0,
        is_scale_constant: false,
        metrics: Metrics(metrics.collect()),
        chances: std::collections::BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 0, max_logit_difference: 0.0, answers_agree: 0, tolerance: 0.0 }),
    };
    write_scores(run, &scores, &[], Items::default().all()).unwrap();
}

/// What happens when somebody scores a run that is not there any more.
pub(crate) fn scored_in_vain(run: &Run, split: Split) -> StoreError {
    let scored = cliptune_store::read_scores(run, split).unwrap().unwrap();
    fs::remove_dir_all(run.folder()).unwrap();
    write_scores(run, &scored, &[], Items::default().all()).unwrap_err()
}

#[test]
fn a_plan_goes_from_nothing_to_fresh() {
    let world = World::new();
    let plan = world.plan("tuned");
    assert_eq!(why(&world, &plan), ["no dataset yet", "never trained"]);
    world.make_dataset(&plan.data, &[], &[]);
    assert_eq!(why(&world, &plan), ["never trained"]);
    let run = train(&world, &plan);
    assert_eq!(why(&world, &plan), ["not scored on validation, test"]);
    score(&run, Split::Validation);
    assert_eq!(why(&world, &plan), ["not scored on test"]);
    score(&run, Split::Test);
    let standing = stand(&world, &[plan]).remove(0);
    assert!(standing.is_fresh() && standing.why.is_empty());
    assert_eq!(standing.run.unwrap().id(), run.id());
}

#[test]
fn names_places_and_scores_make_nothing_stale() {
    let world = World::new();
    let plan = world.plan("tuned");
    let run = train(&world, &plan);
    fs::rename(world.path("images"), world.path("elsewhere")).unwrap();
    let mut moved = plan.clone();
    moved.data.images = vec![world.path("elsewhere").into()];
    moved.description = Some("another word for it".to_owned());
    moved.score.splits = vec![Split::Test];
    moved.checkpoint = CheckpointInterval::EveryMinutes(1.0);
    let standing = stand(&world, &[moved]).remove(0);
    assert_eq!(standing.run.unwrap().id(), run.id());
    assert_eq!(
        standing.dataset.unwrap().record().sources.images_folders,
        [world.path("elsewhere").to_str().unwrap()]
    );
}

#[test]
fn a_changed_setting_is_named_with_both_values() {
    let world = World::new();
    let plan = world.plan("tuned");
    train(&world, &plan);
    let mut changed = plan.clone();
    changed.train = Some(training(2e-5));
    changed.model.image_fit = Some(cliptune_experiment::ImageFit::Pad);
    assert_eq!(why(&world, &changed), ["model.image_fit: none → pad", "train.optimizer.lr: 1e-5 → 2e-5"]);
    // Another seed or another point of the matrix is not a change of this one.
    changed.seed = Seed(1);
    assert_eq!(why(&world, &changed), ["never trained"]);
    changed.seed = Seed(0);
    changed.axes.insert("train.optimizer.lr".to_owned(), 2e-5.into());
    assert_eq!(why(&world, &changed), ["never trained"]);
}

#[test]
fn changed_sources_are_named() {
    let world = World::new();
    let plan = world.plan("tuned");
    train(&world, &plan);
    world.write("table.parquet", "other rows");
    assert_eq!(why(&world, &plan), ["no dataset yet", "the dataset changed: table table.parquet"]);
    world.write("images/1.png", "another picture");
    let mut changed = plan.clone();
    changed.data.split.seed = Seed(1);
    assert_eq!(
        why(&world, &changed),
        ["no dataset yet", "the dataset changed: table table.parquet, images images, data.split.seed: 0 → 1"]
    );
    world.write("table.parquet", "rows");
    world.write("images/1.png", "one");
    world.write("base/model.safetensors", "other weights");
    assert_eq!(why(&world, &plan), ["the starting weights changed"]);
}

#[test]
fn an_unfinished_run_says_how_it_ended() {
    let world = World::new();
    let plan = world.plan("tuned");
    for (outcome, ending) in [
        (Outcome::Interrupted, "was interrupted"),
        (Outcome::Failed { message: "no space left".to_owned() }, "failed: no space left"),
    ] {
        let standing = stand(&world, std::slice::from_ref(&plan)).remove(0);
        let run = make(&world, &standing, outcome);
        assert_eq!(why(&world, &plan), [format!("{} {ending}", run.id())]);
    }
}

/// A plan that starts from another experiment's run.
fn from(world: &World, base: &str, seed: Option<Seed>) -> Plan {
    let mut plan = world.plan("tuned");
    plan.model.from = ModelSource::Run(RunReference {
        experiment: base.parse::<ExperimentName>().unwrap(),
        seed,
        is_paired: false,
    });
    plan
}

#[test]
fn a_stale_base_makes_its_heirs_stale() {
    let world = World::new();
    let (base, heir) = (world.plan("base"), from(&world, "base", None));
    let both = [base.clone(), heir.clone()];
    assert_eq!(
        stand(&world, &both)[1].why,
        ["no dataset yet", "the base run:base is stale", "never trained"]
    );
    train(&world, &base);
    let standing = stand(&world, &both).remove(1);
    assert!(matches!(standing.base, ResolvedBase::Run { standing: Some(0), run: Some(_), .. }));
    make(&world, &standing, Outcome::Done { best_epoch: 1 });
    assert_eq!(stand(&world, &both)[1].why, ["not scored on validation, test"]);

    let mut changed = both.clone();
    changed[0].train = Some(training(3e-5));
    assert_eq!(stand(&world, &changed)[1].why, ["the base run:base is stale"]);
    train(&world, &changed[0]);
    assert_eq!(stand(&world, &changed)[1].why, ["the starting weights changed"]);
}

#[test]
fn a_base_may_only_be_in_the_store() {
    let world = World::new();
    let heir = from(&world, "base", None);
    let experiments = [experiment(std::slice::from_ref(&heir))];
    let error = || standings(&world.store(), &experiments, &|_, _| {}).unwrap_err();
    assert!(matches!(error(), StoreError::NoBase { reference } if reference == "run:base"));
    train(&world, &world.plan("base"));
    assert!(matches!(stand(&world, &[heir])[0].base, ResolvedBase::Run { standing: None, run: Some(_), .. }));
    let mut second = world.plan("base");
    second.seed = Seed(1);
    train(&world, &second);
    assert!(matches!(error(), StoreError::AmbiguousBase { count: 2, .. }));
    let chosen = from(&world, "base", Some(Seed(1)));
    assert_eq!(stand(&world, &[chosen]).len(), 1);
}

#[test]
fn a_run_that_a_newer_program_has_made_is_not_made_a_second_time() {
    let world = World::new();
    let (base, other) = (world.plan("base"), world.plan("other"));
    let done = train(&world, &base);
    let is_known = |plan: &Plan| {
        let experiments = [experiment(std::slice::from_ref(plan))];
        let found = look(&world.store(), &experiments, &|_, _| {});
        let errors = found
            .unknown
            .iter()
            .map(|unknown| unknown.error.to_string())
            .chain(found.damage.iter().map(ToString::to_string));
        let newer = errors.filter(|error| error.contains("a newer cliptune has written it")).count();
        (found.known.len(), newer)
    };
    assert_eq!(is_known(&base), (1, 0));
    let path = done.folder().join("run.json");
    fs::write(&path, newer(&fs::read(&path).unwrap())).unwrap();
    assert_eq!(is_known(&base), (0, 1), "it may be the run of the plan; that is said once");
    assert_eq!(is_known(&from(&world, "base", None)), (0, 1), "nothing else is trained from in its place");
    assert_eq!(is_known(&other), (1, 0), "no other experiment is hidden");
}

#[test]
fn damaged_scores_are_made_again() {
    let world = World::new();
    let plan = world.plan("tuned");
    let run = train(&world, &plan);
    score(&run, Split::Validation);
    score(&run, Split::Test);
    fs::write(run.scores_folder(Split::Test).join("scores.json"), "{").unwrap();
    assert_eq!(why(&world, &plan), ["not scored on test"]);
}

#[test]
fn a_reduced_precision_trains_nothing_again() {
    let world = World::new();
    let mut plan = world.plan("tuned");
    let run = train(&world, &plan);
    score(&run, Split::Validation);
    score(&run, Split::Test);
    plan.export.onnx.push(Precision::Fp16);
    let standing = stand(&world, std::slice::from_ref(&plan)).remove(0);
    assert_eq!(standing.run.as_ref().map(Run::id), Some(run.id()));
    assert_eq!(
        (standing.is_fresh(), standing.why),
        (false, vec!["fp16 not judged on validation".to_owned()])
    );
    // A graph in fp32 is of the training.
    plan.export.onnx.clear();
    assert_eq!(why(&world, &plan), ["export.onnx: [\"fp32\"] → []"]);
}

#[test]
fn a_run_whose_weights_were_removed_is_fresh_until_something_needs_them() {
    let world = World::new();
    let plan = world.plan("tuned");
    world.make_dataset(&plan.data, &[], &[]);
    let standing = stand(&world, std::slice::from_ref(&plan)).remove(0);
    let record = record(&plan, &standing.dataset_hash, standing.base.record().unwrap(), &standing.key);
    let run = crate::trash::finished(&world, record);
    plan.score.splits.iter().for_each(|split| score(&run, *split));
    assert_eq!(why(&world, &plan), ["parity.json is damaged"], "no test computes logits");
    world.store().trash_weights(&world.store().lock().unwrap(), &run).unwrap();
    let standing = stand(&world, std::slice::from_ref(&plan)).remove(0);
    assert!(standing.is_fresh() && standing.why.is_empty(), "{:?}", standing.why);
    // What needs the weights is told where they are, and the training stays what it was.
    fs::remove_dir_all(run.scores_folder(Split::Test)).unwrap();
    let standing = stand(&world, std::slice::from_ref(&plan)).remove(0);
    assert_eq!((standing.is_trained(), standing.why), (true, vec!["not scored on test".to_owned()]));
    let error = run.verify_export(&world.store()).unwrap_err();
    assert!(matches!(error, StoreError::NoWeights { .. }), "{error}");

    let mut child = world.plan("child");
    child.model.from =
        ModelSource::Run(RunReference { experiment: plan.experiment.clone(), seed: None, is_paired: false });
    let child = stand(&world, &[plan.clone(), child]).remove(1);
    assert!(matches!(child.base.verify(), Err(StoreError::NoWeights { .. })));
    // By its path it is as clear.
    let mut by_path = world.plan("by-path");
    for path in [run.folder().to_path_buf(), run.model_folder()] {
        by_path.model.from = ModelSource::Folder(path);
        let error = standings(&world.store(), &[experiment(&[by_path.clone()])], &|_, _| {}).unwrap_err();
        assert!(matches!(error, StoreError::NoWeights { .. }), "{error}");
    }
}
