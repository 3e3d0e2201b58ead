//! The fewest lines with which images and a table become an experiment.

use crate::support::TestContext;

const LEAST: &str = "\
name: least
data:
  images: ../contest/images
  metadata: ../contest/contest.parquet
  columns: { text: image_description }
model: { from: scratch, architecture: tiny }
train: { objective: contrastive }
";

/// Returns what the line of a text says that begins with a word.
fn line<'a>(text: &'a str, word: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.trim_start().strip_prefix(word));
    found.unwrap_or_else(|| panic!("no line {word} in {text}")).trim()
}

#[test]
fn a_first_experiment_is_valid_in_seven_lines_and_says_what_it_left_out() {
    let context = TestContext::new();
    context.write("least/least.yaml", LEAST);
    let checked = context.cliptune("check least/least.yaml").succeeded().stdout;
    assert!(line(&checked, "join ").starts_with("image name = filename, found: "), "{checked}");
    assert!(line(&checked, "model ").starts_with("random weights, tiny: "), "{checked}");
    let defaults = line(&checked, "train: ");
    for default in ["epochs 32", "batch_size 64", "optimizer.lr 5e-4", "schedule.warmup 0.1"] {
        assert!(defaults.contains(default), "{default}: {defaults}");
    }
    assert!(!context.path("runs").exists(), "nothing was made");
}

#[test]
fn check_ingest_the_record_show_and_the_report_say_the_same_of_a_join_that_is_found() {
    let context = TestContext::new();
    context.write("least/least.yaml", LEAST);
    let checked = context.cliptune("check least/least.yaml").succeeded().stdout;
    let document = context.cliptune("check least/least.yaml --json").succeeded().json();
    let ingested = context.cliptune("ingest least/least.yaml --json").succeeded();
    assert_eq!(line(&checked, "join "), line(&ingested.stderr, "join "));
    let record = ingested.json();
    assert_eq!(record[0]["notes"]["join"], document[0]["found_join"]);
    assert_eq!(record[0]["notes"]["join"]["metadata"], "filename");
    assert!(document[0]["defaults"].as_array().unwrap().contains(&"train.epochs".into()));
    let again = context.cliptune("ingest least/least.yaml").succeeded();
    assert!(again.stderr.contains("is fresh"), "{again}");
    context.cliptune("run least/least.yaml --set train.epochs=1").succeeded();
    let shown = context.cliptune("show least").succeeded().stdout;
    assert_eq!(line(&checked, "join "), line(&shown, "join "));
    assert_eq!(
        context.cliptune("show least --json").succeeded().json()["found_join"],
        document[0]["found_join"]
    );
    let page = fs_err::read_to_string(context.report("least").join("index.html")).unwrap();
    assert!(page.contains(&format!("The join is {}.", line(&checked, "join "))));
}

#[test]
fn check_and_ingest_fail_alike_where_no_column_names_the_images() {
    let context = TestContext::new();
    context.write("least/least.yaml", LEAST);
    context.write("least/captions.csv", "key,image_description\nx1,a cat\nx2,a dog\n");
    let setting = "--set data.metadata=least/captions.csv";
    let said = |command: &str| {
        let failed = context.cliptune(&format!("{command} least/least.yaml {setting}")).ended(2);
        assert!(failed.stderr.contains("captions.csv names the images"), "{failed}");
        assert!(failed.stderr.contains("the columns are key, image_description"), "{failed}");
        failed.stderr
    };
    assert_eq!(said("check"), said("ingest"));
}

#[test]
fn check_stops_at_no_data_that_is_not_there_yet() {
    let context = TestContext::new();
    context.write("least/least.yaml", &LEAST.replace("../contest/contest.parquet", "later.csv"));
    let checked = context.cliptune("check least/least.yaml").succeeded().stdout;
    assert!(line(&checked, "join ").starts_with("not found yet: "), "{checked}");
}

#[test]
fn every_seed_starts_from_the_run_of_its_own_seed() {
    let context = TestContext::new();
    context.replace("experiments/base.yaml", "seeds: [0]", "seeds: [0, 1]");
    context.replace("experiments/tuned.yaml", "from: run:base", "from: run:base@{seed}");
    context.cliptune("run experiments").succeeded();
    let shown = context.cliptune("show tuned@1 --json").succeeded().json();
    assert!(shown["record"]["base"].to_string().contains("-s1"), "{shown}");
    let shown = context.cliptune("show tuned@0 --json").succeeded().json();
    assert!(shown["record"]["base"].to_string().contains("-s0"), "{shown}");
    context.cliptune("status experiments --exit-code").succeeded();
    // What one seed starts from says nothing about the other.
    context.cliptune("rm base@1 --force").succeeded();
    let status = context.cliptune("status experiments --json").succeeded().json();
    let is_fresh = |experiment: &str, seed: u64| {
        let mut lines = status.as_array().unwrap().iter();
        let is_it = |line: &&serde_json::Value| line["experiment"] == experiment && line["seed"] == seed;
        lines.find(is_it).unwrap()["fresh"].as_bool().unwrap()
    };
    assert!(is_fresh("base", 0) && is_fresh("tuned", 0) && !is_fresh("base", 1), "{status}");
    context.replace("experiments/tuned.yaml", "seeds: [0, 1]", "seeds: [0, 1, 2]");
    let failed = context.cliptune("check experiments").ended(2);
    assert!(failed.stderr.contains("`base` has no seed 2"), "{failed}");
}
