//! Runs for MLflow, read back from the database as MLflow reads them.

use cliptune_exchange::export::Format;
use cliptune_experiment::Split;
use cliptune_store::{Labels, Tag};
use fs_err as fs;
use rusqlite::Connection;

use crate::drawn;
use crate::support::World;

/// Returns the rows that answer a question about texts, with `|` between the values.
fn rows(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let columns = statement.column_count();
    let found = statement.query_map([], |row| {
        let cell = |at: usize| -> rusqlite::Result<String> {
            Ok(row.get::<_, Option<String>>(at)?.unwrap_or_else(|| "NULL".to_owned()))
        };
        (0..columns).map(cell).collect::<rusqlite::Result<Vec<String>>>()
    });
    found.unwrap().map(|row| row.unwrap().join("|")).collect()
}

fn exported(world: &World) -> Connection {
    world.export(&world.runs, Format::Mlflow, "out").unwrap();
    Connection::open(world.path("out/mlflow.db")).unwrap()
}

#[test]
fn every_run_is_in_its_experiment_with_its_status_and_times() {
    let database = exported(&World::new());
    assert_eq!(
        rows(&database, "SELECT CAST(experiment_id AS TEXT), name FROM experiments ORDER BY 1"),
        ["0|Default", "1|first", "2|second"]
    );
    assert_eq!(
        rows(
            &database,
            "SELECT CAST(experiment_id AS TEXT), status, CAST(start_time AS TEXT), CAST(end_time AS TEXT) FROM runs
             ORDER BY start_time"
        ),
        [
            "2|FINISHED|1767225600000|1767225630500",
            "1|FINISHED|1767225660000|1767225690500",
            "1|FINISHED|1767225720000|1767225750500",
            "1|FAILED|1767225780000|1767225810500",
        ]
    );
    assert_eq!(rows(&database, "SELECT version_num FROM alembic_version"), ["89d4b8295536"]);
}

#[test]
fn settings_curves_and_scores_with_their_intervals_are_there_to_the_bit() {
    let world = World::new();
    let database = exported(&world);
    let run = "JOIN tags t USING (run_uuid) WHERE t.key = 'cliptune.run' AND t.value =";
    let run = format!("{run} '{}'", world.runs[0].id());
    let sql = format!("SELECT p.value FROM params p {run} AND p.key = 'train.optimizer.lr'");
    assert_eq!(rows(&database, &sql), ["1e-5"]);
    let value = |name: &str| -> f64 {
        let sql = format!("SELECT m.value FROM latest_metrics m {run} AND m.key = '{name}'");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(value("test.accuracy").to_bits(), (0.1_f64 + 0.2).to_bits());
    assert_eq!(value("test.accuracy.low").to_bits(), (0.1_f64 + 0.2 - 0.1).to_bits());
    assert_eq!(value("test.accuracy.chance"), 0.2);
    assert_eq!(value("test.n_groups"), 2.0);
    assert_eq!(value("train/loss"), 0.25, "the latest step counts");
    let sql =
        format!("SELECT CAST(m.step AS TEXT) FROM metrics m {run} AND m.key = 'train/loss' ORDER BY m.step");
    assert_eq!(rows(&database, &sql), ["1", "2", "3", "4"]);
    let sql = format!("SELECT CAST(m.is_nan AS TEXT) FROM metrics m {run} AND m.key = 'test.mrr'");
    assert_eq!(rows(&database, &sql), ["1"], "MLflow has a place for what is no number");
}

#[test]
fn what_people_said_of_a_run_is_where_mlflow_shows_it() {
    let world = World::new();
    let label = |labels: &mut Labels| {
        labels.name = Some("champion".parse().unwrap());
        labels.note = Some("two\nlines".parse().unwrap());
        labels.tags = ["paper", "a=b"].iter().map(|tag| tag.parse::<Tag>().unwrap()).collect();
    };
    world.store.label(&world.runs[0], label).unwrap();
    let database = exported(&world);
    let sql = "SELECT key, value FROM tags JOIN runs USING (run_uuid) WHERE name = 'champion'
               AND (key LIKE 'mlflow.%' OR key LIKE 'tag.%' OR key = 'cliptune.names') ORDER BY key";
    assert_eq!(
        rows(&database, sql),
        [
            r#"cliptune.names|{"tag.a_b":"tag.a=b"}"#,
            "mlflow.note.content|two\nlines",
            "mlflow.runName|champion",
            "mlflow.source.name|cliptune",
            "mlflow.source.type|LOCAL",
            "tag.a_b|a=b",
            "tag.paper|paper",
        ]
    );
}

#[test]
fn the_artifacts_lie_where_the_database_says() {
    let world = World::new();
    let database = exported(&world);
    let sql = "SELECT artifact_uri FROM runs WHERE status = 'FINISHED' ORDER BY start_time DESC LIMIT 1";
    let uri = rows(&database, sql).swap_remove(0);
    let folder = std::path::PathBuf::from(uri.strip_prefix("file://").unwrap());
    assert!(folder.starts_with(fs::canonicalize(world.path("out")).unwrap()), "{uri}");
    for file in ["run.json", "experiment.yaml", "events.jsonl", "scores/test/scores.json"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    assert!(!folder.join("model").exists());
}

#[test]
fn the_same_run_has_the_same_identity_each_time() {
    let world = World::new();
    let ids = |name: &str| {
        world.export(&world.runs, Format::Mlflow, name).unwrap();
        let database = Connection::open(world.path(name).join("mlflow.db")).unwrap();
        rows(&database, "SELECT run_uuid FROM runs ORDER BY 1")
    };
    let first = ids("one");
    assert!(first.iter().all(|id| id.len() == 32));
    drawn::score(&world.runs[3], Split::Test, 0.5);
    assert_eq!(ids("other"), first);
}
