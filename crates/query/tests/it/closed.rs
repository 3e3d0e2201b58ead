//! Queries see the views and nothing else, and change nothing.

use cliptune_query::QueryError;
use cliptune_terminal::{Diagnostic, Exit};

use crate::support::World;

#[test]
fn nothing_but_the_views_can_be_reached() {
    let world = World::new();
    let secret = world.path("secret.csv");
    fs_err::write(&secret, "secret\n42\n").unwrap();
    let file = secret.display();
    let out = world.path("out");
    for sql in [
        format!("SELECT * FROM read_csv('{file}')"),
        format!("SELECT * FROM '{file}'"),
        format!("FROM read_text('{file}')"),
        format!("FROM read_blob('{file}')"),
        format!("FROM read_parquet('{file}')"),
        format!("FROM read_json('{file}')"),
        format!("FROM sniff_csv('{file}')"),
        "FROM glob('/*')".to_owned(),
        format!("SELECT (SELECT count(*) FROM read_csv('{file}')) FROM runs"),
        format!("WITH t AS (FROM read_csv('{file}')) FROM t"),
        "WITH \"information_schema.tables\" AS (SELECT 1) FROM information_schema.tables".to_owned(),
        format!("SELECT * FROM runs WHERE EXISTS (FROM read_csv('{file}'))"),
        format!("FROM query('FROM read_csv(''{file}'')')"),
        "FROM query_table('runs')".to_owned(),
        format!("COPY runs TO '{}'", out.display()),
        format!("COPY (FROM runs) TO '{}'", out.display()),
        format!("EXPORT DATABASE '{}'", out.display()),
        format!("ATTACH '{}' AS out", out.display()),
        "INSTALL httpfs".to_owned(),
        "LOAD httpfs".to_owned(),
        "SET memory_limit = '100GB'".to_owned(),
        "RESET memory_limit".to_owned(),
        "PRAGMA database_list".to_owned(),
        "CALL pragma_version()".to_owned(),
        "FROM pragma_database_list()".to_owned(),
        "FROM duckdb_settings()".to_owned(),
        "FROM duckdb_secrets()".to_owned(),
        "SHOW TABLES".to_owned(),
        "SELECT getenv('HOME')".to_owned(),
        "SELECT current_setting('home_directory')".to_owned(),
        "FROM information_schema.tables".to_owned(),
        "FROM duckdb_tables".to_owned(),
        "FROM held.runs".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "FROM runs; DROP VIEW runs".to_owned(),
        "DROP VIEW runs".to_owned(),
        "INSERT INTO runs VALUES (1)".to_owned(),
        "UPDATE runs SET seed = 1".to_owned(),
        "DELETE FROM runs".to_owned(),
        "CREATE TABLE t AS FROM runs".to_owned(),
        "CREATE MACRO m() AS 1".to_owned(),
        "BEGIN".to_owned(),
        "EXPLAIN ANALYZE SELECT 1".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "SELECT ?".to_owned(),
        "SELECT length(repeat('x', 3000000000))".to_owned(),
        ") AS x; DROP VIEW runs; --".to_owned(),
        String::new(),
        " ; ".to_owned(),
    ] {
        let error = world.ask(&sql).err().unwrap_or_else(|| panic!("{sql} was answered"));
        assert_eq!(error.exit(), Exit::Usage, "{sql}: {error:?}");
        assert!(!error.to_string().contains("42") && !error.to_string().is_empty(), "{sql}: {error}");
    }
    assert!(!out.exists());
}

#[test]
fn even_what_the_parser_let_through_would_find_the_doors_closed() {
    let world = World::new();
    // A table function hides in no other place than the one that is looked at; DuckDB itself would refuse, too.
    let error =
        world.ask("SELECT * FROM runs, LATERAL (SELECT * FROM read_text('/etc/hostname'))").unwrap_err();
    assert!(matches!(error, QueryError::Function { .. }), "{error:?}");
}

#[test]
fn what_is_harmless_is_answered() {
    let world = World::new();
    for (sql, rows) in [
        ("SELECT 'a;b' -- a comment", 1),
        ("SELECT 1;", 1),
        ("SELECT 1; -- done", 1),
        ("/* one */ SELECT 1 /* ; */ ;", 1),
        ("FROM RUNS", 4),
        ("FROM main.runs", 4),
        ("WITH events AS (SELECT 1 AS one) FROM events", 1),
        ("SELECT unnest(range(3))", 3),
        ("FROM range(5)", 5),
        ("DESCRIBE runs", 29),
        ("VALUES (1), (2)", 2),
        ("SELECT * FROM runs LEFT JOIN metrics USING (run)", 14),
        ("FROM system", 0),
        ("FROM items", 0),
    ] {
        assert_eq!(world.answer(sql).len(), rows, "{sql}");
    }
}

#[test]
fn errors_say_what_was_meant_and_give_no_other_advice() {
    let world = World::new();
    for (sql, said, hint) in [
        ("SELECT acuracy FROM metrics", "acuracy", None),
        ("SELECT metrc FROM metrics", "metrc", Some("did you mean metric?")),
        ("SELECT r.sed FROM runs AS r", "sed", Some("did you mean seed?")),
        ("FROM run", "there is no view run", Some("did you mean runs?")),
        ("SELEC 1", "syntax error", None),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert", None),
    ] {
        let error = world.ask(sql).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(said), "{sql}: {text}");
        assert!(
            !["LINE", "Candidate", "Did you", "cliptune_"].iter().any(|advice| text.contains(advice)),
            "{text}"
        );
        if let Some(hint) = hint {
            assert_eq!(error.hint().as_deref(), Some(hint), "{sql}: {text}");
        }
    }
}
