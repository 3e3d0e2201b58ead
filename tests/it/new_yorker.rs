//! The experiments on the New Yorker's contest, on a drawn contest under the same addresses.

use cliptune_demo_data::{ContestOptions, draw_contest};
use fs_err as fs;

use crate::stand_in::StandIn;
use crate::support::{Output, TestContext, checkout, output};

/// The bucket that the experiments name, and the folder in it.
const BUCKET: &str = "datachain-demo";
const FOLDER: &str = "newyorker_caption_contest";
/// The files in the order in which they extend one another.
const FILES: [&str; 11] = [
    "zero-shot",
    "b32",
    "b32-lora",
    "l14-336",
    "tutorial-before",
    "tutorial",
    "published/zero-shot",
    "published/b32",
    "published/b32-lora",
    "published/l14-336",
    "cross-validate",
];

/// A folder with the experiments, and a contest in a stand-in for Google's store.
struct Contest {
    context: TestContext,
    store: StandIn,
}

impl Contest {
    fn new() -> Self {
        let context = TestContext::new();
        let store = StandIn::start(&checkout().join("scripts"), "gcs", BUCKET);
        // Another contest than the one that the checkpoint is trained on: its test images must not have been seen.
        let options = ContestOptions { cartoons: 60, seed: 1 };
        draw_contest(&context.path("drawn"), &options, &|_, _| {}).unwrap();
        for (file, _) in context.files("drawn") {
            let name =
                file.strip_prefix("drawn/").unwrap().replace("contest.parquet", "new_yorker_meta.parquet");
            store.put(&format!("{FOLDER}/{name}"), &fs::read(context.path(&file)).unwrap());
        }
        for name in FILES {
            let file = checkout().join(format!("experiments/new-yorker/{name}.yaml"));
            let copy = format!("experiments/new-yorker/{name}.yaml");
            context.write(&copy, &fs::read_to_string(file).unwrap());
        }
        Self { context, store }
    }

    /// Writes the drawn contest as the Hugging Face dataset has it: in each of five configurations, the questions of one fold
    /// with their images.
    fn write_folds(&self) {
        let database = duckdb::Connection::open_in_memory().unwrap();
        let drawn = self.context.path("drawn").display().to_string();
        for fold in 0..5 {
            let suffix = if fold == 0 { String::new() } else { format!("_{fold}") };
            let folder = self.context.path(&format!("data/new-yorker/matching_from_pixels{suffix}"));
            fs::create_dir_all(&folder).unwrap();
            database
                .execute_batch(&format!(
                    "COPY (SELECT {{'bytes': content, 'path': parse_filename(files.filename)}} AS image, contest_number,
                                  caption_choices, label, instance_id
                           FROM read_parquet('{drawn}/contest.parquet') AS rows
                           JOIN read_blob('{drawn}/images/*') AS files ON parse_filename(files.filename) = rows.filename
                           WHERE contest_number % 5 = {fold} ORDER BY instance_id)
                     TO '{}/test-00000-of-00001.parquet' (FORMAT parquet, ROW_GROUP_SIZE 100)",
                    folder.display()
                ))
                .unwrap();
        }
    }

    fn cliptune(&self, arguments: &str) -> Output {
        self.with(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    fn with(&self, arguments: &[&str]) -> Output {
        let mut command = self.context.command("cliptune");
        command.args(arguments).env("CLIPTUNE_CACHE", self.context.path("cache"));
        output(command.env("STORAGE_EMULATOR_HOST", &self.store.address).env("no_proxy", "127.0.0.1"))
    }

    fn datasets(&self) -> usize {
        let files = self.context.files("runs/datasets");
        files.iter().filter(|(file, _)| file.ends_with("/dataset.json")).count()
    }

    /// The scores of the tutorial's two experiments by file.
    fn scores(&self) -> Vec<(String, serde_json::Value)> {
        let files = self.context.files("runs").into_iter().map(|(file, _)| file);
        let scores = files.filter(|file| file.contains("tutorial") && file.ends_with("/scores.json"));
        let read = |file: String| {
            let text = fs::read_to_string(self.context.path(&file)).unwrap();
            (file, serde_json::from_str(&text).unwrap())
        };
        let scores: Vec<_> = scores.map(read).collect();
        assert_eq!(scores.len(), 2, "{scores:?}");
        scores
    }

    /// The folder of a very small CLIP, which stands for the published ones.
    fn checkpoint(&self) -> String {
        self.cliptune("run experiments/base.yaml").succeeded();
        let files = self.context.files("runs/base").into_iter().map(|(file, _)| file);
        let model = files.into_iter().find(|file| file.ends_with("/model/config.json")).unwrap();
        let folder = model.strip_suffix("/config.json").unwrap();
        self.context.path(folder).display().to_string()
    }
}

/// Returns the setting with which zero-shot.yaml has one model.
fn zero(model: &str) -> String {
    format!("--set matrix={{\"model.from\":[\"{model}\"]}}")
}

#[test]
fn they_are_right_without_any_network() {
    let context = TestContext::empty();
    for name in FILES {
        let file = checkout().join(format!("experiments/new-yorker/{name}.yaml"));
        let mut command = context.command("cliptune");
        let checked = output(command.arg("check").arg(file)).succeeded();
        let named = format!("new-yorker-{}", name.replace("published/", "published-"));
        assert!(checked.to_string().contains(&named), "{checked}");
    }
}

#[test]
fn they_run_on_a_contest_under_the_same_addresses() {
    let contest = Contest::new();
    let model = contest.checkpoint();
    let small = format!("--set model.from={model} --set train.epochs=1 --set seeds=[0]");
    contest.cliptune(&format!("run experiments/new-yorker/zero-shot.yaml {}", zero(&model))).succeeded();
    contest.cliptune(&format!("run experiments/new-yorker/b32.yaml {small}")).succeeded();
    contest.cliptune(&format!("run experiments/new-yorker/b32-lora.yaml {small}")).succeeded();
    let large = format!("{small} --set matrix={{\"train.optimizer.lr\":[1e-5]}}");
    contest.cliptune(&format!("run experiments/new-yorker/l14-336.yaml {large}")).succeeded();
    // The checkpoint has a dataset of its own; the experiments share one.
    assert_eq!(contest.datasets(), 2);
}

#[test]
fn the_papers_folds_are_read_from_the_files_of_the_hub_and_reported_as_one() {
    let contest = Contest::new();
    contest.write_folds();
    let model = contest.checkpoint();
    let small = format!("--set model.from={model} --set train.epochs=1");
    let folds =
        contest.cliptune(&format!("run experiments/new-yorker/cross-validate.yaml {small}")).succeeded();
    assert_eq!(contest.datasets(), 6, "the checkpoint's and one for each fold: {folds}");
    let report = contest.context.report("cross-validate").join("report.json");
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    let results = &report["boards"][0]["results"];
    assert_eq!(results.as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(results[0]["per_fold"].as_array().map(Vec::len), Some(5), "{report}");
    let sample = contest.cliptune("sample experiments/new-yorker/published/b32.yaml --limit 1 --json");
    let file = &sample.succeeded().json()[0]["file"];
    assert_eq!(file["path"], "matching_from_pixels/test-00000-of-00001.parquet/0", "{file}");
}

#[test]
fn every_recipe_runs_on_a_fold_of_the_paper() {
    let contest = Contest::new();
    contest.write_folds();
    let model = contest.checkpoint();
    let fold = |more: &str| format!("--set matrix={{\"data.split.test_fold\":[0]{more}}}");
    let small = format!("--set model.from={model} --set train.epochs=1 --set seeds=[0]");
    for (name, settings) in [
        ("zero-shot", fold(&format!(",\"model.from\":[\"{model}\"]"))),
        ("b32-lora", format!("{} {small}", fold(""))),
        (
            "l14-336",
            format!("{} {small} --set train.schedule.warmup_steps=2", fold(",\"train.optimizer.lr\":[1e-5]")),
        ),
    ] {
        let run = contest.cliptune(&format!("run experiments/new-yorker/published/{name}.yaml {settings}"));
        let run = run.succeeded();
        let report = contest.context.report(name).join("report.json");
        let report = fs::read_to_string(report).unwrap_or_else(|_| panic!("{run}"));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["boards"][0]["results"].as_array().map(Vec::len), Some(1), "{name}: {report}");
    }
    assert_eq!(contest.datasets(), 2, "the checkpoint's, and one that all recipes share");
}

#[test]
fn the_tutorials_ten_rows_are_drawn_and_the_report_says_what_its_numbers_are_worth() {
    let contest = Contest::new();
    let model = contest.checkpoint();
    let run = |name: &str| {
        contest
            .cliptune(&format!("run experiments/new-yorker/{name}.yaml --set model.from={model}"))
            .succeeded()
    };
    let before = run("tutorial-before");
    assert!(before.to_string().contains("by `sample`"), "{before}");
    run("tutorial");
    for (file, scores) in contest.scores() {
        assert_eq!(scores["n_items"], 10, "{file}");
        assert_eq!((&scores["logit_scale"], &scores["is_scale_constant"]), (&100.0.into(), &true.into()));
    }
    let report = fs::read_to_string(contest.context.report("tutorial").join("index.html")).unwrap();
    assert!(report.contains("measured on the items that it was trained on"), "{report}");
}

#[test]
fn a_sample_is_fetched_from_where_it_lies() {
    let contest = Contest::new();
    let file = "experiments/new-yorker/b32.yaml";
    let asked =
        ["sample", file, "--where", "file.extension = 'jpeg' AND label = 'B'", "--limit", "2", "--json"];
    let samples = contest.with(&asked).succeeded().json();
    let samples = samples.as_array().unwrap();
    assert_eq!(samples.len(), 2, "{samples:?}");
    for sample in samples {
        assert_eq!(
            (&sample["row"]["columns"]["label"], &sample["row"]["right"]),
            (&"B".into(), &1.into()),
            "{sample}"
        );
        assert!(sample["file"]["path"].as_str().unwrap().ends_with(".jpeg"), "{sample}");
    }
}
