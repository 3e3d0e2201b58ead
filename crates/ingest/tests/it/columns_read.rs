//! Of a parquet table, the named columns are read and no others.

use std::io::{Seek as _, SeekFrom, Write as _};

use cliptune_experiment::{
    DataPlan, FoldSource, Folds, ImageKey, Label, Sample, Seed, SplitBy, TableFormat, TableSource, Task,
    Templates,
};
use cliptune_ingest::IngestError;
use cliptune_store::{open_database, sql_text};

use crate::support::{Sources, component, shares};

const ROWS: u32 = 400;

/// A table of two row groups with columns that plans name and others that none does: texts, numbers, structs and lists.
fn sources() -> Sources {
    let sources = Sources::new();
    sources.images(40);
    write(&sources, "table.parquet", 0, "");
    sources
}

/// Writes rows of the table, with a suffix to what the other columns hold.
fn write(sources: &Sources, name: &str, from: u32, suffix: &str) {
    let path = sql_text(&sources.path(name).to_string_lossy());
    let query = format!(
        "SELECT i || '.png' AS file, 'text ' || i AS text, md5(i || '{suffix}') AS photo, i // 4 AS contest, 'id ' || i AS \"own id\",
                ['a ' || i, 'b ' || i] AS choices, ['A', 'B'][1 + i % 2] AS label, {{'bytes': encode(md5(i || 'x{suffix}')), 'path': i}} AS picture,
                CASE i % 3 WHEN 0 THEN 'train' WHEN 1 THEN 'validation' ELSE 'test' END AS part, 'kind ' || i % 3 AS kind,
                list_transform(range(i % 5), x -> md5(x || '{suffix}')) AS tags, i * 0.5 AS score
         FROM range({from}, {}) AS r(i)",
        from + ROWS
    );
    // As many rows as there are vectors in a row group, so that there are several.
    let copy =
        format!("COPY ({query}) TO {path} (FORMAT parquet, ROW_GROUP_SIZE 200, COMPRESSION uncompressed)");
    open_database().unwrap().execute_batch(&copy).unwrap();
}

/// Writes zeros in place of all columns of a table but these.
fn erase_others(sources: &Sources, name: &str, kept: &[&str]) {
    let path = sources.path(name);
    let database = open_database().unwrap();
    let query = format!(
        "SELECT split_part(path_in_schema, ', ', 1), least(data_page_offset, coalesce(dictionary_page_offset, data_page_offset)),
                total_compressed_size FROM parquet_metadata({})",
        sql_text(&path.to_string_lossy())
    );
    let mut statement = database.prepare(&query).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
    let mut erased = 0;
    while let Some(row) = rows.next().unwrap() {
        let (column, start, size): (String, i64, i64) =
            (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        if !kept.contains(&column.as_str()) {
            file.seek(SeekFrom::Start(start.cast_unsigned())).unwrap();
            file.write_all(&vec![0; size as usize]).unwrap();
            erased += 1;
        }
    }
    assert!(erased > 0);
}

/// The parts of a plan, and the columns that it reads.
fn plans(sources: &Sources) -> Vec<(DataPlan, Vec<&'static str>)> {
    let with = |plan: DataPlan, change: &dyn Fn(&mut DataPlan)| {
        let mut plan = plan;
        change(&mut plan);
        plan
    };
    let classes = Task::Classes { class: "kind".to_owned(), templates: Templates::default() };
    let pairs = || sources.pairs();
    vec![
        (pairs(), vec!["file", "text", "contest"]),
        (sources.choice(), vec!["file", "choices", "label", "contest"]),
        (sources.plan(classes), vec!["file", "kind", "contest"]),
        (
            with(pairs(), &|plan| {
                plan.columns.task = Task::Pairs { text: "upper(TEXT) || \"own id\"".to_owned() };
                plan.columns.group = None;
                plan.columns.vocabulary = vec!["choices".to_owned(), "kind".to_owned()];
                plan.split.by = component(&["tags"]);
            }),
            vec!["file", "text", "own id", "choices", "kind", "tags"],
        ),
        (
            with(pairs(), &|plan| {
                plan.columns.id = Some("own id".to_owned());
                plan.filter = Some("score < 9.25 AND octet_length(picture.bytes) = 32".to_owned());
                plan.sample = Some(Sample { rows: 10, seed: Seed(3) });
                plan.split.by = SplitBy::Column("part".to_owned());
            }),
            vec!["file", "text", "contest", "own id", "score", "picture", "part"],
        ),
        (
            with(sources.choice(), &|plan| {
                plan.columns.task = Task::Choice {
                    choices: "choices".to_owned(),
                    label: Label::of("chr(65 + CAST(kind = 'kind 1' AS INTEGER))"),
                };
                plan.join.as_mut().unwrap().image = ImageKey::Sql("stem".to_owned());
                plan.join.as_mut().unwrap().metadata = "split_part(file, '.', 1)".to_owned();
                plan.split.shares = shares(0.6, 0.2, 0.2);
                plan.split.stratify = Some("part".to_owned());
                plan.split.seed = Seed(7);
            }),
            vec!["file", "choices", "kind", "contest", "part"],
        ),
        (
            with(pairs(), &|plan| {
                plan.split.by = SplitBy::Column("kind".to_owned());
                plan.split.folds = Some(Folds { of: FoldSource::Column("kind".to_owned()), test: 0 });
            }),
            vec!["file", "text", "contest", "kind"],
        ),
        (with(pairs(), &|plan| plan.deduplicate = false), vec!["file", "text", "contest"]),
    ]
}

#[test]
fn a_dataset_follows_from_the_columns_that_its_plan_names() {
    let count = plans(&sources()).len();
    for at in 0..count {
        let (whole, erased) = (sources(), sources());
        let (plan, columns) = plans(&whole).swap_remove(at);
        let expected = whole.ingest(&plan).unwrap();
        erase_others(&erased, "table.parquet", &columns);
        let plan = plans(&erased).swap_remove(at).0;
        let made = erased.ingest(&plan).unwrap_or_else(|error| panic!("{columns:?}: {error}"));
        assert_eq!(made.dataset.record().hash, expected.dataset.record().hash, "{columns:?}");
        assert_eq!((made.items, made.rejects), (expected.items, expected.rejects), "{columns:?}");
        // One column less, and the table cannot be read.
        let fewer = sources();
        erase_others(&fewer, "table.parquet", &columns[1..]);
        let error = fewer.ingest(&plans(&fewer).swap_remove(at).0).unwrap_err();
        assert!(!matches!(error, IngestError::NoItems { .. }), "{error}");
    }
}

#[test]
fn several_files_are_read_by_their_named_columns() {
    let made = [false, true].map(|is_erased| {
        let sources = sources();
        write(&sources, "table-2.parquet", ROWS, "");
        if is_erased {
            for name in ["table.parquet", "table-2.parquet"] {
                erase_others(&sources, name, &["file", "text", "contest"]);
            }
        }
        let mut plan = sources.pairs();
        plan.metadata = TableSource::at(sources.path("table*.parquet"), TableFormat::Parquet);
        sources.ingest(&plan).unwrap()
    });
    let [whole, erased] = made;
    assert_eq!(whole.dataset.record().hash, erased.dataset.record().hash);
    assert_eq!(whole.items, erased.items);
    assert_eq!(whole.dataset.record().join.rows, u64::from(2 * ROWS));
}

#[test]
fn another_content_of_a_named_column_is_another_dataset() {
    let sources = sources();
    let first = sources.ingest(&sources.pairs()).unwrap().dataset.record().hash.clone();
    let mut plan = sources.pairs();
    plan.columns.vocabulary = vec!["tags".to_owned()];
    let with_tags = sources.ingest(&plan).unwrap().dataset.record().sources.table_hash.clone();
    write(&sources, "table.parquet", 0, "new");
    assert_ne!(sources.ingest(&plan).unwrap().dataset.record().sources.table_hash, with_tags);
    // The footer tells of all columns: how long they are, and their smallest and largest values.
    assert_ne!(sources.ingest(&sources.pairs()).unwrap().dataset.record().hash, first);
}

#[test]
fn a_plan_that_names_the_table_reads_all_of_it() {
    for filter in
        ["to_json(metadata) IS NOT NULL", "len(list_value(*COLUMNS('tex.'))) > 0", "contest * 2 >= 0"]
    {
        let sources = sources();
        let mut plan = sources.pairs();
        plan.filter = Some(filter.to_owned());
        let whole = blake3_of(&sources);
        assert_eq!(sources.ingest(&plan).unwrap().dataset.record().sources.table_hash, whole, "{filter}");
        plan.filter = None;
        assert_ne!(sources.ingest(&plan).unwrap().dataset.record().sources.table_hash, whole);
    }
}

fn blake3_of(sources: &Sources) -> String {
    blake3::hash(&fs_err::read(sources.path("table.parquet")).unwrap()).to_hex().to_string()
}

#[test]
fn a_column_that_hides_the_numbers_of_rows_is_read_with_all_others() {
    let sources = Sources::new();
    sources.images(3).table(
        "SELECT i || '.png' AS file, 'text ' || i AS text, i AS contest, 7 AS file_row_number FROM range(3) AS r(i)",
    );
    let made = sources.ingest(&sources.pairs()).unwrap();
    assert_eq!(made.dataset.record().sources.table_hash, blake3_of(&sources));
    assert_eq!(made.items.len(), 3);
}
