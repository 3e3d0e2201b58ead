//! `cliptune sample`: joined rows and rejects as a person looks at them.

use std::path::PathBuf;

use fs_err as fs;
use serde_json::{Value, json};

use crate::support::{TestContext, assert_output, output};

/// Three images, six rows of a table in CSV, and an experiment over them.
fn small() -> TestContext {
    let context = TestContext::empty();
    for (name, shade) in [("1.png", 10), ("2.png", 200), ("3.png", 90)] {
        let path = context.path(&format!("data/images/{name}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_pixel(4, 4, image::Luma([shade])).save(path).unwrap();
    }
    context.write(
        "data/table.csv",
        "file,captions,answer,contest\n\
         1.png,\"[\"\"A cat.\"\", \"\"A dog.\"\"]\",B,a\n\
         1.png,\"[\"\"A hen.\"\", \"\"A cow.\"\"]\",A,a\n\
         2.png,\"[\"\"One.\"\", \"\"Two.\"\", \"\"Three.\"\"]\",C,b\n\
         9.png,\"[\"\"No.\"\", \"\"Image.\"\"]\",A,c\n\
         2.png,\"[\"\"Only one.\"\"]\",A,b\n\
         2.png,\"[\"\"Four.\"\", \"\"Five.\"\"]\",A,b\n",
    );
    context.write(
        "experiments/small.yaml",
        "name: small\n\
         data:\n\
         \x20 images: ../data/images\n\
         \x20 metadata: ../data/table.csv\n\
         \x20 join: { image: name, metadata: file }\n\
         \x20 columns: { choices: captions, label: { column: answer, is: letter }, group: contest }\n\
         \x20 split: { by: group, train: 0.5, validation: 0, test: 0.5, seed: 0 }\n\
         model: { from: openai/clip-vit-base-patch32 }\n",
    );
    context
}

fn shown(context: &TestContext, arguments: &[&str]) -> Value {
    let mut command = context.command("cliptune");
    command.args(["sample", "experiments/small.yaml", "--json", "-q"]).args(arguments);
    output(&mut command).succeeded().json()
}

/// Returns what is told, without what an encoder or a hash decides: the sizes of images and the splits of items.
fn told(context: &TestContext, arguments: &str) -> String {
    let told = context.cliptune(&format!("sample experiments/small.yaml -q {arguments}")).to_string();
    let images = ["1.png", "2.png", "3.png"].map(|name| context.path(&format!("data/images/{name}")));
    let sizes = images.map(|path| format!("{} B", fs::metadata(path).unwrap().len()));
    let told = sizes.iter().fold(told, |told, size| told.replace(size, "[SIZE]"));
    told.replace("in train of", "in [SPLIT] of").replace("in test of", "in [SPLIT] of")
}

/// Returns the names of the rows that are shown.
fn names(samples: &Value) -> Vec<&str> {
    samples.as_array().unwrap().iter().map(|sample| sample["row"]["name"].as_str().unwrap()).collect()
}

#[test]
fn joined_rows_are_shown_with_what_becomes_of_them() {
    let context = small();
    assert_output!(context, told(&context, "--limit 2"), @r"
    exit code: 0
    ----- stdout -----
    1.png  4 × 4, [SIZE]
    row 0: item [HASH], in no dataset yet
      file      1.png
      captions    0  A cat.
                ✓ 1  A dog.
      answer    B
      contest   a

    row 1: item [HASH], in no dataset yet
      file      1.png
      captions  ✓ 0  A hen.
                  1  A cow.
      answer    A
      contest   a
    ");
    assert!(!context.path("runs").exists(), "a store that was not there is not made");
    context.cliptune("ingest experiments/small.yaml -q").succeeded();
    let before = context.files("runs/datasets");
    assert_output!(context, told(&context, "--where contest='b'"), @r#"
    exit code: 0
    ----- stdout -----
    2.png  4 × 4, [SIZE]
    row 2: item [HASH] in [SPLIT] of dataset [HASH]
      file      2.png
      captions    0  One.
                  1  Two.
                ✓ 2  Three.
      answer    C
      contest   b

    row 4: rejected, fewer than two choices: ["Only one."]
      file      2.png
      captions  ✓ 0  Only one.
      answer    A
      contest   b

    row 5: item [HASH] in [SPLIT] of dataset [HASH]
      file      2.png
      captions  ✓ 0  Four.
                  1  Five.
      answer    A
      contest   b
    "#);
    assert_eq!(context.files("runs/datasets"), before, "nothing in the store was touched");
}

#[test]
fn the_request_and_the_experiment_both_leave_rows_out() {
    let context = small();
    assert_eq!(names(&shown(&context, &[])), ["0", "1", "2"]);
    assert_eq!(names(&shown(&context, &["--where", "file.name = '2.png'"])), ["2", "4", "5"]);
    assert_eq!(names(&shown(&context, &["--where", "contest = 'b' AND answer <> 'A'"])), ["2"]);
    assert_eq!(names(&shown(&context, &["--where", "false"])), Vec::<&str>::new());
    let filtered = ["--set", "data.where=contest = 'a'", "--limit", "9"];
    assert_eq!(names(&shown(&context, &filtered)), ["0", "1"]);
}

#[test]
fn a_draw_is_the_same_each_time() {
    let context = small();
    let draws: Vec<Value> =
        (0..8_u32).map(|seed| shown(&context, &["--limit", "2", "--seed", &seed.to_string()])).collect();
    assert!(draws.iter().any(|draw| names(draw) != names(&draws[0])), "another seed draws others");
    assert_eq!(shown(&context, &["--limit", "2", "--seed", "3"]), draws[3]);
}

#[test]
fn json_has_the_file_all_columns_and_the_right_text() {
    let context = small();
    context.cliptune("ingest experiments/small.yaml -q").succeeded();
    let samples = shown(&context, &["--where", "file.name = '2.png'"]);
    let sample = &samples[0];
    let size = fs::metadata(context.path("data/images/2.png")).unwrap().len();
    assert_eq!(sample["file"], json!({ "path": "2.png", "size": size, "width": 4, "height": 4 }));
    assert_eq!(
        sample["row"]["columns"],
        json!({
            "file": "2.png", "captions": "[\"One.\", \"Two.\", \"Three.\"]", "answer": "C", "contest": "b"
        })
    );
    assert_eq!(sample["row"]["texts"], json!(["One.", "Two.", "Three."]));
    assert_eq!(sample["row"]["right"], 2);
    let items = fs::read_dir(context.path("runs/datasets")).unwrap().next().unwrap().unwrap().path();
    let record: Value = serde_json::from_slice(&fs::read(items.join("dataset.json")).unwrap()).unwrap();
    assert_eq!(sample["outcome"]["place"]["dataset"], record["hash"]);
    assert!(["train", "test"].contains(&sample["outcome"]["place"]["split"].as_str().unwrap()));
    assert_eq!(samples[1]["outcome"]["rejected"], "fewer than two choices");
}

#[test]
fn rejects_are_listed_and_shown_by_reason() {
    let context = small();
    assert_output!(context, told(&context, "--rejects"), @r"
    exit code: 1
    ----- stderr -----
    error: there is no dataset of small yet, so nothing is known of rejects

    hint: `cliptune ingest` makes it
    ");
    context.cliptune("ingest experiments/small.yaml -q").succeeded();
    assert_output!(context, told(&context, "--rejects"), @r"
    exit code: 0
    ----- stdout -----
    rejected  reason
           1  fewer than two choices
           1  no image for this row
           1  no row for this image
    ");
    let rejected = |reason: &str| shown(&context, &["--rejects", reason]);
    assert_eq!(names(&rejected("no image for this row")), ["3"]);
    assert_eq!(rejected("no image")[0]["row"]["columns"]["file"], "9.png");
    let alone = rejected("no row for this image");
    assert_eq!((&alone[0]["file"]["path"], &alone[0]["row"]), (&json!("3.png"), &Value::Null));
    let few = rejected("fewer");
    assert_eq!((&few[0]["row"]["name"], &few[0]["file"]["path"]), (&json!("4"), &json!("2.png")));
    let mut command = context.command("cliptune");
    let wrong = output(command.args([
        "sample",
        "experiments/small.yaml",
        "-q",
        "--rejects",
        "no imige for this row",
    ]));
    assert_output!(context, wrong, @r#"
    exit code: 2
    ----- stderr -----
    error: there is no reason "no imige for this row"

    hint: did you mean "no image for this row"?
    "#);
}

#[test]
fn a_page_is_one_file_with_its_pictures() {
    let context = small();
    let page = context.cliptune("sample experiments/small.yaml --html -q").succeeded().stdout;
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    // Three rows have two images.
    assert_eq!(page.matches("<img src=\"data:image/jpeg;base64,").count(), 2);
    assert!(!page.contains("http://") && !page.contains("https://"));
    for wrong in ["--html --json", "--html --rejects"] {
        context.cliptune(&format!("sample experiments/small.yaml {wrong}")).ended(2);
    }
}

#[test]
fn labels_that_nobody_can_read_are_looked_at_all_the_same() {
    let context = small();
    // Each row of these can be an index from 0 or a text.
    context.write("data/table.csv", "file,captions,answer,contest\n1.png,\"[\"\"1\"\", \"\"0\"\"]\",1,a\n2.png,\"[\"\"1\"\", \"\"0\"\"]\",0,b\n");
    context.replace("experiments/small.yaml", "{ column: answer, is: letter }", "answer");
    let sampled = context.cliptune("sample experiments/small.yaml").succeeded();
    assert!(sampled.stderr.contains("2 of 2 joined rows"), "{sampled}");
    assert!(sampled.stdout.contains("how its label is read is not decided"), "{sampled}");
    assert!(!sampled.stdout.contains('✓'), "{sampled}");
}

#[test]
fn sql_is_checked_as_that_of_the_experiment_is() {
    let context = small();
    for sql in [
        "fil.name = '1.png'",
        "random() < 0.5",
        "true) UNION SELECT (1",
        "EXISTS (FROM read_text('/etc/passwd'))",
    ] {
        let mut command = context.command("cliptune");
        let refused = output(command.args(["sample", "experiments/small.yaml", "--where", sql]));
        refused.ended(2);
    }
}

#[test]
fn one_experiment_is_sampled_at_a_time() {
    let context = TestContext::new();
    assert_output!(context, context.cliptune("sample experiments -q"), @r"
    exit code: 2
    ----- stderr -----
    error: a sample is of one experiment, not of base, tuned

    hint: name the file of one of them
    ");
}

/// Returns what a terminal is sent, from a pseudo-terminal of util-linux's `script`.
fn in_a_terminal(context: &TestContext, variables: &[(&str, &str)]) -> String {
    let program: PathBuf = crate::support::program("cliptune");
    let line = format!("{} sample experiments/small.yaml --limit 1 -q", program.display());
    let mut command = std::process::Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(context.path("")).env_remove("NO_COLOR");
    for name in [
        "TMUX",
        "STY",
        "ZELLIJ",
        "TERM_PROGRAM",
        "KITTY_WINDOW_ID",
        "LC_TERMINAL",
        "WEZTERM_PANE",
        "COLORTERM",
    ] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).stdin(std::process::Stdio::null());
    output(&mut command).succeeded().stdout
}

#[test]
fn a_terminal_gets_pictures_as_it_can_show_them_and_a_pipe_none() {
    let context = small();
    for (variables, expected) in [
        ([("TERM", "xterm-kitty"), ("A", "")], "\u{1b}_Ga=T,f=100,"),
        ([("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], "\u{1b}]1337;File=inline=1;"),
        ([("TERM", "foot"), ("A", "")], "\u{1b}P0;1;0q"),
        ([("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], "\u{1b}[38;2;10;10;10;48;2;10;10;10m▀"),
        ([("TERM", "xterm-kitty"), ("TMUX", "/tmp/tmux-1/default,1,0")], "▀"),
    ] {
        let sent = in_a_terminal(&context, &variables);
        assert!(sent.contains(expected), "{variables:?}: {sent:?}");
    }
    let sent = in_a_terminal(&context, &[("TERM", "xterm-kitty"), ("NO_COLOR", "1")]);
    assert!(!sent.contains('\u{1b}'), "{sent:?}");
    let piped = context.cliptune("sample experiments/small.yaml --pictures kitty").succeeded().stdout;
    assert!(!piped.contains('\u{1b}'), "{piped:?}");
}
