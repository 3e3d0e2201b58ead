//! `docs/cli.md` is the help of the programs, word for word.

use std::fmt::Write as _;

use fs_err as fs;

use crate::support::{TestContext, checkout, output};

/// Set to anything, it makes the test write the reference instead of comparing it.
const UPDATE: &str = "CLIPTUNE_UPDATE_DOCS";

const INTRODUCTION: &str = "\
# The commands

The help of every command, as the programs print it. Generated; after a change of a flag or of its help, run

    CLIPTUNE_UPDATE_DOCS=1 cargo test -p cliptune-tests reference
";

const COMMANDS: [&str; 38] = [
    "",
    "new",
    "run",
    "plan",
    "check",
    "status",
    "ls",
    "query",
    "show",
    "compare",
    "import",
    "rank",
    "classify",
    "embed",
    "search",
    "export",
    "rm",
    "gc",
    "relocate",
    "fsck",
    "demo-data",
    "ingest",
    "train",
    "score",
    "report",
    "soup",
    "fetch",
    "cache",
    "sample",
    "tag",
    "note",
    "rename",
    "pin",
    "restore",
    "doctor",
    "schema",
    "completions",
    "help",
];

#[test]
fn the_reference_is_what_the_programs_say() {
    let context = TestContext::empty();
    let mut reference = INTRODUCTION.to_owned();
    for command in COMMANDS {
        let help =
            output(context.command("cliptune").args(command.split_whitespace()).arg("--help")).succeeded();
        let name = format!("cliptune {command}");
        let help: String = help.stdout.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        write!(reference, "\n## `{}`\n\n```text\n{help}```\n", name.trim_end()).unwrap();
    }
    let file = checkout().join("docs/cli.md");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&file, &reference).unwrap();
    }
    let checked_in = fs::read_to_string(&file).unwrap_or_default();
    assert!(checked_in == reference, "docs/cli.md is out of date: run this test with {UPDATE}=1");
}

#[test]
fn the_reference_has_every_command() {
    let help = TestContext::empty().cliptune("--help").succeeded().stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, COMMANDS[1..]);
}
