//! Tables in Arrow's format and in databases.

use std::path::Path;
use std::sync::Arc;

use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use cliptune_experiment::{DataPlan, TableFormat, TableSource};
use cliptune_ingest::IngestError;
use cliptune_terminal::Diagnostic;
use duckdb::arrow::array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, LargeStringArray, ListBuilder, NullArray,
    RecordBatch, StringArray, StringBuilder, StringViewArray, StructArray, TimestampSecondArray, UnionArray,
};
use duckdb::arrow::buffer::ScalarBuffer;
use duckdb::arrow::datatypes::{DataType, Field, Int32Type, UnionFields};

use crate::support::{Made, Sources};

fn made(
    sources: &Sources,
    name: &str,
    format: TableFormat,
    table: Option<&str>,
) -> Result<Made, IngestError> {
    let table = table.map(str::to_owned);
    let metadata = TableSource { table, ..TableSource::at(sources.path(name), format) };
    sources.ingest(&DataPlan { metadata, ..sources.choice() })
}

fn told(sources: &Sources, name: &str, format: TableFormat) -> String {
    made(sources, name, format, None).unwrap_err().to_string()
}

/// Two rows as each of the formats holds them.
fn assert_is_the_table(made: &Made) {
    let texts: Vec<&[String]> = made.items.iter().map(|item| item.texts.as_slice()).collect();
    assert_eq!(texts, [["yes, it's so", "no"], ["007", "1:15"]]);
    assert_eq!(made.items.iter().map(|item| item.label).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(made.items.iter().map(|item| item.group.as_str()).collect::<Vec<_>>(), ["007", "008"]);
}

fn choices() -> ArrayRef {
    let mut choices = ListBuilder::new(StringBuilder::new());
    for row in [["yes, it's so", "no"], ["007", "1:15"]] {
        row.iter().for_each(|text| choices.values().append_value(text));
        choices.append(true);
    }
    Arc::new(choices.finish())
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn plain_batch() -> RecordBatch {
    batch(vec![
        ("file", Arc::new(StringArray::from(vec!["0.png", "1.png"]))),
        ("choices", choices()),
        ("label", Arc::new(Int64Array::from(vec![0, 1]))),
        ("contest", Arc::new(StringArray::from(vec!["007", "008"]))),
    ])
}

fn write_file(path: &Path, batches: &[RecordBatch], compression: Option<CompressionType>) {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let file = fs_err::File::create(path).unwrap();
    let mut writer = FileWriter::try_new_with_options(file, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

fn write_stream(path: &Path, batch: &RecordBatch) {
    let mut writer = StreamWriter::try_new(fs_err::File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

#[test]
fn an_arrow_file_and_a_stream_say_the_same_compressed_or_not() {
    let sources = Sources::new();
    sources.images(2);
    let compressions = [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)];
    for compression in compressions {
        write_file(&sources.path("t.arrow"), &[plain_batch()], compression);
        assert_is_the_table(&made(&sources, "t.arrow", TableFormat::Arrow, None).unwrap());
    }
    write_stream(&sources.path("t.arrows"), &plain_batch());
    assert_is_the_table(&made(&sources, "t.arrows", TableFormat::Arrow, None).unwrap());
    // Rows are counted through all batches.
    write_file(&sources.path("t.arrow"), &[plain_batch().slice(0, 1), plain_batch().slice(1, 1)], None);
    let made = made(&sources, "t.arrow", TableFormat::Arrow, None).unwrap();
    assert_is_the_table(&made);
    assert_eq!(made.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["0", "1"]);
}

#[test]
fn arrow_columns_of_dictionaries_views_and_nested_values_are_read_as_what_they_hold() {
    let sources = Sources::new();
    sources.images(2);
    let contests: DictionaryArray<Int32Type> = vec!["007", "008"].into_iter().collect();
    let nested = StructArray::from(vec![(
        Arc::new(Field::new("when", contests.data_type().clone(), true)),
        Arc::new(contests.clone()) as ArrayRef,
    )]);
    let table = batch(vec![
        ("file", Arc::new(StringViewArray::from(vec!["0.png", "1.png"]))),
        ("choices", choices()),
        ("label", Arc::new(Int32Array::from(vec![0, 1]))),
        ("contest", Arc::new(contests)),
        ("large", Arc::new(LargeStringArray::from(vec![Some("x"), None]))),
        ("nested", Arc::new(nested)),
        ("nothing", Arc::new(NullArray::new(2))),
        ("time", Arc::new(TimestampSecondArray::from(vec![0, i64::MAX / 2]).with_timezone("+01:00"))),
        ("Time", Arc::new(Int64Array::from(vec![1, 2]))),
    ]);
    let without_time = table.project(&[0, 1, 2, 3, 4, 5, 6, 8]).unwrap();
    write_file(&sources.path("t.feather"), &[without_time], None);
    assert_is_the_table(&made(&sources, "t.feather", TableFormat::Arrow, None).unwrap());
    // A time that no column of the database can hold is an error and no other time.
    write_file(&sources.path("t.feather"), &[table], None);
    assert!(told(&sources, "t.feather", TableFormat::Arrow).contains("cannot read the table"));
}

#[test]
fn an_arrow_type_that_is_not_read_is_named_with_its_column() {
    let sources = Sources::new();
    sources.images(1);
    let fields = UnionFields::try_new([0], [Field::new("a", DataType::Int32, true)]).unwrap();
    let union = UnionArray::try_new(
        fields,
        ScalarBuffer::from(vec![0]),
        None,
        vec![Arc::new(Int32Array::from(vec![1]))],
    );
    write_file(&sources.path("t.arrow"), &[batch(vec![("both", Arc::new(union.unwrap()))])], None);
    assert!(told(&sources, "t.arrow", TableFormat::Arrow).contains("the column both has the type"));
}

#[test]
fn what_is_no_arrow_file_or_a_damaged_one_is_an_error_at_every_length() {
    let sources = Sources::new();
    sources.images(2);
    sources.file("t.arrow", "ARROW1 but not really");
    assert!(told(&sources, "t.arrow", TableFormat::Arrow).contains("cut short"));
    sources.file("t.arrow", "no table at all");
    assert!(told(&sources, "t.arrow", TableFormat::Arrow).contains("no file or stream of Arrow"));
    write_file(&sources.path("t.arrow"), &[plain_batch()], Some(CompressionType::ZSTD));
    let whole = fs_err::read(sources.path("t.arrow")).unwrap();
    for length in (8..whole.len()).step_by(97) {
        fs_err::write(sources.path("t.arrow"), &whole[..length]).unwrap();
        told(&sources, "t.arrow", TableFormat::Arrow);
    }
}

#[test]
fn an_arrow_file_cannot_claim_more_than_it_has() {
    let sources = Sources::new();
    sources.images(2);
    write_file(&sources.path("t.arrow"), &[plain_batch()], Some(CompressionType::LZ4_FRAME));
    let whole = fs_err::read(sources.path("t.arrow")).unwrap();
    // Each byte is replaced by one that makes a length absurd. Some bytes mean nothing, and then the table is whole.
    for at in (8..whole.len()).step_by(13) {
        let mut bytes = whole.clone();
        bytes[at] = 0x7F;
        fs_err::write(sources.path("t.arrow"), bytes).unwrap();
        if let Err(error) = made(&sources, "t.arrow", TableFormat::Arrow, None) {
            assert!(!error.to_string().is_empty());
        }
    }
}

const ROWS: &str =
    "CREATE TABLE captions (file TEXT, choices TEXT, label INTEGER, contest TEXT, photo BLOB, price);
    INSERT INTO captions VALUES ('0.png', '[\"yes, it''s so\", \"no\"]', 0, '007', x'00FF', 1),
                                ('1.png', '[\"007\", \"1:15\"]', 1, '008', NULL, 'free');";

fn sqlite(path: &Path, sql: &str) {
    let _ = fs_err::remove_file(path);
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_table_of_sqlite_has_the_types_of_its_values() {
    let sources = Sources::new();
    sources.images(2);
    sqlite(&sources.path("a ?#%.db"), ROWS);
    let made = made(&sources, "a ?#%.db", TableFormat::Database, None).unwrap();
    assert_is_the_table(&made);
    let beside = crate::support::names(sources.path("a ?#%.db").parent().unwrap());
    assert!(!beside.iter().any(|name| name.ends_with("-shm") || name.ends_with("-wal")), "{beside:?}");
    let mut plan = sources.pairs();
    plan.metadata = TableSource::at(sources.path("a ?#%.db"), TableFormat::Database);
    plan.columns.task = cliptune_experiment::Task::Pairs { text: "price".to_owned() };
    let texts = |plan: &DataPlan| sources.ingest(plan).map(|made| made.items[1].texts.clone());
    assert_eq!(texts(&plan).unwrap(), ["free"]);
    // Bytes are no text, and say so.
    plan.columns.task = cliptune_experiment::Task::Pairs { text: "photo".to_owned() };
    assert!(matches!(texts(&plan), Err(IngestError::ColumnType { .. })));
}

#[test]
fn one_of_several_tables_has_to_be_named_and_a_view_is_one() {
    let sources = Sources::new();
    sources.images(2);
    sqlite(&sources.path("t.sqlite"), &format!("{ROWS} CREATE VIEW \"best of\" AS SELECT * FROM captions"));
    let error = made(&sources, "t.sqlite", TableFormat::Database, None).unwrap_err();
    assert!(error.to_string().ends_with("t.sqlite has 2 tables: best of, captions"), "{error}");
    assert_eq!(error.hint().unwrap(), "name one of them: `metadata: { file: FILE, table: \"best of\" }`");
    for name in ["captions", "best of"] {
        assert_is_the_table(&made(&sources, "t.sqlite", TableFormat::Database, Some(name)).unwrap());
    }
    let error = made(&sources, "t.sqlite", TableFormat::Database, Some("caption")).unwrap_err();
    assert!(error.to_string().contains("has no table"), "{error}");
    sqlite(&sources.path("t.sqlite"), "CREATE TABLE t (a); DROP TABLE t");
    let error = told(&sources, "t.sqlite", TableFormat::Database);
    assert!(error.ends_with("t.sqlite has no tables"), "{error}");
}

#[test]
fn what_is_no_database_a_cut_one_or_one_with_changes_beside_it_is_refused() {
    let sources = Sources::new();
    sources.images(2).file("t.sqlite", "file,text\n0.png,a text\n");
    assert!(told(&sources, "t.sqlite", TableFormat::Database).contains("neither SQLite nor DuckDB"));
    sqlite(
        &sources.path("t.sqlite"),
        &format!(
            "{ROWS} CREATE TABLE filler AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 999) SELECT hex(randomblob(50)) FROM n; DROP TABLE filler"
        ),
    );
    let whole = fs_err::read(sources.path("t.sqlite")).unwrap();
    for length in [16, 100, 1000, 5000] {
        fs_err::write(sources.path("t.sqlite"), &whole[..length]).unwrap();
        told(&sources, "t.sqlite", TableFormat::Database);
    }
    fs_err::write(sources.path("t.sqlite"), &whole).unwrap();
    sources.file("t.sqlite-wal", "changes");
    let error = told(&sources, "t.sqlite", TableFormat::Database);
    assert!(error.contains("it has changes in t.sqlite-wal"), "{error}");
    sources.file("t.sqlite-wal", "");
    assert_is_the_table(&made(&sources, "t.sqlite", TableFormat::Database, None).unwrap());
}

#[test]
fn a_table_of_duckdb_has_its_own_types_and_shows_no_other() {
    let sources = Sources::new();
    sources.images(2);
    let path = sources.path("t.duckdb");
    let database = duckdb::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "CREATE TYPE contest AS ENUM ('007', '008');
             CREATE TABLE captions (file VARCHAR, choices VARCHAR[], label UTINYINT, contest contest);
             INSERT INTO captions VALUES ('0.png', ['yes, it''s so', 'no'], 0, '007'), ('1.png', ['007', '1:15'], 1, '008');
             CREATE VIEW reads AS SELECT content FROM read_text('/etc/hostname')",
        )
        .unwrap();
    drop(database);
    let made_of = |table| made(&sources, "t.duckdb", TableFormat::Database, table);
    assert_is_the_table(&made_of(None).unwrap());
    assert!(made_of(Some("reads")).unwrap_err().to_string().contains("it has one table, captions"));
    let database = duckdb::Connection::open(&path).unwrap();
    database.execute_batch("CREATE SCHEMA a; CREATE TABLE a.\"b.c\" AS FROM captions").unwrap();
    drop(database);
    assert!(made_of(None).unwrap_err().to_string().ends_with("has 2 tables: a.b.c, captions"));
    assert_is_the_table(&made_of(Some("a.b.c")).unwrap());
    let bytes = fs_err::read(&path).unwrap();
    fs_err::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(made_of(Some("captions")).is_err());
}

#[test]
fn the_files_of_a_table_in_databases_are_one_table() {
    let sources = Sources::new();
    sources.images(2);
    let row = |number: u8| {
        format!(
            "CREATE TABLE t AS SELECT '{number}.png' AS file, '[\"a{number}\", \"b\"]' AS choices, 0 AS label, {number} AS contest"
        )
    };
    for number in 0..2 {
        sqlite(&sources.path(&format!("{number}.sqlite")), &row(number));
        let database = duckdb::Connection::open(sources.path(&format!("{number}.duckdb"))).unwrap();
        database.execute_batch(&row(number)).unwrap();
    }
    for glob in ["*.sqlite", "*.duckdb"] {
        let made = made(&sources, glob, TableFormat::Database, None).unwrap();
        assert_eq!(made.items.iter().map(|item| item.texts[0].as_str()).collect::<Vec<_>>(), ["a0", "a1"]);
        assert_eq!(made.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["0", "1"]);
    }
    sqlite(&sources.path("1.sqlite"), "CREATE TABLE t AS SELECT 1 AS other");
    assert!(told(&sources, "*.sqlite", TableFormat::Database).contains("does not have the columns of"));
}
