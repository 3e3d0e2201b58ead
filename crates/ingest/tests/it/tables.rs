//! Tables in all their formats, and what is wrong with some.

use cliptune_experiment::{DataPlan, TableFormat, TableSource};
use cliptune_ingest::IngestError;
use cliptune_terminal::Diagnostic;

use crate::support::{Sources, names};

const CSV: &str = "file,choices,label,contest\n\
    0.png,\"[\"\"yes, it's so\"\", \"\"no\"\"]\",0,007\n\
    1.png,\"[\"\"a\"\", \"\"b\"\"]\",1,008\n\
    1.png,not a list,0,008\n";

const JSONL: &str = r#"{"file": "0.png", "choices": ["yes, it's so", "no"], "label": 0, "contest": "007"}
{"file": "1.png", "choices": ["a", "b"], "label": 1, "contest": "008"}
{"file": "1.png", "choices": null, "label": 0, "contest": "008"}
"#;

fn with(sources: &Sources, name: &str, format: TableFormat) -> DataPlan {
    DataPlan { metadata: TableSource::at(sources.path(name), format), ..sources.choice() }
}

#[test]
fn csv_and_tsv_and_json_lines_say_the_same() {
    let sources = Sources::new();
    sources.images(2).file("t.csv", CSV).file("t.jsonl", JSONL);
    sources.file(
        "t.tsv",
        &CSV.replace("file,choices,label,contest", "file\tchoices\tlabel\tcontest")
            .replace(".png,", ".png\t")
            .replace(",0,", "\t0\t")
            .replace(",1,", "\t1\t"),
    );
    let formats = [("t.csv", TableFormat::Csv), ("t.tsv", TableFormat::Csv), ("t.jsonl", TableFormat::Jsonl)];
    let made = formats.map(|(name, format)| sources.ingest(&with(&sources, name, format)).unwrap());
    for one in &made {
        assert_eq!(one.items, made[0].items);
        assert_eq!(one.reasons(), ["row 2: no list of choices"]);
    }
    let item = &made[0].items[0];
    assert_eq!((item.group.as_str(), item.texts[0].as_str()), ("007", "yes, it's so"));
    assert_eq!(made[0].items[1].label, 1);
}

#[test]
fn a_missing_column_is_named_with_what_there_is() {
    let sources = Sources::new();
    sources.images(1).table("SELECT '0.png' AS filename, 'a dog' AS text, 1 AS contest_number");
    let mut plan = sources.pairs();
    plan.join.as_mut().unwrap().metadata = "filname".to_owned();
    plan.columns.group = None;
    let error = sources.ingest(&plan).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("table.parquet has no column \"filname\", which data.join.metadata names")
    );
    assert_eq!(
        error.hint().unwrap(),
        "did you mean \"filename\"? its columns are filename, text, contest_number"
    );
}

#[test]
fn choices_that_are_no_lists_are_refused() {
    let sources = Sources::new();
    sources.images(1).table("SELECT '0.png' AS file, 3 AS choices, 'A' AS label, 1 AS contest");
    assert!(matches!(sources.ingest(&sources.choice()), Err(IngestError::ColumnType { .. })));
}

#[test]
fn a_table_that_is_none_is_named() {
    let sources = Sources::new();
    sources.images(1).file("table.parquet", "PAR1 but not really");
    let error = sources.ingest(&sources.pairs()).unwrap_err();
    assert!(matches!(&error, IngestError::Table { path, .. } if path.ends_with("table.parquet")), "{error}");
    assert!(names(&sources.path("runs/datasets")).is_empty());
}

#[test]
fn nothing_left_is_an_error_with_the_reasons() {
    let sources = Sources::new();
    sources.images(1).table("SELECT 'zero.png' AS file, 'a dog' AS text, 1 AS contest FROM range(2)");
    let error = sources.ingest(&sources.pairs()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no item is left of 1 image and 2 rows\n2: no image for this row\n1: no row for this image"
    );
    assert!(error.hint().unwrap().contains("data.join"));
    assert!(names(&sources.path("runs/datasets")).is_empty());
}

#[test]
fn a_moved_folder_is_the_same_dataset_in_a_new_place() {
    let sources = Sources::new();
    sources
        .images(2)
        .table("SELECT n || '.png' AS file, 'text ' || n AS text, n AS contest FROM range(2) AS r(n)");
    let before = sources.ingest(&sources.pairs()).unwrap();
    fs_err::rename(sources.path("images"), sources.path("moved")).unwrap();
    fs_err::rename(sources.path("table.parquet"), sources.path("other.parquet")).unwrap();
    let mut plan = with(&sources, "other.parquet", TableFormat::Parquet);
    plan.columns = sources.pairs().columns;
    plan.images = vec![sources.path("moved").into()];
    let after = sources.ingest(&plan).unwrap();
    assert_eq!(before.dataset.record().hash, after.dataset.record().hash);
    assert!(after.items.iter().all(|item| after.dataset.image_path(item).is_file()));
    assert_eq!(names(&sources.path("runs/datasets")).len(), 1);
}

#[test]
fn the_same_sources_give_the_same_bytes() {
    let build = || {
        let sources = Sources::new();
        sources.images(9).table(
            "SELECT (n % 9) || '.png' AS file, 'text ' || n AS text, n % 9 AS contest FROM range(40) AS r(n)",
        );
        let made = sources.ingest(&sources.pairs()).unwrap();
        (fs_err::read(made.dataset.items_file()).unwrap(), fs_err::read(made.dataset.rejects_file()).unwrap())
    };
    assert!(build() == build());
}

#[test]
fn a_changed_picture_or_row_is_another_dataset() {
    let sources = Sources::new();
    let table = |text: &str| format!("SELECT '0.png' AS file, '{text}' AS text, 1 AS contest");
    let hash = || sources.ingest(&sources.pairs()).unwrap().dataset.record().hash.clone();
    sources.image("0.png", 1).table(&table("a dog"));
    let first = hash();
    assert_eq!(hash(), first);
    sources.image("0.png", 2);
    let second = hash();
    sources.table(&table("a cat"));
    let third = hash();
    assert!(first != second && second != third && first != third);
}
