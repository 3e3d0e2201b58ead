//! What a person gets to read when something is wrong: one message that says what and where, the right exit code, and
//! nothing half-made in the store.

use fs_err as fs;
use serde_json::json;

use crate::support::{TestContext, assert_output, output, program};

/// Nothing was made: at most the cache of digests is there.
fn assert_nothing_made(context: &TestContext) {
    let made = |folder: &str| context.path("runs").join(folder).exists();
    assert!(!made("datasets") && !made("base") && !made("tuned") && !made("reports"));
}

#[test]
fn an_experiment_that_is_not_there() {
    let context = TestContext::empty();
    assert_output!(context, context.cliptune("run experiments/bsae.yaml"), @r"
    exit code: 2
    ----- stderr -----
    error: failed to open file `experiments/bsae.yaml`: No such file or directory (os error 2)
    ");
    assert!(!context.path("runs").exists());
}

#[test]
fn sql_that_does_not_end_is_stopped_and_the_error_says_what_gives_it_more_time() {
    let context = TestContext::new();
    let endless =
        "(SELECT count(*) FROM range(1000000000000000) AS counted WHERE sqrt(counted.range) < 0) = 0";
    context.replace("experiments/base.yaml", "model:\n", &format!("  where: \"{endless}\"\nmodel:\n"));
    let ingest = |seconds: &str| {
        let mut command = context.command("cliptune");
        output(command.args(["ingest", "experiments/base.yaml"]).env("CLIPTUNE_SQL_SECONDS", seconds))
    };
    // Every statement has so long, also those that end, on a machine that is busy with others.
    let stopped = ingest("10").ended(2);
    assert!(stopped.stderr.contains("data.where is not usable SQL"), "{stopped}");
    assert!(stopped.stderr.contains("it was stopped after 10 seconds"), "{stopped}");
    assert!(stopped.stderr.contains("CLIPTUNE_SQL_SECONDS=100 gives it more time"), "{stopped}");
    let wrong = ingest("soon").ended(2);
    assert!(
        wrong.stderr.contains("CLIPTUNE_SQL_SECONDS is soon, which is no whole number of seconds from 1"),
        "{wrong}"
    );
    assert_nothing_made(&context);
}

#[test]
fn an_experiment_that_is_no_file_is_named_and_nobody_waits_for_it() {
    let context = TestContext::empty();
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(context.path(name)).status();
        assert!(made.unwrap().success());
    };
    pipe("pipe.yaml");
    pipe("base.yaml");
    context.write("extends.yaml", "extends: base.yaml\nname: extends\n");
    for (asked, named) in
        [("pipe.yaml", "pipe.yaml"), ("extends.yaml", "base.yaml"), ("/dev/null/x.yaml", "x.yaml")]
    {
        for command in ["check", "run", "ingest", "status", "report"] {
            let failed = context.cliptune(&format!("{command} {asked}")).ended(2);
            assert!(failed.stderr.contains(named), "{failed}");
        }
    }
    assert_output!(context, context.cliptune("check pipe.yaml --json"), @r#"
    exit code: 2
    ----- stdout -----
    {
      "error": "pipe.yaml is not a regular file",
      "exit_code": 2
    }
    ----- stderr -----
    error: pipe.yaml is not a regular file
    "#);
    assert_output!(context, context.cliptune("check extends.yaml"), @r"
    exit code: 2
    ----- stderr -----
    error: base.yaml is not a regular file
     --> extends.yaml:1:10
      |
    1 | extends: base.yaml
      |          ^^^^^^^^^ the file is named here
    ");
}

#[test]
fn yaml_that_cannot_be_read() {
    let context = TestContext::empty();
    context.write("broken.yaml", "name: broken\ndata: {images: [\n");
    assert_output!(context, context.cliptune("check broken.yaml"), @r"
    exit code: 2
    ----- stderr -----
    error: invalid YAML: while parsing a node, did not find expected node content
     --> broken.yaml:2:17
      |
    2 | data: {images: [
      |                 ^
      = help: inside `{…}` and `[…]`, put text with commas, brackets or quotation marks in quotes
    ");
}

#[test]
fn keys_and_values_that_do_not_exist_come_all_at_once() {
    let context = TestContext::new();
    context.replace("experiments/base.yaml", "epochs: 2", "epcohs: 2");
    context.replace("experiments/base.yaml", "objective: contrastive", "objective: contrast");
    context.replace("experiments/base.yaml", "patch_size: 16", "patch_size: 7");
    assert_output!(context, context.cliptune("run experiments"), @r"
    exit code: 2
    ----- stderr -----
    error: `model.architecture.image_size` is not a multiple of `patch_size`
      --> experiments/base.yaml:15:17
       |
    15 |     image_size: 32
       |                 ^^ expected a multiple of 7
      ::: experiments/base.yaml:16:17
       |
    16 |     patch_size: 7
       |                 ^ `patch_size` is 7 here

    error: unknown value `contrast` for `train.objective`
      --> experiments/base.yaml:23:14
       |
    23 |   objective: contrast
       |              ^^^^^^^^ expected `choice`, `contrastive`, `choice+contrastive` or `sigmoid`
       = help: did you mean `contrastive`?

    error: unknown key `epcohs` in `train`
      --> experiments/base.yaml:24:3
       |
    24 |   epcohs: 2
       |   ^^^^^^ expected one of the keys of `train`
       = help: did you mean `epochs`?
    ");
    assert_nothing_made(&context);
}

#[test]
fn a_setting_of_the_command_line_that_does_not_exist() {
    let context = TestContext::new();
    assert_output!(context, context.cliptune("run experiments --set train.epoch=1"), @r"
    exit code: 2
    ----- stderr -----
    error: unknown key `epoch` in `train`
     --> --set:1:1
      |
    1 | train.epoch=1
      | ^^^^^^^^^^^ expected one of the keys of `train`
      = help: did you mean `epochs`?
    ");
    assert_nothing_made(&context);
}

#[test]
fn images_that_are_not_there() {
    let context = TestContext::new();
    fs::remove_dir_all(context.path("contest/images")).unwrap();
    assert_output!(context, context.cliptune("run experiments"), @r"
    exit code: 2
    ----- stderr -----
    error: there are no images at [DIR]/contest/images

    hint: data.images is relative to the experiment file; look at the path with cliptune check
    ");
    assert_nothing_made(&context);
}

#[test]
fn a_table_that_is_not_there() {
    let context = TestContext::new();
    fs::remove_file(context.path("contest/contest.parquet")).unwrap();
    assert_output!(context, context.cliptune("run experiments"), @r"
    exit code: 2
    ----- stderr -----
    error: there is no table [DIR]/contest/contest.parquet

    hint: data.metadata is relative to the experiment file; look at the path with cliptune check
    ");
    assert_nothing_made(&context);
}

#[test]
fn a_table_that_is_none() {
    let context = TestContext::new();
    context.write("contest/contest.parquet", "this is no parquet file");
    assert_output!(context, context.cliptune("ingest experiments/base.yaml"), @r"
    exit code: 1
    ----- stderr -----
    error: cannot read the table [DIR]/contest/contest.parquet: Invalid Input Error: No magic bytes found at end of file '[DIR]/contest/contest.parquet'

    hint: its format is taken from its name, such as .parquet, .csv, .jsonl, .arrow or .sqlite
    ");
    assert_nothing_made(&context);
}

#[test]
fn a_table_without_a_column() {
    let context = TestContext::new();
    context.replace("experiments/base.yaml", "text: image_description", "text: image_descriptions");
    assert_output!(context, context.cliptune("ingest experiments/base.yaml"), @r#"
    exit code: 2
    ----- stderr -----
    error: [DIR]/contest/contest.parquet has no column "image_descriptions", which data.columns.text names

    hint: did you mean "image_description"? its columns are contest_number, image_location, image_description, image_uncanny_description, entities, questions, caption_choices, from_description, label, n_tokens_label, instance_id, filename
    "#);
    assert_nothing_made(&context);
}

#[test]
fn sql_that_is_none() {
    let context = TestContext::new();
    context.replace("experiments/base.yaml", "metadata: filename", "metadata: \"upper(filename\"");
    assert_output!(context, context.cliptune("ingest experiments/base.yaml"), @r#"
    exit code: 2
    ----- stderr -----
    error: data.join.metadata is not usable SQL: upper(filename
      it ends before it is complete

    hint: it can name the table's columns; unusual names need "double quotes"
    "#);
    assert_nothing_made(&context);
}

#[test]
fn test_images_that_the_base_was_trained_on() {
    let context = TestContext::new();
    context.replace("experiments/tuned.yaml", "test: 0.2, seed: 0", "test: 0.2, seed: 5");
    for command in ["ingest experiments", "ingest experiments", "run experiments", "train experiments"] {
        let output = context.cliptune(command).ended(1);
        assert!(output.stderr.contains("were seen in training by the model it starts from"), "{output}");
        // It is found as soon as both datasets are there, whether or not the base has been trained.
        assert_eq!(context.runs("base").len(), usize::from(!command.starts_with("ingest")), "{output}");
        assert!(context.runs("tuned").is_empty(), "{output}");
    }
}

#[test]
fn an_experiment_whose_base_failed_is_skipped_and_the_others_still_run() {
    let context = TestContext::new();
    context.replace("experiments/base.yaml", "text: image_description", "text: image_descriptions");
    // Independent of the base, and quick: nothing is trained.
    let tuned = fs::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    let alone = tuned.split("train:\n").next().unwrap().replace("name: tuned", "name: alone");
    let architecture = fs::read_to_string(context.path("experiments/base.yaml")).unwrap();
    let model = architecture.split("model:\n").nth(1).unwrap().split("train:\n").next().unwrap().to_owned();
    context.write("experiments/alone.yaml", &alone.replace("  from: run:base\n", &model));

    let output = context.cliptune("run experiments --json").ended(2);
    assert!(output.stderr.contains("warning: base is incomplete: ingest failed"), "{output}");
    assert!(
        output.stderr.contains("warning: tuned is skipped: base, which it starts from, is incomplete"),
        "{output}"
    );
    assert_eq!(context.statuses("alone"), ["done"], "{output}");
    assert!(context.path("runs/reports/experiments/index.html").is_file(), "{output}");
    // The summary says why.
    let summary = output.json();
    let line = |name: &str| {
        let mut lines = summary["results"].as_array().unwrap().iter();
        lines.find(|line| line["experiment"] == name).unwrap().clone()
    };
    assert_eq!((&line("alone")["failures"], &line("tuned")["outcome"]), (&json!([]), &json!("skipped")));
    let base = line("base");
    let [failure] = &base["failures"].as_array().unwrap()[..] else { panic!("{summary:#}") };
    assert_eq!((&failure["step"], &failure["exit_code"]), (&json!("ingest"), &json!(2)));
    assert!(failure["error"].as_str().unwrap().contains("image_descriptions"), "{summary:#}");
}

#[test]
fn an_onnx_runtime_that_is_not_there() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    context.cliptune("train experiments/base.yaml").succeeded();
    let mut command = context.command("cliptune");
    command
        .args(["score", "experiments/base.yaml", "--quiet"])
        .env("ORT_DYLIB_PATH", "nowhere/libonnxruntime.so");
    assert_output!(context, output(&mut command), @r"
    exit code: 1
    ----- stderr -----
    error: ONNX Runtime was not found; looked at nowhere/libonnxruntime.so

    hint: run scripts/setup, or point ORT_DYLIB_PATH at a libonnxruntime.so of version 1.22 or newer
    ");
    assert!(!context.only_run("base").join("scores").exists());
}

#[test]
fn a_file_that_is_no_onnx_runtime() {
    let context = TestContext::new();
    context.cliptune("ingest experiments/base.yaml").succeeded();
    context.cliptune("train experiments/base.yaml").succeeded();
    let mut command = context.command("cliptune");
    let table = context.path("contest/contest.parquet");
    command.args(["score", "experiments/base.yaml", "--quiet"]).env("ORT_DYLIB_PATH", table);
    assert_output!(context, output(&mut command), @r"
    exit code: 1
    ----- stderr -----
    error: [DIR]/contest/contest.parquet cannot be used as ONNX Runtime
      caused by: failed to load from `[DIR]/contest/contest.parquet`: dlopen failed

    hint: run scripts/setup, or point ORT_DYLIB_PATH at a libonnxruntime.so of version 1.22 or newer
    ");
    assert!(!context.only_run("base").join("scores").exists());
}

#[test]
fn a_store_that_is_a_file() {
    let context = TestContext::new();
    context.write("runs", "");
    assert_output!(context, context.cliptune("run experiments"), @r"
    exit code: 1
    ----- stderr -----
    error: not a directory: `[DIR]/runs`
    ");
}

#[test]
fn a_run_that_does_not_exist() {
    let context = TestContext::empty();
    assert_output!(context, context.cliptune("show base"), @r"
    exit code: 2
    ----- stderr -----
    error: there is no run base in [DIR]/runs

    hint: `cliptune ls` lists the runs
    ");
}

#[test]
fn a_program_without_its_siblings() {
    let context = TestContext::empty();
    let lonely = context.path("cliptune");
    fs::copy(program("cliptune"), &lonely).unwrap();
    // It loads no native library: here it would find none.
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&lonely);
        output(command.args(arguments).env("PATH", "").env_remove("LD_LIBRARY_PATH"))
    };
    assert_output!(context, run(&["train", "base.yaml"]), @r"
    exit code: 1
    ----- stderr -----
    error: there is no cliptune-train beside [DIR]/cliptune or in PATH

    hint: all programs belong into one folder; `cargo build --workspace --bins` builds them, with `--release` those of target/release
    ");
    assert_output!(context, run(&["ls"]), @r"
    exit code: 1
    ----- stderr -----
    error: there is no cliptune-store beside [DIR]/cliptune

    hint: all programs belong into one folder; `cargo build --workspace --bins` builds them, with `--release` those of target/release
    ");
}

/// An experiment whose table is there.
const CHOICE: &str = "\
name: choice
data:
  images: contest/images
  metadata: contest/contest.parquet
  join: { image: name, metadata: filename }
  columns: { choices: caption_choices, label: label, group: contest_number, id: instance_id }
model: { from: scratch, architecture: tiny }
train: { objective: choice }
";

/// The keys that name a column or hold SQL, each with a mistake in it.
const WRONG: [(&str, &str); 9] = [
    ("data.join.metadata", "file_name"),
    ("data.join.image", "upper(nmae)"),
    ("data.where", "contest_nubmer>3"),
    ("data.columns.choices", "caption_choice"),
    ("data.columns.label", "lable"),
    ("data.columns.id", "instance"),
    ("data.columns.group", "contest_nubmer"),
    ("data.columns.vocabulary", "[image_descripton]"),
    ("data.split.stratify", "contest+nubmer"),
];

/// Returns the lines with the errors of an output, sorted.
fn errors(stderr: &str) -> Vec<String> {
    let mut errors: Vec<String> =
        stderr.lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect();
    errors.sort();
    errors
}

#[test]
fn check_finds_all_that_is_not_in_the_table_at_once_and_what_ingest_finds_one_by_one() {
    let context = TestContext::new();
    context.write("choice.yaml", CHOICE);
    let (mut settings, mut alone) = (String::new(), Vec::new());
    for (key, wrong) in WRONG {
        let setting = format!(" --set {key}={wrong}");
        let refused = context.cliptune(&format!("ingest choice.yaml{setting}")).ended(2);
        assert!(errors(&refused.stderr).iter().any(|error| error.contains(key)), "{refused}");
        alone.extend(errors(&refused.stderr));
        settings += &setting;
    }
    alone.sort();
    let checked = context.cliptune(&format!("check choice.yaml{settings}")).ended(2);
    assert_eq!(errors(&checked.stderr), alone, "{checked}");
    assert!(checked.stderr.contains("did you mean \"contest_number\"?"), "{checked}");
    assert!(checked.stderr.contains("its columns are ") && checked.stdout.is_empty(), "{checked}");
    let document = context.cliptune(&format!("check --json choice.yaml{settings}")).ended(2).json();
    assert_eq!(document["exit_code"], 2);
    assert_nothing_made(&context);
    // What is not there yet can have no wrong columns.
    fs::remove_file(context.path("contest/contest.parquet")).unwrap();
    context.cliptune(&format!("check choice.yaml{settings}")).succeeded();
}

#[test]
fn check_looks_at_the_columns_of_every_kind_of_table() {
    let context = TestContext::new();
    let images: Vec<String> = fs::read_dir(context.path("contest/images"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    context.write("table.csv", &format!("picture,caption\n{},a cat\nan unfinished row\n", images[0]));
    context.write("table.tsv", &format!("picture\tcaption\n{}\ta cat\n", images[0]));
    context.write("table.jsonl", &format!("{{\"picture\": \"{}\", \"caption\": \"a cat\"}}\n", images[0]));
    let experiment = |join: &str| {
        format!(
            "name: kinds\ndata:\n  images: contest/images\n  metadata: table.csv\n{join}  columns: {{ text: captoin }}\n\
             model: {{ from: scratch, architecture: tiny }}\ntrain: {{ objective: contrastive }}\n"
        )
    };
    context.write("kinds.yaml", &experiment("  join: { image: name, metadata: picture }\n"));
    for table in ["table.csv", "table.tsv", "table.jsonl"] {
        let refused = context.cliptune(&format!("check kinds.yaml --set data.metadata={table}")).ended(2);
        let says = format!("{table} has no column \"captoin\", which data.columns.text names");
        assert!(refused.stderr.contains(&says), "{refused}");
        assert!(
            refused.stderr.contains("did you mean \"caption\"? its columns are picture, caption"),
            "{refused}"
        );
    }
    context.write("kinds.yaml", &experiment(""));
    let refused = context.cliptune("check kinds.yaml --set data.metadata=table.tsv").ended(2);
    assert!(
        refused.stderr.contains("has no column \"captoin\""),
        "where the join has to be found, too: {refused}"
    );
}

#[test]
fn a_working_folder_that_is_gone_is_named_as_what_is_wrong() {
    let context = TestContext::empty();
    let mut shell = std::process::Command::new("sh");
    let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" ls";
    shell.current_dir(context.path("")).env_remove("CLIPTUNE_STORE").args(["-c", script]);
    let failed = output(shell.arg(program("cliptune"))).ended(1);
    assert!(failed.stderr.contains("the working folder, which the store `runs` is in, is gone"), "{failed}");
}

#[test]
fn a_number_that_is_none_is_answered_with_what_is_expected() {
    let refused = TestContext::empty().cliptune("gc --keep-best x").ended(2);
    assert!(refused.stderr.contains("expected a whole number, 0 or more"), "{refused}");
}
