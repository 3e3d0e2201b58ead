//! What the views say.

use cliptune_query::{Query, QueryError, Runs, View};
use cliptune_store::{Clock, SystemLog, Usage};
use fs_err as fs;

use crate::drawn;
use crate::support::World;

#[test]
fn every_view_has_its_documented_columns() {
    let world = World::new();
    for view in View::ALL {
        let described =
            world.answer(&format!("SELECT column_name, column_type FROM (DESCRIBE {})", view.name()));
        let documented: Vec<String> =
            view.columns().iter().map(|column| format!("{}|{}", column.name, column.kind.sql())).collect();
        assert_eq!(described, documented, "{}", view.name());
    }
}

#[test]
fn runs_settings_and_metrics_are_those_of_the_records() {
    let world = World::new();
    assert_eq!(
        world.answer(
            "SELECT experiment, seed, status, best_epoch, started, seconds FROM runs ORDER BY started"
        ),
        [
            "second|0|done|2|2026-01-01 00:00:00|30.5",
            "first|0|done|2|2026-01-01 00:01:00|30.5",
            "first|1|done|2|2026-01-01 00:02:00|30.5",
            "first|0|failed|NULL|2026-01-01 00:03:00|30.5",
        ]
    );
    assert_eq!(
        world.answer("SELECT value, number, count(*) FROM settings WHERE key = 'train.epochs' GROUP BY ALL"),
        ["3|3.0|4"]
    );
    assert_eq!(
        world.answer(
            "SELECT split, metric, value, low FROM metrics JOIN runs USING (run) WHERE seed = 1 ORDER BY ALL"
        ),
        [
            "test|accuracy|0.625|0.525",
            "test|mrr|NULL|NULL",
            "test|nll|1.375|1.275",
            "validation|accuracy|0.75|0.65",
            "validation|mrr|NULL|NULL",
            "validation|nll|1.25|1.15",
        ]
    );
}

#[test]
fn what_a_run_used_of_its_machine_comes_with_its_run() {
    let world = World::new();
    assert!(world.answer("FROM system").is_empty());
    let run = &world.runs[0];
    let mut log = SystemLog::open_append(&run.system_file(), Clock::start(10.0)).unwrap();
    for step in 1..=2 {
        let usage =
            Usage { cpu: Some(0.5), memory: Some(1 << step), gpu_joules: Some(2.5), ..Usage::default() };
        log.append(2.0, step, usage).1.unwrap();
    }
    let sql = format!(
        "SELECT count(*), sum(over), max(step), avg(cpu), max(memory), sum(gpu_joules), max(gpu), min(seconds) >= 10
         FROM system WHERE run = '{}'",
        run.id()
    );
    assert_eq!(world.answer(&sql), ["2|4.0|2|0.5|4|5.0|NULL|true"]);
    // A damaged line is lost alone, and another log does not hide this one.
    let mut bytes = fs::read(run.system_file()).unwrap();
    bytes.extend_from_slice(b"{\"torn");
    fs::write(run.system_file(), bytes).unwrap();
    fs::create_dir(world.runs[1].system_file()).unwrap();
    assert_eq!(world.answer("SELECT count(*) FROM system"), ["2"]);
}

#[test]
fn weights_take_space_until_they_are_removed() {
    let mut world = World::new();
    // Nobody works on the runs any more.
    let folder = world.runs.drain(..).next().unwrap().folder().to_path_buf();
    let run = &world.store.run_in(&folder).unwrap();
    let weights =
        || world.answer(&format!("SELECT weights > 8000, weights FROM runs WHERE run = '{}'", run.id()));
    assert_eq!(weights(), ["false|0"]);
    fs::create_dir(run.folder().join("onnx")).unwrap();
    fs::write(run.folder().join("onnx/model.safetensors"), vec![1; 8192]).unwrap();
    assert!(weights()[0].starts_with("true"), "{:?}", weights());
    let lock = world.store.lock().unwrap();
    let entry = world.store.trash_weights(&lock, run).unwrap();
    assert_eq!(weights(), ["false|0"]);
    world.store.restore(&lock, &entry).unwrap();
    assert!(weights()[0].starts_with("true"));
}

#[test]
fn events_and_predictions_come_with_their_runs() {
    let world = World::new();
    for _ in 0..2 {
        assert_eq!(
            world.answer("SELECT seed, type, count(*), sum(step), max(loss) FROM events JOIN runs USING (run) GROUP BY ALL ORDER BY ALL"),
            ["0|step|4|10|1.0", "1|step|4|10|1.0"]
        );
    }
    assert_eq!(
        world.answer("SELECT split, count(DISTINCT run), avg(share) FILTER (predicted = 1), any_value(probs) FROM predictions GROUP BY ALL ORDER BY ALL"),
        ["test|2|1.0|[0.25, 0.5, 0.25]", "validation|2|1.0|[0.25, 0.5, 0.25]"]
    );
}

#[test]
fn predictions_that_were_written_in_another_way_are_read_all_the_same() {
    let world = World::new();
    let all = "SELECT * FROM predictions ORDER BY ALL";
    let before = world.answer(all);
    assert_eq!(before.len(), 12);
    let folder = world.runs[0].scores_folder(cliptune_experiment::Split::Test);
    let (table, other) = (folder.join("predictions.parquet"), world.path("other.parquet"));
    let database = duckdb::Connection::open_in_memory().unwrap();
    let copy = format!(
        "COPY (FROM '{}') TO '{}' (FORMAT parquet, COMPRESSION snappy)",
        table.display(),
        other.display()
    );
    database.execute_batch(&copy).unwrap();
    let hashes = [&table, &other].map(|file| blake3::hash(&fs::read(file).unwrap()).to_hex().to_string());
    fs::rename(&other, &table).unwrap();
    let record = folder.join("scores.json");
    let text = fs::read_to_string(&record).unwrap();
    let (_, body) = text.split_once(",\n").unwrap();
    let body = body.replace(&hashes[0], &hashes[1]);
    assert!(body.contains(&hashes[1]));
    let checksum = blake3::hash(body.as_bytes()).to_hex();
    fs::write(&record, format!("{{\n  \"checksum\": \"{checksum}\",\n{body}")).unwrap();
    for _ in 0..2 {
        assert_eq!(world.answer(all), before);
    }
}

#[test]
fn json_is_json_whatever_the_numbers_are() {
    let world = World::new();
    let runs = Runs::open(&world.store).unwrap();
    let sql = "SELECT 'nan'::DOUBLE AS a, error, [1, NULL] AS l FROM runs WHERE error IS NOT NULL";
    let rows = Query::open(&world.store, &runs, sql, None).unwrap().json().unwrap();
    let row: serde_json::Value = serde_json::from_str(&rows[0]).unwrap();
    assert_eq!(
        row,
        serde_json::json!({ "a": "NaN", "error": "=the loss|\u{1b}[31m is NaN", "l": [1, null] })
    );
}

#[test]
fn files_are_whole_and_replace_only_their_own_kind() {
    let world = World::new();
    let runs = Runs::open(&world.store).unwrap();
    let parquet = world.path("runs.parquet");
    let saved = world.path("runs.duckdb");
    for _ in 0..2 {
        let query = Query::open(&world.store, &runs, "SELECT run, seed FROM runs", Some(&parquet)).unwrap();
        query.parquet(&parquet).unwrap();
        Query::save(&world.store, &runs, &saved).unwrap();
    }
    let database = duckdb::Connection::open(&saved).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(&format!("SELECT count(*) FROM '{}'", parquet.display())), 4);
    for view in View::ALL {
        assert!(count(&format!("SELECT count(*) FROM {}", view.name())) >= 0);
    }
    assert_eq!(count("SELECT count(*) FROM events"), 8);
    assert_eq!(count("SELECT count(*) FROM predictions"), 12);
    let other = world.path("thesis.txt");
    fs::write(&other, "years of work").unwrap();
    assert!(Query::save(&world.store, &runs, &other).unwrap_err().to_string().contains("is no DuckDB file"));
    let query = Query::open(&world.store, &runs, "FROM runs", Some(&other)).unwrap();
    assert!(query.parquet(&other).is_err());
    drop(query);
    assert_eq!(fs::read_to_string(&other).unwrap(), "years of work");
    let left =
        fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| !name.starts_with(".unfinished")));
}

#[test]
fn a_run_that_was_killed_has_spent_what_the_last_lines_of_its_logs_say() {
    let world = World::new();
    let run = drawn::run(&world.store, &world.runs[0].record().plan.clone(), 9, None);
    let spent = |run: &str| {
        let sql = "SELECT seconds >= 10, ended, peak_memory, processors, joules FROM runs WHERE run =";
        world.ask(&format!("{sql} '{run}'")).unwrap()
    };
    assert_eq!(spent(&run.id()), ["NULL|NULL|NULL|NULL|NULL"], "nothing is known yet");
    let mut log = SystemLog::open_append(&run.system_file(), Clock::start(10.0)).unwrap();
    let usage = |step| Usage {
        processors: Some(1.5),
        memory_peak: Some(1_u64 << step),
        gpu_joules: Some(2.5),
        ..Usage::default()
    };
    for step in 1..=2 {
        log.append(2.0, step, usage(step)).1.unwrap();
    }
    assert_eq!(spent(&run.id()), ["true|NULL|4|1.5|5.0"]);
    assert!(run.seconds().unwrap() >= 10.0, "the same rule as everywhere");
    assert_eq!(world.runs[0].seconds(), Some(30.5), "the record of a run that has ended says it");
}

#[test]
fn what_killed_queries_have_left_beside_a_file_goes_with_the_next_one() {
    let world = World::new();
    let left = world.path(".unfinished-left");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("answer.parquet"), "half").unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::open(&left).unwrap().file().set_modified(long_ago).unwrap();
    let runs = Runs::open(&world.store).unwrap();
    Query::save(&world.store, &runs, &world.path("saved.duckdb")).unwrap();
    assert!(!left.exists());
    let unfinished = fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(unfinished.filter(|name| name.to_string_lossy().starts_with(".unfinished")).count(), 0);
}

#[test]
fn a_folder_may_have_any_name_and_has_to_be_there() {
    let world = World::new();
    let runs = Runs::open(&world.store).unwrap();
    for name in ["a?b", "it's", "[x]*", "a b"] {
        fs::create_dir(world.path(name)).unwrap();
        let (saved, written) = (world.path(name).join("s.duckdb"), world.path(name).join("a.parquet"));
        Query::save(&world.store, &runs, &saved).unwrap();
        assert_eq!(&fs::read(&saved).unwrap()[8..12], b"DUCK", "{name}");
        Query::open(&world.store, &runs, "FROM runs", Some(&written)).unwrap().parquet(&written).unwrap();
        assert_eq!(&fs::read(&written).unwrap()[..4], b"PAR1", "{name}");
        assert_eq!(fs::read_dir(world.path(name)).unwrap().count(), 2, "{name}");
    }
    let nowhere = world.path("nowhere/a.parquet");
    let error = Query::open(&world.store, &runs, "FROM runs", Some(&nowhere)).err().unwrap();
    assert!(matches!(error, QueryError::NoFolder { .. }), "{error}");
    assert!(!world.path("nowhere").exists());
}
