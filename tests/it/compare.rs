//! Whether one run is better than another, as `cliptune compare` tells it.

use std::path::Path;

use cliptune_experiment::{FoldSource, Folds, Plan, Seed, Split, TaskKind};
use cliptune_store::{
    Answered, Chosen, Estimate, Item, Items, Metrics, Outcome, Parity, Prediction, Run, SCORES_FORMAT,
    Scores, Store, write_scores,
};
use fs_err as fs;
use serde_json::Value;

use crate::drawn;
use crate::support::{TestContext, output};

/// Two questions about each of 60 cartoons.
const ITEMS: usize = 120;

/// A store with runs that were never trained, and the folder of their experiments.
struct World {
    context: TestContext,
    store: Store,
    folder: tempfile::TempDir,
    runs: usize,
}

impl World {
    fn new() -> Self {
        let context = TestContext::empty();
        let store = Store::open(&context.path("runs")).unwrap();
        Self { context, store, folder: tempfile::tempdir().unwrap(), runs: 0 }
    }

    /// Makes a scored run of each plan of an experiment that is picked, right about the items that `is_right` says.
    fn runs(
        &mut self,
        name: &str,
        pick: impl Fn(&Plan) -> bool,
        is_right: impl Fn(usize) -> bool,
    ) -> Vec<Run> {
        let plans = drawn::plans(self.folder.path(), name);
        let made = plans.iter().filter(|plan| pick(plan)).map(|plan| {
            self.runs += 1;
            let run = drawn::run(&self.store, plan, self.runs, Some(Outcome::Done { best_epoch: 1 }));
            let predictions: Vec<Prediction> =
                (0..ITEMS).map(|item| prediction(item, is_right(item))).collect();
            score(&run, &predictions);
            run
        });
        made.collect()
    }

    fn compare(&self, arguments: &str) -> Value {
        self.context.cliptune(&format!("compare {arguments} --json")).succeeded().json()
    }
}

/// The first point of the matrix, with its first seed.
fn first(plan: &Plan) -> bool {
    is_point(plan) && plan.seed.0 == 0
}

/// The first point of the matrix.
fn is_point(plan: &Plan) -> bool {
    plan.axes["train.tune"] == "full" && plan.axes["train.optimizer.lr"] == 1e-5
}

/// Right about every second item.
fn half(item: usize) -> bool {
    item.is_multiple_of(2)
}

/// Right about three of four.
fn most(item: usize) -> bool {
    item % 4 != 3
}

fn prediction(item: usize, is_right: bool) -> Prediction {
    let predicted = usize::from(!is_right);
    let probs = if is_right { vec![0.6, 0.4] } else { vec![0.4, 0.6] };
    Prediction {
        item_id: format!("{item:016x}"),
        id: format!("q{item}"),
        group: format!("{:03}", item / 2),
        correct: is_right,
        share: f64::from(u8::from(is_right)),
        rank: 1.0 + predicted as f64,
        label_prob: probs[0],
        answered: Answered::Choice(Chosen {
            label: 0,
            predicted,
            candidates: vec![0, 1],
            logits: probs.iter().map(|one: &f64| one.ln()).collect(),
            probs,
        }),
    }
}

fn score(run: &Run, predictions: &[Prediction]) {
    let accuracy = Estimate { value: 0.5, low: 0.4, high: 0.6, method: "invented".to_owned() };
    let scores = Scores {
        format_version: SCORES_FORMAT,
        split: Split::Test,
        task: TaskKind::Choice,
        n_items: predictions.len(),
        n_groups: predictions.len() / 2,
        n_tied: 0,
        n_equal_choices: 0,
        chance: 0.5,
        majority: 0.5,
        logit_scale: 100.0,
        is_scale_constant: false,
        metrics: Metrics(vec![("accuracy".to_owned(), accuracy)]),
        chances: std::collections::BTreeMap::new(),
        classes: None,
        positions: Vec::new(),
        risk_coverage: Vec::new(),
        nearest: Vec::new(),
        controls: Vec::new(),
        parity: Some(Parity { n_items: 1, max_logit_difference: 0.0, answers_agree: 1, tolerance: 1e-3 }),
    };
    write_scores(run, &scores, predictions, Items::of(&[] as &[Item]).all()).unwrap();
}

#[test]
fn a_better_run_is_told_so_with_what_differs() {
    let mut world = World::new();
    world.runs("zero", first, half);
    world.runs("tuned", |plan| plan.axes["train.tune"] == "lora" && plan.seed.0 == 0, most);
    let said = world.compare("zero tuned@0")[0].clone();
    assert_eq!((&said["n"], &said["n_groups"]), (&120.into(), &60.into()));
    let cells = ["both", "only_a", "only_b", "neither"].map(|cell| said[cell].as_f64().unwrap());
    assert_eq!(cells, [60.0, 0.0, 30.0, 30.0]);
    assert_eq!((&said["verdict"], &said["metric"]), (&"improved".into(), &"accuracy".into()));
    // Two questions of a cartoon are no independent items.
    assert_eq!((&said["mcnemar_mid_p"], &said["test"]), (&Value::Null, &"permutation over groups".into()));
    let delta = ["value", "low", "high"].map(|end| said["delta"][end].as_f64().unwrap());
    assert!(delta[0] == 0.25 && 0.1 < delta[1] && delta[1] < 0.25 && delta[2] < 0.4, "{said}");
    assert_eq!(said["settings"]["train.tune"][0], "full");
    let metrics: Vec<&String> = said["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(metrics, ["accuracy", "label_prob", "nll", "brier", "ece", "mrr", "aurc"]);
}

#[test]
fn one_comparison_is_an_object_and_a_table() {
    let mut world = World::new();
    world.runs("zero", first, half);
    world.runs("tuned", first, most);
    let said = world.compare("zero tuned");
    let names = ["a", "b"].map(|side| said[side].as_str().unwrap().split(' ').next().unwrap());
    assert_eq!(names, ["zero@0", "tuned@0"]);
    assert_eq!(said["settings"], serde_json::json!({}), "{said}");
    let text = world.context.cliptune("compare zero tuned --items").succeeded().stdout;
    for part in
        ["120 items of the test split from 60 groups", "+25.0 pt [", "improved (p < 0.001)", "won", "q5"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.matches("\nwon ").count(), 30, "{text}");
    let same = world.context.cliptune("compare zero tuned --metric acuracy").ended(2);
    assert!(same.stderr.contains("did you mean accuracy?"), "{same}");
}

#[test]
fn a_page_needs_a_run() {
    let world = World::new();
    world.context.write("theirs.jsonl", "{\"id\": 1, \"label\": 1, \"predicted\": 1}\n");
    let refused =
        world.context.cliptune("compare --predictions theirs.jsonl theirs.jsonl --items --html").ended(2);
    assert!(refused.stderr.contains("no run is named"), "{refused}");
    world.context.cliptune("compare --predictions theirs.jsonl theirs.jsonl --html").ended(2);
}

#[test]
fn what_got_worse_can_end_with_a_code_of_its_own() {
    let mut world = World::new();
    let zero = world.runs("zero", first, half);
    world.runs("tuned", first, most);
    world.context.cliptune("compare tuned zero").succeeded();
    world.context.cliptune("compare tuned zero --fail-if-worse").ended(4);
    world.context.cliptune("compare tuned zero --fail-if-worse 0.2").ended(4);
    world.context.cliptune("compare tuned zero --fail-if-worse 0.3").succeeded();
    world.context.cliptune("compare zero tuned --fail-if-worse").succeeded();
    world.context.cliptune("compare zero tuned --fail-if-worse=-1").ended(2);
    // A folder stands for its run.
    let folder = format!("compare tuned {} --fail-if-worse", zero[0].folder().display());
    world.context.cliptune(&folder).ended(4);
}

#[test]
fn a_matrix_is_several_sides_corrected_together_and_no_baseline() {
    let mut world = World::new();
    world.runs("zero", first, half);
    world.runs("sweep", |_| true, most);
    let said = world.compare("zero sweep");
    let said = said.as_array().unwrap();
    assert_eq!(said.len(), 4);
    for one in said {
        assert_eq!((&one["seeds"], &one["test"]), (&serde_json::json!([1, 2]), &"resamples".into()));
        assert!(one["holm_p"].as_f64() > one["p_value"].as_f64(), "{one}");
    }
    let several = world.context.cliptune("compare sweep zero").ended(2);
    assert!(several.stderr.contains("the baseline stands for 4 settings"), "{several}");
}

#[test]
fn runs_of_earlier_settings_are_left_out() {
    let mut world = World::new();
    world.runs("zero", first, half);
    world.runs("tuned", is_point, half);
    let mut later = drawn::plans(world.folder.path(), "tuned").remove(0);
    later.train.as_mut().unwrap().epochs = 9;
    let run = drawn::run(&world.store, &later, 500, Some(Outcome::Done { best_epoch: 1 }));
    score(&run, &(0..ITEMS).map(|item| prediction(item, most(item))).collect::<Vec<_>>());
    let said = world.context.cliptune("compare zero tuned --json").succeeded();
    assert_eq!(said.json()["seeds"], serde_json::json!([1, 1]));
    assert!(said.stderr.contains("1 run of 2 left out, which have other settings"), "{said}");
}

#[test]
fn runs_on_earlier_data_are_left_out() {
    let mut world = World::new();
    world.runs("zero", first, half);
    let plans = drawn::plans(world.folder.path(), "tuned");
    for (number, plan) in plans.iter().filter(|plan| is_point(plan)).enumerate() {
        let dataset = ["db", "da"][number].repeat(32);
        let done = Some(Outcome::Done { best_epoch: 1 });
        let run = drawn::run_on(&world.store, plan, 600 + number, done, &dataset);
        let items = number * ITEMS..(number + 1) * ITEMS;
        score(&run, &items.map(|item| prediction(item % (ITEMS + 7), most(item))).collect::<Vec<_>>());
    }
    let newest = world.context.cliptune("compare zero tuned");
    assert!(newest.stderr.contains("1 run of 2 left out, which have other data than the newest"), "{newest}");
}

#[test]
fn folds_and_seeds_that_are_missing_are_named() {
    let mut world = World::new();
    let plan = drawn::plans(world.folder.path(), "cross").into_iter().find(first).unwrap();
    for (seed, fold) in [(0, 0), (0, 2), (1, 0)] {
        let mut plan = Plan { seed: Seed(seed), ..plan.clone() };
        plan.data.split.folds = Some(Folds { of: FoldSource::Dealt(3), test: fold });
        plan.axes.insert("data.split.test_fold".to_owned(), fold.into());
        world.runs += 1;
        let run = drawn::run(&world.store, &plan, world.runs, Some(Outcome::Done { best_epoch: 1 }));
        let items = 40 * fold as usize..40 * (fold as usize + 1);
        score(&run, &items.map(|item| prediction(item, half(item))).collect::<Vec<_>>());
    }
    let lines = (0..ITEMS).map(|item| format!("{{\"id\": \"q{item}\", \"predicted\": 0}}\n"));
    world.context.write("theirs.jsonl", &lines.collect::<String>());
    let said = world.context.cliptune("compare cross --predictions theirs.jsonl --json").succeeded();
    assert_eq!(said.json()["n"], 80);
    for part in [
        "fold 1 has no scored run, so that its items are left out",
        "seed 1 is left out, because it lacks fold 2",
    ] {
        assert!(said.stderr.contains(part), "{said}");
    }
}

#[test]
fn a_side_that_is_named_twice_is_compared_once() {
    let mut world = World::new();
    world.runs("zero", first, half);
    world.runs("tuned", first, most);
    let said = world.context.cliptune("compare zero tuned@0 tuned --json").succeeded();
    assert!(said.json().is_object() && said.stderr.contains("is named twice and compared once"), "{said}");
}

#[test]
fn a_name_that_is_empty_stands_for_nothing() {
    let mut world = World::new();
    let zero = world.runs("zero", first, half);
    for command in
        [&["compare", "zero", ""][..], &["show", ""], &["rm", "", "--force"], &["tag", "", "--add", "x"]]
    {
        let refused = output(world.context.command("cliptune").args(command)).ended(2);
        assert!(refused.stderr.contains("the name of a run is empty"), "{refused}");
    }
    assert!(zero[0].folder().is_dir());
}

#[test]
fn other_items_are_refused_by_their_number() {
    let mut world = World::new();
    world.runs("zero", first, half);
    let tuned = world.runs("tuned", first, most);
    let others: Vec<Prediction> = (3..ITEMS + 1).map(|item| prediction(item, true)).collect();
    score(&tuned[0], &others);
    let refused = world.context.cliptune("compare zero tuned").ended(2);
    assert!(
        refused.stderr.contains("3 of 120 items are not among those of the other (q0, q1, q2)"),
        "{refused}"
    );
    assert!(refused.stderr.contains("and 1 of its 118 items are not among these (q120)"), "{refused}");
    let unscored = world.context.cliptune("compare zero tuned --split validation").ended(2);
    assert!(unscored.stderr.contains("is not scored on the validation split"), "{unscored}");
    world.context.cliptune("compare zero nobody").ended(2);
    world.context.cliptune("compare zero zero").ended(2);
    world.context.cliptune("compare zero").ended(2);
}

#[test]
fn answers_of_anybody_stand_beside_ours() {
    let mut world = World::new();
    world.runs("zero", first, half);
    let row = |item: usize, answer: &str| {
        format!("{{\"id\": \"q{item}\", \"label\": \"A\", \"predicted\": \"{answer}\"}}\n")
    };
    let lines: String = (0..ITEMS).map(|item| row(item, if most(item) { "a" } else { "B" })).collect();
    world.context.write("theirs.jsonl", &lines);
    parquet(
        &world.context.path("theirs.parquet"),
        "SELECT 'q' || range AS id, 0 AS label, [0.3, 0.7] AS probabilities FROM range(400)",
    );
    let said = world.compare("zero --predictions theirs.jsonl theirs.parquet");
    let verdicts: Vec<_> =
        said.as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["improved", "worse"], "{said}");
    // Letters tell no likelihood.
    let metrics = |one: &Value| one["metrics"].as_object().unwrap().len();
    assert_eq!((metrics(&said[0]), metrics(&said[1])), (1, 7));
    world.context.write("few.jsonl", &row(0, "A"));
    let lacking = world.context.cliptune("compare zero --predictions few.jsonl").ended(2);
    assert!(lacking.stderr.contains("119 of 120 items have no row"), "{lacking}");
    // Without runs, the rows are the items.
    let alone = world.context.cliptune("compare --predictions theirs.jsonl few.jsonl").ended(2);
    assert!(alone.stderr.contains("few.jsonl"), "{alone}");
    world.context.write("again.jsonl", &lines);
    let same = world.compare("--predictions theirs.jsonl again.jsonl");
    assert_eq!((&same["verdict"], &same["delta"]["value"]), (&"no change detected".into(), &0.0.into()));
}

fn parquet(path: &Path, query: &str) {
    let database = duckdb::Connection::open_in_memory().unwrap();
    database.execute_batch(&format!("COPY ({query}) TO '{}' (FORMAT parquet)", path.display())).unwrap();
    assert!(fs::metadata(path).unwrap().len() > 0);
}
