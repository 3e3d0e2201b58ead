//! `cliptune import`: runs of other tools, and anyone's predictions, beside ours.

use std::path::Path;

use fs_err as fs;
use serde_json::{Value, json};

use crate::support::{Output, TestContext, output};

/// With everything trained and scored, one seed of each experiment.
fn finished() -> TestContext {
    let context = TestContext::new();
    context.replace("experiments/tuned.yaml", "seeds: [0, 1]", "seeds: [0]");
    context.cliptune("run experiments --quiet").succeeded();
    context
}

/// With a dataset and no run.
fn ingested() -> TestContext {
    let context = TestContext::new();
    context.cliptune("ingest experiments/tuned.yaml --quiet").succeeded();
    context
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn query(context: &TestContext, sql: &str) -> Value {
    output(context.command("cliptune").args(["query", sql, "--json"])).succeeded().json()
}

/// The run of an import that succeeded.
fn imported(context: &TestContext, arguments: &str) -> String {
    context.cliptune(&format!("import {arguments}")).succeeded().stdout.trim().to_owned()
}

/// Refuses an import, and leaves no run and nothing half-written behind.
fn refused(context: &TestContext, arguments: &str, words: &str) -> Output {
    let said = context.cliptune(&format!("import {arguments}")).ended(2);
    assert!(said.stderr.contains(words), "{words}\n{said}");
    assert!(context.runs("theirs").is_empty() && !context.path("runs/theirs").exists(), "{said}");
    said
}

/// A line for each item of the test split, changed by a function. The dataset of `base` has pairs, of one text each.
fn lines(context: &TestContext, mut change: impl FnMut(usize, &mut Value)) -> String {
    let sql = "SELECT id, \"group\", label FROM items WHERE split = 'test' AND len(texts) > 1 ORDER BY id";
    let rows = query(context, sql);
    let row = |(at, row): (usize, &Value)| {
        let mut line =
            json!({ "id": row["id"], "group": row["group"], "label": row["label"], "predicted": 0 });
        change(at, &mut line);
        format!("{line}\n")
    };
    rows.as_array().unwrap().iter().enumerate().map(row).collect()
}

#[test]
fn predictions_of_a_run_reach_what_the_run_did_and_are_marked_as_foreign() {
    let context = finished();
    let own = context.only_run("tuned").join("scores/test");
    let source = own.join("predictions.parquet").display().to_string();
    let before = query(&context, "SELECT run FROM runs ORDER BY run");
    let run = imported(&context, &format!("{source} --name copied --experiment tuned"));
    assert!(run.starts_with("copied/") && run.ends_with("-foreign"), "{run}");

    let [ours, theirs] =
        [own.join("scores.json"), context.path("runs").join(&run).join("scores/test/scores.json")]
            .map(|path| json_of(&path));
    for (name, metric) in ours["metrics"].as_object().unwrap() {
        for end in ["value", "low", "high"] {
            let [one, other] = [&metric[end], &theirs["metrics"][name][end]].map(|end| end.as_f64().unwrap());
            // The likelihood is computed from logits there, and from probabilities here.
            let is_same = if name == "nll" { (one - other).abs() < 1e-9 } else { one == other };
            assert!(is_same, "{name} {end}: {one} {other}");
        }
    }
    for same in ["n_items", "n_groups", "n_tied", "chance", "majority", "chances", "positions"] {
        assert_eq!(ours[same], theirs[same], "{same}");
    }
    assert!(theirs["parity"].is_null(), "nothing was compared with libtorch");

    let compared = context.cliptune("compare tuned@0 copied --json").succeeded().json();
    assert_eq!(compared["delta"]["value"], json!(0.0), "{compared}");
    assert_eq!(compared["runs"][1], json!([run]));
    assert!(compared["b"].as_str().unwrap().contains("foreign: predictions"), "{compared}");

    let listed = context.cliptune("ls copied --json").succeeded().json();
    assert_eq!((&listed[0]["tool"], &listed[0]["status"]), (&json!("predictions"), &json!("imported")));
    assert!(listed[0]["seed"].is_null() && listed[0]["weights"] == 0, "{listed}");
    let shown = context.cliptune("show copied").succeeded().stdout;
    for part in ["cliptune has no model of it", "from      predictions", "beside    tuned", "accuracy"] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let counts = "SELECT count(*) AS n, count(DISTINCT run) AS runs FROM predictions WHERE split = 'test' AND run LIKE '%ed/%'";
    let counts = query(&context, counts);
    assert_eq!(
        (counts[0]["n"].as_u64(), &counts[0]["runs"]),
        (ours["n_items"].as_u64().map(|n| 2 * n), &json!(2))
    );
    // Whoever computes scores of the test split has looked at it.
    let looks = context.cliptune("show copied --json").succeeded().json()["test_looks"].clone();
    assert_eq!((&looks["count"], &looks["experiments"]), (&json!(2), &json!(2)));

    // It stays one where its record is lost: the scores are there to be looked at.
    for folder in fs::read_dir(context.path("runs/.looks")).unwrap() {
        fs::remove_dir_all(folder.unwrap().path()).unwrap();
    }
    let looks = context.cliptune("show copied --json").succeeded().json()["test_looks"].clone();
    assert_eq!((&looks["count"], &looks["experiments"]), (&json!(2), &json!(2)));

    let again = context.cliptune(&format!("import {source} --name other --experiment tuned")).succeeded();
    assert!(again.stderr.contains("it is there already") && again.stdout.trim() == run, "{again}");
    assert!(!context.path("runs/other").exists());
    // The report has it beside the experiment that it was imported for, and never among the entries.
    let report = context.cliptune("report experiments --json").succeeded().json();
    let foreign = &report["foreign"];
    assert_eq!(foreign.as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(
        (&foreign[0]["name"], &foreign[0]["run"]),
        (&json!("copied (foreign: predictions)"), &json!(run))
    );
    let scored = &foreign[0]["scored"];
    assert_eq!((&scored["against"], &scored["difference"]["delta"]["value"]), (&json!("tuned"), &json!(0.0)));
    assert_eq!(scored["score"]["value"], ours["metrics"]["accuracy"]["value"]);
    assert!(report["experiments"].as_array().unwrap().iter().all(|entry| entry["name"] != "copied"));
    for file in ["index.html", "report.md"] {
        let text = fs::read_to_string(context.path("runs/reports/experiments").join(file)).unwrap();
        assert!(text.contains("Imported runs") && text.contains("copied"), "{file}");
    }
    context.cliptune("status --exit-code").succeeded();
    context.cliptune("fsck").succeeded();
    let removed = context.cliptune("rm copied").succeeded();
    assert!(removed.stderr.contains("the report experiments shows it"), "{removed}");
    context.cliptune("restore copied").succeeded();
    assert_eq!(query(&context, "SELECT run FROM runs WHERE tool IS NULL ORDER BY run"), before);
}

#[test]
fn an_imported_run_is_labelled_removed_and_restored_and_nothing_takes_it_for_a_model() {
    let context = ingested();
    context.write("theirs.jsonl", &lines(&context, |_, _| {}));
    context.write("texts.txt", "a cat\n");
    let run = imported(&context, "theirs.jsonl --name theirs --experiment experiments/tuned.yaml");
    context.cliptune("tag theirs --add paper").succeeded();
    context.cliptune("rename theirs rival").succeeded();
    let taken = context.cliptune("rename theirs theirs").ended(2);
    assert!(taken.stderr.contains("is already the name of"), "{taken}");
    for command in [
        "export theirs --layout hugging-face --to out",
        "soup theirs rival --to out",
        "rank rival contest/images --texts texts.txt",
        "show theirs --yaml",
        "export theirs --as mlflow --weights --to out",
        "rm theirs --weights",
    ] {
        let said = context.cliptune(command).ended(2);
        assert!(said.stderr.contains("was imported: it has no model"), "{command}\n{said}");
    }
    context.cliptune("export theirs --as mlflow --to tracked").succeeded();
    assert!(context.path("tracked/mlflow.db").is_file() && !context.path("out").exists());
    context.cliptune("pin rival").succeeded();
    context.cliptune("rm theirs").ended(2);
    context.cliptune("pin rival --remove").succeeded();
    context.cliptune("rm rival").succeeded();
    assert_eq!(context.cliptune("ls --json").succeeded().json(), json!([]));
    context.cliptune("fsck").succeeded();
    context.cliptune("restore theirs").succeeded();
    let listed = context.cliptune("ls --json").succeeded().json();
    assert_eq!(
        (&listed[0]["run"], &listed[0]["name"], &listed[0]["tags"]),
        (&json!(run), &json!("rival"), &json!(["paper"]))
    );
    // A condition finds it as it finds any run.
    let gone = output(context.command("cliptune").args(["rm", "--filter", "tool = 'predictions'", "--yes"]));
    gone.succeeded();
    assert!(context.runs("theirs").is_empty());
}

#[test]
fn predictions_that_do_not_fit_are_told_and_leave_nothing() {
    let context = ingested();
    let good = lines(&context, |_, _| {});
    let write = |text: &str| context.write("theirs.jsonl", text);
    let by = "theirs.jsonl --name theirs --experiment experiments/tuned.yaml";
    let with = |change: &dyn Fn(&mut Value)| {
        write(&lines(&context, |at, line| {
            if at == 3 {
                change(line);
            }
        }));
    };
    write(good.split_once('\n').unwrap().1);
    refused(&context, by, "have no row");
    write(&format!("{good}{good}"));
    refused(&context, by, "has several rows");
    with(&|line| line["label"] = json!(line["label"].as_u64().unwrap() + 1));
    refused(&context, by, "another answer to");
    with(&|line| line["group"] = json!("elsewhere"));
    refused(&context, by, "is of the group");
    with(&|line| line["predicted"] = json!(99));
    refused(&context, by, "it predicts 99");
    with(&|line| line["probabilities"] = json!([0.9, 0.9]));
    refused(&context, by, "its probabilities are not those of the candidates");
    write("{\"id\": \"a\", \"probabilities\": [NaN]}\n");
    refused(&context, by, "row 1");
    write("id,label\n1,2\n");
    refused(&context, by, "is neither a table of predictions");
    refused(&context, "missing.jsonl --name theirs", "there is nothing at missing.jsonl");
    write(&good);
    refused(&context, "theirs.jsonl --name theirs", "which items the predictions in theirs.jsonl are about");
    refused(&context, "theirs.jsonl --name theirs --experiment nobody", "nobody is neither an experiment");
    refused(&context, "theirs.jsonl --name theirs --experiment experiments", "names 2 experiments");
    refused(&context, "theirs.jsonl --name datasets --experiment experiments/tuned.yaml", "expected a name");
    refused(&context, &format!("{by} --split train"), "have no row");
    // Nothing was trained yet, and the experiment has its name all the same.
    let own =
        context.cliptune("import theirs.jsonl --name tuned --experiment experiments/tuned.yaml").ended(2);
    assert!(own.stderr.contains("tuned is already the name of the experiment tuned"), "{own}");
    assert!(!context.path("runs/tuned").exists());

    // Rows of other items do no harm, and are counted.
    write(&format!("{good}{{\"id\": \"nobody\", \"predicted\": 0}}\n"));
    let said = context.cliptune(&format!("import {by}")).succeeded();
    assert!(said.stderr.contains("1 row about other items"), "{said}");
    write(&lines(&context, |_, line| line["predicted"] = json!(1)));
    let taken = context.cliptune(&format!("import {by}")).ended(2);
    assert!(taken.stderr.contains("theirs is already the name of theirs/"), "{taken}");
    assert_eq!(context.runs("theirs").len(), 1);
}

#[test]
fn files_that_are_not_what_the_command_line_says_are_refused() {
    let context = ingested();
    let by = "theirs.csv --name theirs --experiment experiments/tuned.yaml";
    context.write("theirs.csv", "id,label\n1,2\n");
    refused(&context, by, "have no row");
    context.write("theirs.csv", "id,predicted,predicted\n1,2,0\n");
    refused(&context, by, "names the column predicted twice");
    refused(&context, &format!("{by} --from dvc"), "theirs.csv is not what --from dvc reads");
    refused(&context, &format!("{by} --run 1"), "--run names a run of MLflow");
    context.write("theirs.jsonl", "");
    refused(&context, &by.replace("csv", "jsonl"), "theirs.jsonl is empty");
}

#[test]
fn answers_that_are_not_the_most_probable_are_counted() {
    let context = ingested();
    let doubtful = |at: usize, line: &mut Value| {
        let [first, second] = if at == 0 { [0.25, 0.375] } else { [0.375, 0.25] };
        line["probabilities"] = json!([first, second, 0.125, 0.125, 0.125]);
    };
    context.write("theirs.jsonl", &lines(&context, doubtful));
    let by = "import theirs.jsonl --name theirs --experiment experiments/tuned.yaml";
    let said = context.cliptune(by).succeeded();
    assert!(said.stderr.contains("1 answer in `predicted` is not the most probable"), "{said}");
}

#[test]
fn scores_that_are_damaged_are_made_again_by_the_same_import() {
    let context = ingested();
    context.write("theirs.jsonl", &lines(&context, |_, _| {}));
    let by = "theirs.jsonl --name theirs --experiment experiments/tuned.yaml";
    let run = imported(&context, by);
    let path = context.path("runs").join(&run).join("scores/test/scores.json");
    let before = json_of(&path)["metrics"].clone();
    fs::write(&path, "{").unwrap();
    let found = context.cliptune("fsck").ended(1);
    assert!(found.stdout.contains("import the same predictions again"), "{found}");
    let again = context.cliptune(&format!("import {by}")).succeeded();
    assert!(again.stderr.contains("its scores were made again") && again.stdout.trim() == run, "{again}");
    assert_eq!(json_of(&path)["metrics"], before);
    context.cliptune("fsck").succeeded();
    let third = context.cliptune(&format!("import {by}")).succeeded();
    assert!(third.stderr.contains("nothing was changed"), "{third}");
}

#[test]
fn comma_separated_text_reaches_what_the_same_rows_reach_as_json_lines() {
    let context = ingested();
    context.write("theirs.jsonl", &lines(&context, |_, _| {}));
    let rows = lines(&context, |_, _| {});
    let cells = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let cell = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
        format!("{}\n", ["id", "group", "label", "predicted"].map(cell).join(","))
    };
    let table: String = rows.lines().map(cells).collect();
    context.write("theirs.csv", &format!("id,group,label,predicted\n{table}"));
    let scores = |source: &str, name: &str| {
        let by = format!("{source} --name {name} --experiment experiments/tuned.yaml");
        let run = imported(&context, &by);
        json_of(&context.path("runs").join(run).join("scores/test/scores.json"))["metrics"].clone()
    };
    assert_eq!(scores("theirs.csv", "table"), scores("theirs.jsonl", "lines"));
}

#[test]
fn what_another_tool_computed_is_kept_as_it_was_told() {
    let context = TestContext::new();
    for (file, text) in [
        (
            "mlruns/1/0a/meta.yaml",
            "run_id: 0a\nrun_name: '\u{202e}cat'\nstatus: 3\nlifecycle_stage: active\nstart_time: 1700000000000\n",
        ),
        ("mlruns/1/0a/params/lr", "1e-5"),
        ("mlruns/1/0a/metrics/val_accuracy", "1700000000500 0.5 0\n1700000001000 0.625 1\n"),
    ] {
        context.write(file, text);
    }
    let run = imported(&context, "mlruns/1/0a --name rival --experiment experiments/tuned.yaml");
    let metrics = query(&context, "SELECT * FROM metrics");
    assert_eq!(metrics.as_array().unwrap().len(), 1, "{metrics}");
    let told = &metrics[0];
    assert_eq!(
        (&told["metric"], &told["value"], &told["method"]),
        (&json!("val_accuracy"), &json!(0.625), &json!("told by mlflow"))
    );
    for missing in ["split", "low", "high", "n_items"] {
        assert!(told[missing].is_null(), "{missing}: {told}");
    }
    assert_eq!(query(&context, "SELECT key, number FROM settings"), json!([{ "key": "lr", "number": 1e-5 }]));
    let listed = context.cliptune("ls --json").succeeded().json();
    assert_eq!((&listed[0]["told"], &listed[0]["scores"]), (&json!({ "val_accuracy": 0.625 }), &json!({})));
    let shown = context.cliptune("show rival").succeeded().stdout;
    assert!(shown.contains("val_accuracy  0.625") && shown.contains("without intervals"), "{shown}");
    assert!(!shown.contains('\u{202e}') && shown.contains("FINISHED"), "{shown}");
    let untold = context.cliptune("compare rival rival").ended(2);
    assert!(untold.stderr.contains("has no predictions of the test split"), "{untold}");
    context.cliptune("status experiments").succeeded();

    // One changed letter, and it is told rather than shown.
    let record = context.path("runs").join(&run).join("foreign.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("0.625", "0.725")).unwrap();
    let listed = context.cliptune("ls").succeeded();
    assert!(listed.stderr.contains("is no readable run") && !listed.stdout.contains("rival"), "{listed}");
    let found = context.cliptune("fsck").ended(1);
    assert!(found.stdout.contains("foreign.json is damaged"), "{found}");
    context.cliptune("rm rival").succeeded();
    context.cliptune("restore --list").succeeded();
}

#[test]
fn an_import_that_was_killed_leaves_nothing_that_is_listed_and_its_name_free() {
    let context = TestContext::new();
    context.write("theirs/params.yaml", "lr: 1e-5\n");
    context.write("runs/theirs/.unfinished-x/foreign.json", "{");
    assert_eq!(context.cliptune("ls --json").succeeded().json(), json!([]));
    let run = imported(&context, "theirs --name theirs");
    assert_eq!(context.cliptune("ls --json").succeeded().json()[0]["run"], json!(run));
    assert_eq!(context.runs("theirs").len(), 1);
}
