use fs_err as fs;

use super::*;
use crate::image_names::ImageNames;
use crate::packed::read_image;
use crate::parquet::sql_text;

struct Tables(tempfile::TempDir);

impl Tables {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes the rows of a query to a parquet file.
    fn parquet(&self, name: &str, query: &str) -> PathBuf {
        let path = self.0.path().join(name);
        let to = sql_text(&path.to_string_lossy());
        let database = crate::parquet::open_database().unwrap();
        database
            .execute_batch(&format!("COPY ({query}) TO {to} (FORMAT parquet, ROW_GROUP_SIZE 2048)"))
            .unwrap();
        path
    }
}

fn find(path: &Path, name: &str) -> Result<(TableColumn, Holds), StoreError> {
    TableColumn::find(path, TableForm::of(path).unwrap(), name)
}

/// Returns the cells of a column of texts; `-` stands for one that is missing, and `(…)` for something else.
fn cells(path: &Path, name: &str) -> Vec<String> {
    let (column, holds) = find(path, name).unwrap();
    assert_eq!(holds, Holds::Texts);
    let cell = |cell| match cell {
        Cell::Text(text) => text,
        Cell::Missing => "-".to_owned(),
        Cell::Other(kind) => format!("({kind})"),
    };
    column.cells().map(|one| cell(one.unwrap())).collect()
}

/// Returns what is said about a column that cannot be used, with the hint.
fn refused(path: &Path, name: &str) -> String {
    use cliptune_terminal::Diagnostic;
    let error = find(path, name).map(|(column, _)| column.cells().find_map(Result::err));
    let error = match error {
        Ok(later) => later.unwrap(),
        Err(error) => error,
    };
    let folder = format!("{}/", path.parent().unwrap().display());
    let said = format!("{} ({})", crate::StoreError::in_one_line(&error), error.hint().unwrap());
    assert!(!error.to_string().contains('\n'), "{error}");
    said.replace(&folder, "")
}

#[test]
fn values_of_text_files_are_texts_as_they_are_written() {
    let tables = Tables::new();
    let csv = tables.write("t.csv", "id,caption\n007,1995\n2,\n3,2020-01-01\n4,\" true\"\n");
    assert_eq!(cells(&csv, "caption"), ["1995", "-", "2020-01-01", " true"]);
    assert_eq!(cells(&csv, "id"), ["007", "2", "3", "4"]);
    let tsv = tables.write("t.TSV", "a\tb,c\n1\tx, y\n");
    assert_eq!(cells(&tsv, "b,c"), ["x, y"]);
    let lines = tables.write(
        "t.jsonl",
        "{\"c\": \"2020-01-01\"}\n\n{\"c\": null}\n{\"d\": 1}\n{\"c\": 5}\n{\"c\": [\"x\"]}\n{\"c\": \"007\"}",
    );
    assert_eq!(cells(&lines, "c"), ["2020-01-01", "-", "-", "(a number)", "(a list)", "007"]);
}

#[test]
fn a_parquet_column_of_texts_is_one_by_its_type() {
    let tables = Tables::new();
    let rows = "SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE 'text ' || i END AS t,
                (['red', 'green'])[1 + i % 2]::ENUM('red', 'green') AS colour FROM range(5000) r(i)";
    let path = tables.parquet("t.parquet", rows);
    let texts = cells(&path, "t");
    assert_eq!((texts.len(), &*texts[0], &*texts[1], &*texts[4999]), (5000, "-", "text 1", "text 4999"));
    assert_eq!(cells(&path, "colour")[..2], ["red", "green"]);
}

#[test]
fn what_is_neither_text_nor_image_is_refused_with_its_type() {
    let tables = Tables::new();
    let query = "SELECT 1 AS n, 1.5 AS x, ['a', 'b'] AS l, {'a': 1} AS s, DATE '2020-01-01' AS d, true AS b, 'a' AS caption";
    let path = tables.parquet("t.parquet", query);
    for (name, kind) in [
        ("n", "INTEGER"),
        ("x", "DECIMAL(2,1)"),
        ("l", "VARCHAR[]"),
        ("s", "STRUCT(a INTEGER)"),
        ("d", "DATE"),
        ("b", "BOOLEAN"),
    ] {
        let said = refused(&path, name);
        let expected = format!(
            "column {name} of t.parquet has the type {kind}: it holds neither texts nor images (these do: caption; "
        );
        assert!(said.starts_with(&expected), "{said}");
    }
    let lines = tables.write("t.jsonl", "{\"n\": null, \"c\": \"a\"}\n{\"n\": 1, \"c\": \"b\"}\n");
    assert!(
        refused(&lines, "n")
            .contains("has the type a number: it holds neither texts nor images (these do: c;")
    );
}

#[test]
fn a_column_that_is_not_there_is_refused_with_those_that_are() {
    let tables = Tables::new();
    for path in [
        tables.write("t.csv", "id,caption\n"),
        tables.write("t.jsonl", "{\"id\": 1}\n{\"caption\": \"x\"}\n"),
        tables.parquet("t.parquet", "SELECT 1 AS id, 'x' AS caption"),
    ] {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(refused(&path, "Caption"), format!("{name} has no column Caption (it has id, caption)"));
    }
    let twice = tables.write("twice.csv", "a,a\n1,2\n");
    assert!(refused(&twice, "a").starts_with("cannot read twice.csv: 2 of its columns are called a"));
}

#[test]
fn a_table_that_is_none_says_where_in_one_line() {
    let tables = Tables::new();
    let lines = tables.write("bad.jsonl", "{\"c\": \"a\"}\n{\"c\": \"b\"\n");
    assert_eq!(
        refused(&lines, "c"),
        "cannot read bad.jsonl: line 2 is no JSON: EOF while parsing an object at column 9 \
         (each line is one JSON object, such as {\"caption\": \"a cat\"})"
    );
    let list = tables.write("list.jsonl", "[1]\n");
    assert!(refused(&list, "c").starts_with("cannot read list.jsonl: line 1 is no JSON object ("));
    let ragged = tables.write("ragged.csv", "a,b\n1,2\n1,2,3\n");
    assert!(
        refused(&ragged, "a").starts_with("cannot read ragged.csv: line 3 has 3 values, and the header 2 (")
    );
    let latin = tables.write("latin.csv", b"a\ncaf\xe9\n");
    assert!(refused(&latin, "a").contains("latin.csv: line 2 is not UTF-8"));
    let empty = tables.write("empty.csv", "");
    assert!(refused(&empty, "a").contains("empty.csv: it is empty"));
    let none = tables.write("none.parquet", "PAR1 not really PAR1");
    assert!(refused(&none, "a").contains("the file is damaged or no parquet file"));
}

#[test]
fn damage_within_a_parquet_file_is_found_before_its_texts_are_used() {
    let tables = Tables::new();
    let path = tables.parquet(
        "t.parquet",
        "SELECT repeat(chr((65 + i % 26)::INTEGER), 100) || hash(i) AS t FROM range(20000) r(i)",
    );
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xFF);
    fs::write(&path, bytes).unwrap();
    assert!(refused(&path, "t").starts_with("cannot read t.parquet: "));
}

#[test]
fn the_images_of_every_column_have_paths_of_their_own() {
    let tables = Tables::new();
    let image = |text: &str| format!("{{'bytes': '{text}'::BLOB, 'path': NULL::VARCHAR}}");
    let query = format!(
        "SELECT {} AS image, {} AS second, 'bare ' || i::VARCHAR AS caption, ('bare ' || i)::BLOB AS bare, 'x'::BLOB AS \"a/../b\" FROM range(3) r(i)",
        image("one"),
        image("two")
    );
    let path = tables.parquet("t.parquet", &query);
    let images = |name: &str| {
        assert_eq!(find(&path, name).unwrap().1, Holds::Images);
        let names = ImageNames::of_column(&path, name).unwrap();
        names.paths().map(|path| String::from_utf8(read_image(&path).unwrap()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(images("second"), ["two"; 3]);
    assert_eq!(images("bare"), ["bare 0", "bare 1", "bare 2"]);
    assert_eq!(images("image"), ["one"; 3]);
    // The column that a file is known for needs no name in a path.
    let usual = ImageNames::of_column(&path, "image").unwrap();
    assert_eq!(usual, ImageNames::at(&path).unwrap());
    assert!(usual.paths().next().unwrap().ends_with("t.parquet/0"));
    let named = ImageNames::of_column(&path, "second").unwrap();
    assert!(named.paths().next().unwrap().ends_with("t.parquet/second/0"));
    assert!(ImageNames::of_column(&path, "a/../b").is_err());
    for missing in ["t.parquet/second/3", "t.parquet/caption/0", "t.parquet/none/0", "t.parquet/second/00"] {
        assert!(read_image(&tables.0.path().join(missing)).is_err(), "{missing}");
    }
}

#[test]
fn a_folder_stands_for_the_tables_in_it() {
    let tables = Tables::new();
    fs::create_dir(tables.0.path().join("below")).unwrap();
    for name in ["b.csv", "below/a.parquet", "c.png", "notes.txt"] {
        tables.write(name, "");
    }
    let names = |path: &str| {
        let found = tables_at(&tables.0.path().join(path)).unwrap();
        let below = |path: &PathBuf| path.strip_prefix(tables.0.path()).unwrap().display().to_string();
        found.iter().map(below).collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["b.csv", "below/a.parquet"]);
    assert_eq!(names("c.png"), ["c.png"], "what is named is meant");
    assert_eq!(names("*.txt"), ["notes.txt"]);
    assert!(names("none.csv").is_empty());
}
