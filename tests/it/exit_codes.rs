//! One mistake has one exit code, whichever tool meets it.

use std::fmt::Write;

use fs_err as fs;

use crate::support::TestContext;

/// The tools that read experiments.
const TOOLS: [&str; 6] = ["check", "ingest", "train", "score", "report", "run"];

/// Makes the only experiment a wrong one.
type Mistake = (&'static str, fn(&TestContext));

const FILE: &str = "experiments/base.yaml";

/// Takes the architecture away and starts from something else.
fn start_from(context: &TestContext, from: &str) {
    let text = fs::read_to_string(context.path(FILE)).unwrap();
    let (head, rest) = text.split_once("  from: scratch\n").unwrap();
    let (_, tail) = rest.split_once("train:\n").unwrap();
    context.write(FILE, &format!("{head}  from: {from}\ntrain:\n{tail}"));
}

const MISTAKES: [Mistake; 13] = [
    ("no such file", |context| fs::remove_file(context.path(FILE)).unwrap()),
    ("no YAML", |context| context.replace(FILE, "train:", "train: [")),
    ("an unknown key", |context| context.replace(FILE, "epochs", "epcohs")),
    ("nothing in it", |context| context.write(FILE, "")),
    ("no such model", |context| start_from(context, "./nowhere")),
    ("no such base", |context| start_from(context, "run:nobody")),
    ("no images", |context| context.replace(FILE, "contest/images", "contest/nowhere")),
    ("no such table", |context| context.replace(FILE, "contest.parquet", "nowhere.parquet")),
    ("a glob that is none", |context| context.replace(FILE, "../contest/images", "../contest/[images")),
    ("no such column", |context| context.replace(FILE, "image_description", "image_descriptions")),
    ("no SQL", |context| context.replace(FILE, "metadata: filename", "metadata: \"upper(filename\"")),
    ("no such column in SQL", |context| context.replace(FILE, "model:\n", "  where: \"nope = 1\"\nmodel:\n")),
    ("a table that is none", |context| context.write("contest/contest.parquet", "no table")),
];

/// Where nothing is wrong with the experiment, a tool that lacks what another one makes fails, and `report` and `run` do
/// what they can. `check` takes sources that are missing for ones that are still to come, and `train`, `score` and `report`
/// read no cell of a table.
#[test]
fn one_mistake_has_one_exit_code_whichever_tool_meets_it() {
    let mut table = format!("{:<22} {}", "mistake", TOOLS.join("  "));
    for (name, make) in MISTAKES {
        let context = TestContext::new();
        make(&context);
        let code = |tool: &str| context.cliptune(&format!("{tool} {FILE}")).code.unwrap();
        let codes: Vec<String> =
            TOOLS.iter().map(|tool| format!("{:<w$}", code(tool), w = tool.len())).collect();
        write!(table, "\n{name:<22} {}", codes.join("  ").trim_end()).unwrap();
    }
    insta::assert_snapshot!(table, @r"
    mistake                check  ingest  train  score  report  run
    no such file           2      2       2      2      2       2
    no YAML                2      2       2      2      2       2
    an unknown key         2      2       2      2      2       2
    nothing in it          2      2       2      2      2       2
    no such model          2      2       2      2      2       2
    no such base           2      2       2      2      2       2
    no images              0      2       2      2      2       2
    no such table          0      2       2      2      2       2
    a glob that is none    0      2       2      2      2       2
    no such column         2      2       1      1      0       2
    no SQL                 2      2       1      1      0       2
    no such column in SQL  2      2       1      1      0       2
    a table that is none   1      1       1      1      0       1
    ");
}

#[test]
fn a_mistake_has_its_exit_code_whatever_else_is_asked_for() {
    let context = TestContext::new();
    context.replace("experiments/tuned.yaml", "label: label", "label: labels");
    // The first time the base is made, the second time it is fresh.
    for command in
        ["run experiments", "run experiments", "run experiments/tuned.yaml", "ingest experiments/tuned.yaml"]
    {
        context.cliptune(command).ended(2);
        assert_eq!(context.statuses("base"), ["done"]);
    }
    // What fails for another reason is no mistake of whoever asks.
    context.replace("experiments/tuned.yaml", "contest.parquet", "broken.parquet");
    context.write("contest/broken.parquet", "no table");
    for command in ["run experiments", "ingest experiments/tuned.yaml"] {
        context.cliptune(command).ended(1);
    }
}
