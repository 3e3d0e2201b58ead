//! What a finished run leaves behind. One run serves all of these tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use fs_err as fs;
use serde_json::Value;

use crate::support::{TestContext, assert_output, checkout, output};

pub(crate) fn finished() -> &'static TestContext {
    static FINISHED: OnceLock<TestContext> = OnceLock::new();
    FINISHED.get_or_init(|| {
        let context = TestContext::at(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("finished"));
        context.replace("experiments/tuned.yaml", "seeds: [0, 1]", "seeds: [0]");
        context.cliptune("run experiments").succeeded();
        context
    })
}

fn tuned() -> PathBuf {
    finished().only_run("tuned")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn report(file: &str) -> PathBuf {
    finished().path("runs/reports/experiments").join(file)
}

/// The files of the report with an extension.
fn report_files(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(report("")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    assert!(!files.is_empty(), "the report has no .{extension}");
    files
}

#[test]
fn a_run_has_every_file_that_others_read() {
    let files: Vec<String> = finished().files("runs/tuned").into_iter().map(|(name, _)| name).collect();
    let inside: Vec<&str> = files.iter().map(|name| name.splitn(4, '/').nth(3).unwrap()).collect();
    for needed in [
        "run.json",
        "events.jsonl",
        "system.jsonl",
        "model/config.json",
        "model/model.safetensors",
        "model/tokenizer.json",
        "model/preprocessor_config.json",
        "model/origin.json",
        "onnx/model.onnx",
        "onnx/model.safetensors",
        "onnx/text_model.onnx",
        "onnx/vision_model.onnx",
        "onnx/parity.json",
        "scores/test/choices.json",
        "scores/test/predictions.parquet",
        "scores/test/scores.json",
        "scores/validation/scores.json",
    ] {
        assert!(inside.contains(&needed), "no {needed} in {inside:?}");
    }
}

/// `scripts/check-transformers-js` opens runs with transformers.js itself.
#[test]
fn transformers_js_finds_the_classes_and_files_that_it_looks_for() {
    let model = tuned().join("model");
    let [config, tokenizer, processor] = ["config.json", "tokenizer_config.json", "preprocessor_config.json"]
        .map(|file| json(&model.join(file)));
    assert_eq!(config["model_type"], "clip");
    assert_eq!(tokenizer["tokenizer_class"], "CLIPTokenizer");
    assert_eq!(processor["image_processor_type"], "CLIPImageProcessor");
    // Without these, texts would be neither padded nor cut.
    assert_eq!(tokenizer["model_max_length"], config["text_config"]["max_position_embeddings"]);
    assert!(["eos_token", "pad_token"].iter().all(|token| tokenizer[token].is_string()), "{tokenizer:#}");
    for graph in ["text_model.onnx", "vision_model.onnx", "model.onnx"] {
        assert!(model.join("../onnx").join(graph).is_file(), "no {graph} where `subfolder: '../onnx'` leads");
    }
}

#[test]
fn what_a_run_used_of_its_machine_is_shown_and_can_be_asked_for() {
    let context = finished();
    let shown = context.cliptune("show tuned@0").succeeded();
    for needed in [" steps ", "  memory   at most ", "  CPU      ", "  disk     "] {
        assert!(shown.stdout.contains(needed), "no {needed:?} in {shown}");
    }
    let json = context.cliptune("show tuned@0 --json").succeeded().json();
    let usage = &json["record"]["end"]["usage"];
    assert!(usage["memory"].as_u64() <= usage["memory_limit"].as_u64(), "{usage}");
    let parts = json["time_split"].as_object().unwrap();
    let spent: f64 = parts.values().filter_map(Value::as_f64).sum();
    assert!(Some(spent) <= json["record"]["end"]["seconds"].as_f64(), "{json:#}");

    let sql = "SELECT count(DISTINCT run), bool_and(memory > 0), count(gpu) FROM system";
    let asked = output(context.command("cliptune").args(["query", sql, "--csv"])).succeeded();
    assert_eq!(asked.stdout.lines().nth(1), Some("2,true,0"), "{asked}");
    let listed = context.cliptune("ls --columns run,seconds,peak_memory,processors --csv").succeeded();
    assert!(
        listed.stdout.lines().skip(1).all(|line| line.split(',').all(|cell| !cell.is_empty())),
        "{listed}"
    );
    let page = fs::read_to_string(report("index.html")).unwrap();
    assert!(page.contains("What the runs used of their machines"));
}

#[test]
fn the_official_checker_accepts_the_graphs() {
    for experiment in ["base", "tuned"] {
        let folder = finished().only_run(experiment).join("onnx");
        output(Command::new(checkout().join("scripts/check-onnx")).arg(folder)).succeeded();
    }
}

#[test]
fn parity_is_recorded_and_close() {
    for split in ["validation", "test"] {
        let parity = &json(&tuned().join("scores").join(split).join("scores.json"))["parity"];
        let items = parity["n_items"].as_u64().unwrap();
        assert!(items > 0);
        assert_eq!(parity["answers_agree"].as_u64(), Some(items));
        assert!(parity["max_logit_difference"].as_f64().unwrap() < 1e-3, "{parity}");
    }
}

#[test]
fn choices_have_a_letter_for_every_row() {
    let choices = json(&tuned().join("scores/test/choices.json"));
    let choices = choices.as_object().unwrap();
    let letters = ["A", "B", "C", "D", "E"];
    assert!(choices.values().all(|letter| letters.contains(&letter.as_str().unwrap())));
    // Identical rows are one item, and every one of them has its answer.
    let items = json(&tuned().join("scores/test/scores.json"))["n_items"].as_u64().unwrap();
    assert!(choices.len() as u64 > items, "{} rows, {items} items", choices.len());
}

#[test]
fn predictions_agree_with_the_scores() {
    let folder = tuned().join("scores/test");
    let scores = json(&folder.join("scores.json"));
    let database = duckdb::Connection::open_in_memory().unwrap();
    let file = folder.join("predictions.parquet");
    let query =
        format!("SELECT count(*), avg(share), max(abs(list_sum(probs) - 1)) FROM '{}'", file.display());
    let (items, accuracy, off): (u64, f64, f64) =
        database.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(Some(items), scores["n_items"].as_u64());
    let recorded = &scores["metrics"]["accuracy"];
    assert!((accuracy - recorded["value"].as_f64().unwrap()).abs() < 1e-12);
    assert!(off < 1e-6);
    assert!(recorded["low"].as_f64() <= recorded["value"].as_f64());
    assert!(recorded["value"].as_f64() <= recorded["high"].as_f64());
}

#[test]
fn the_table_of_runs_and_one_run() {
    let context = finished();
    let listed = context.cliptune("ls").succeeded().stdout;
    let header = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!([lines[0], lines[3], lines[4]], ["base: 1 run", "", "tuned: 1 run"]);
    let recall = "image_to_text_recall@1";
    let (validation, test) = (format!("validation.{recall}"), format!("test.{recall}"));
    assert_eq!(header(lines[1]), ["run", "status", "kept", &validation, &test, "started (UTC)"]);
    assert_eq!(
        header(lines[5]),
        ["run", "status", "kept", "validation.accuracy", "test.accuracy", "started (UTC)"]
    );
    assert_eq!(lines.len(), 7);

    let shown = context.cliptune("show tuned/").succeeded().stdout;
    for needed in [
        "tuned/",
        "status   done",
        "from base/",
        "accuracy",
        "parity with libtorch",
        "model/model.safetensors",
    ] {
        assert!(shown.contains(needed), "no {needed:?} in:\n{shown}");
    }
    let shown = context.cliptune("show tuned/ --json").succeeded().json();
    assert_eq!(shown["record"]["base"]["kind"], "run");
    assert!(shown["scores"]["test"]["metrics"]["accuracy"]["value"].is_number());
    assert_output!(context, context.cliptune("show 2"), @r"
    exit code: 2
    ----- stderr -----
    error: 2 stands for 2 runs: base/[RUN]-s0, tuned/[RUN]-s0

    hint: write a little more of the name, or its seed behind the experiment, as in tuned@0
    ");
}

#[test]
fn the_report_loads_nothing_from_anywhere() {
    let page = fs::read_to_string(report("index.html")).unwrap();
    for loads in ["src=\"http", "href=\"http", "url(http", "@import", "<script src", "<link "] {
        assert!(!page.contains(loads), "the page has {loads:?}");
    }
    let local = page.match_indices("src=\"").map(|(at, _)| &page[at + 5..]);
    assert!(local.into_iter().all(|source| source.starts_with("data:")), "an image is outside of the page");
    for svg in report_files("svg") {
        let svg = fs::read_to_string(svg).unwrap();
        assert!(!svg.replace("http://www.w3.org/", "").contains("http"), "an SVG loads something");
    }
}

#[test]
fn charts_are_xml_and_images() {
    for path in report_files("svg") {
        let text = fs::read_to_string(&path).unwrap();
        let document =
            roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(document.root_element().tag_name().name(), "svg");
    }
    for path in report_files("png") {
        assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"), "{}", path.display());
    }
}

#[test]
fn the_report_says_what_the_scores_say() {
    let results = json(&report("report.json"));
    let names: Vec<&Value> =
        results["experiments"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["base", "tuned"]);
    let boards = results["boards"].as_array().unwrap();
    let scores: BTreeMap<&str, f64> = boards
        .iter()
        .flat_map(|board| board["results"].as_array().unwrap())
        .map(|result| (result["name"].as_str().unwrap(), result["score"]["value"].as_f64().unwrap()))
        .collect();
    let accuracy = &json(&tuned().join("scores/test/scores.json"))["metrics"]["accuracy"]["value"];
    assert_eq!(Some(scores["tuned"]), accuracy.as_f64());
    let markdown = fs::read_to_string(report("report.md")).unwrap();
    assert!(markdown.contains("tuned"));
}
