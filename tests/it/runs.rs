//! Listing runs and asking about them, as a person does.

use std::path::Path;

use cliptune_experiment::Split;
use cliptune_store::{Labels, Outcome, Store};

use crate::drawn;
use crate::outputs::finished;
use crate::support::{Output, TestContext, output};

/// Draws two runs of one experiment and a failed one of another, with texts that mean harm.
fn drawn_runs() -> TestContext {
    let context = TestContext::empty();
    let store = Store::open(&context.path("runs")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tuned = drawn::plans(folder.path(), "tuned");
    let lora =
        tuned.iter().find(|plan| plan.axes["train.tune"] == "lora" && plan.seed != tuned[0].seed).unwrap();
    let failed = Outcome::Failed { message: "=cmd|' /C calc'!A0 \u{1b}[31m<b>\u{202e}".to_owned() };
    let runs = [(&tuned[0], 0.5), (lora, 0.625)].map(|(plan, accuracy)| {
        let run = drawn::run(&store, plan, (accuracy * 16.0) as usize, Some(Outcome::Done { best_epoch: 2 }));
        drawn::score(&run, Split::Validation, accuracy);
        drawn::score(&run, Split::Test, accuracy - 0.125);
        drawn::log(&run, 3);
        run
    });
    let label = |labels: &mut Labels| labels.note = Some("@SUM(1) | *bold*".parse().unwrap());
    store.label(&runs[1], label).unwrap();
    drawn::run(&store, &drawn::plans(folder.path(), "broken")[0], 30, Some(failed));
    context
}

/// Runs `cliptune` with arguments that may have spaces.
fn cliptune(context: &TestContext, arguments: &[&str]) -> Output {
    output(context.command("cliptune").args(arguments))
}

/// What the commands say, one after the other.
fn said(context: &TestContext, commands: &[&[&str]]) -> String {
    let said = commands
        .iter()
        .map(|arguments| format!("$ cliptune {}\n{}", arguments.join(" "), cliptune(context, arguments)));
    said.collect::<Vec<_>>().join("\n")
}

#[test]
fn runs_are_listed_for_people_and_for_programs() {
    let context = drawn_runs();
    let columns = "run,train.tune,test.accuracy,validation.nll_low,note,error";
    let text = said(
        &context,
        &[
            &["ls"],
            &["ls", "--csv"],
            &["ls", "--md"],
            &["ls", "--columns", columns],
            &["ls", "--columns", columns, "--json"],
            &["ls", "tuned", "--sort", "validation.accuracy:desc", "--columns", "seed,validation.accuracy"],
            &["ls", "--filter", "test.accuracy > 0.4 and train.tune = 'lora'", "--columns", "run"],
            &["ls", "--best", "validation.nll", "--columns", "run,validation.nll", "--csv"],
            &["ls", "tuned", "--limit", "1", "--columns", "run"],
            &["ls", "--filter", "seed > 7"],
        ],
    );
    insta::assert_snapshot!(text);
    // Data stays data.
    let all = cliptune(&context, &["ls", "--json"]).succeeded().json();
    assert!(all[0]["settings"]["score.splits"].is_array(), "{all:#}");
    let listed = cliptune(&context, &["ls", "--columns", "score.splits", "--json"]).succeeded().json();
    assert_eq!(listed[0]["score.splits"], all[0]["settings"]["score.splits"]);
    let asked = ["ls", "--filter", "score.splits LIKE '%validation%'", "--json"];
    assert_eq!(cliptune(&context, &asked).succeeded().json().as_array().unwrap().len(), 3);
}

#[test]
fn help_is_that_of_the_command() {
    let context = TestContext::empty();
    for command in ["ls", "train", "rm"] {
        let [help, own] = [["help", command], [command, "--help"]];
        let own = cliptune(&context, &own).succeeded().stdout;
        assert!(own.contains("Usage: cliptune"), "{own}");
        assert_eq!(cliptune(&context, &help).succeeded().stdout, own);
    }
    assert_eq!(
        cliptune(&context, &["help"]).succeeded().stdout,
        cliptune(&context, &["--help"]).succeeded().stdout
    );
    let unknown = cliptune(&context, &["help", "lss"]).ended(2);
    assert!(unknown.stderr.contains("there is no command lss"), "{unknown}");
}

#[test]
fn questions_are_answered_for_people_and_for_programs() {
    let context = drawn_runs();
    let sql = "SELECT experiment, seed, note, error FROM runs ORDER BY started";
    let text = said(
        &context,
        &[
            &["query", sql],
            &["query", sql, "--csv"],
            &["query", sql, "--json"],
            &["query", "SELECT run FROM runs WHERE false", "--json"],
            &["query", "SELECT type, max(step) AS steps FROM events GROUP BY ALL"],
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let context = drawn_runs();
    context.write("tuned.yaml", "name: tuned\n");
    let text = said(
        &context,
        &[
            &["ls", "tund"],
            &["ls", "--sort", "test.acuracy"],
            &["ls", "--columns", "run,train.tun"],
            &["ls", "--filter", "test.acuracy > 1"],
            &["ls", "--filter", "seed = 1; DROP VIEW runs"],
            &["ls", "--filter", "seed ="],
            &["ls", "--filter", " "],
            &["ls", "--limit", "0"],
            &["ls", "--best", "train.tune"],
            &["ls", "tuned", "--stale"],
            &["ls", "--filter", "present is not true"],
            &["ls", "--sort", "present"],
            &["ls", "tuned", "--set", "train.epochs=1"],
            &["query", "SELECT acuracy FROM runs"],
            &["query", "SELECT metrc FROM metrics"],
            &["query", "FROM read_csv('/etc/passwd')"],
            &["query", "COPY runs TO 'out.csv'"],
            &["query", "FROM runs", "--parquet", "tuned.yaml"],
            &["query", "FROM runs", "--set", "train.epochs=1"],
        ],
    );
    insta::assert_snapshot!(text);
    for arguments in [
        &["ls", "--csv", "--json"][..],
        &["ls", "--csv", "--md"],
        &["ls", "--md", "--json"],
        &["ls", "--best", "test.accuracy", "--sort", "seed"],
        &["ls", "--best", "test.accuracy", "--limit", "1"],
        &["ls", "--stale"],
        &["query"],
        &["query", "FROM runs", "--csv", "--json"],
        &["query", "FROM runs", "--csv", "--parquet", "out.parquet"],
        &["query", "FROM runs", "--save", "out.duckdb"],
        &["query", "--save", "out.duckdb", "--csv"],
    ] {
        cliptune(&context, arguments).ended(2);
    }
    assert!(!Path::new(&context.path("out.csv")).exists());
}

#[test]
fn experiment_files_mark_the_runs_that_they_stand_for() {
    let context = finished();
    let listed = context.cliptune("ls experiments --json").succeeded().json();
    assert!(listed.as_array().unwrap().iter().all(|run| run["present"] == true), "{listed:#}");
    let marked = context.cliptune("ls experiments/tuned.yaml").succeeded().stdout;
    assert!(marked.lines().nth(2).unwrap().starts_with("* "), "{marked}");
    let stale = context.cliptune("ls experiments --stale").succeeded();
    assert!(stale.stdout.is_empty() && stale.stderr.contains("no such run is stale"), "{stale}");
    let changed = context.cliptune("ls experiments/tuned.yaml --stale --set train.epochs=7").succeeded();
    assert!(changed.stdout.starts_with("tuned: 1 run\n"), "{changed}");
    let named = context.cliptune("ls tuned --json").succeeded().json();
    assert_eq!(named.as_array().unwrap().len(), 1);
    assert!(named[0]["present"].is_null() && named[0]["settings"]["train.epochs"] == 1, "{named:#}");
}

#[test]
fn a_saved_database_has_all_views() {
    let context = drawn_runs();
    context.cliptune("query --save saved.duckdb").succeeded();
    let database = duckdb::Connection::open(context.path("saved.duckdb")).unwrap();
    let sql = "SELECT count(*) FROM predictions JOIN runs USING (run) WHERE runs.experiment = 'tuned'";
    assert_eq!(database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 12);
}
