//! Table files and image files as people have them.

use std::io::Write as _;

use cliptune_experiment::{DataPlan, TableFormat, TableSource};
use cliptune_ingest::IngestError;
use cliptune_store::sql_text;
use cliptune_terminal::Diagnostic;

use crate::support::{Made, Sources};

/// Two rows whose texts have a letter that encodings differ in.
const CSV: &str = "file,text,contest\n0.png,a café,1\n1.png,\"two, \"\"lines\"\"\nof text\",2\n";

fn csv(sources: &Sources, name: &str) -> Result<Made, IngestError> {
    pairs(sources, name, TableFormat::Csv)
}

fn pairs(sources: &Sources, name: &str, format: TableFormat) -> Result<Made, IngestError> {
    let metadata = TableSource::at(sources.path(name), format);
    sources.ingest(&DataPlan { metadata, ..sources.pairs() })
}

fn texts(made: &Made) -> Vec<&str> {
    made.items.iter().map(|item| item.texts[0].as_str()).collect()
}

fn with(bytes: &[u8]) -> Sources {
    let sources = Sources::new();
    sources.images(2);
    fs_err::write(sources.path("t.csv"), bytes).unwrap();
    sources
}

#[test]
fn separators_line_ends_and_encodings_that_can_be_told_simply_work() {
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(CSV.as_bytes()).unwrap();
    let semicolons = CSV.replace("file,text,contest", "file;text;contest").replace("png,", "png;");
    let semicolons = semicolons.replace(",1\n", ";1\n").replace(",2\n", ";2\n");
    for (what, bytes) in [
        ("plain", CSV.as_bytes().to_vec()),
        ("byte order mark", [b"\xEF\xBB\xBF", CSV.as_bytes()].concat()),
        ("UTF-16, little", utf16(CSV, false)),
        ("UTF-16, big", utf16(CSV, true)),
        ("mixed line ends", CSV.replace("contest\n", "contest\r\n").into_bytes()),
        ("semicolons", semicolons.clone().into_bytes()),
        ("tabs", semicolons.replace(';', "\t").into_bytes()),
        ("bars", semicolons.replace(';', "|").into_bytes()),
        ("gzip", gzip.finish().unwrap()),
    ] {
        let sources = with(&bytes);
        let made = csv(&sources, "t.csv").unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(texts(&made), ["a café", "two, \"lines\"\nof text"], "{what}");
    }
}

#[test]
fn what_cannot_be_told_is_said_in_a_sentence() {
    let latin: Vec<u8> = CSV.chars().map(|letter| letter as u8).collect();
    for (bytes, said) in [
        (latin, "line 2 is not UTF-8 (it holds the byte 0xE9"),
        (b"file,text,contest\n0.png,a,1\n1.png,b\n".to_vec(), "line 3 has 2 values, and the header 3"),
        (b"file,text,contest\n0.png,\"a,1\n".to_vec(), "a quote in line 2 or later is never closed"),
        (b"".to_vec(), "it is empty"),
    ] {
        let error = csv(&with(&bytes), "t.csv").unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(matches!(error, IngestError::Table { .. }) && error.hint().is_some());
    }
}

#[test]
fn an_empty_value_is_missing_and_an_empty_text_is_empty() {
    let sources = with(b"file,text,contest\n0.png,\"\",1\n1.png,b,\n0.png,a,1\n");
    assert_eq!(csv(&sources, "t.csv").unwrap().reasons(), ["row 0: empty text", "row 1: no group"]);
}

#[test]
fn folders_of_the_path_are_no_columns() {
    let sources = Sources::new();
    sources.images(2);
    let folder = sources.path("contest=9/text=WRONG");
    fs_err::create_dir_all(&folder).unwrap();
    sources.file("contest=9/text=WRONG/t.csv", "file,text,contest\n0.png,right,1\n");
    sources
        .file("contest=9/text=WRONG/t.jsonl", "{\"file\": \"0.png\", \"text\": \"right\", \"contest\": 1}\n");
    sources.table("SELECT '0.png' AS file, 'right' AS text, 1 AS contest");
    fs_err::rename(sources.path("table.parquet"), folder.join("t.parquet")).unwrap();
    for (name, format) in
        [("t.csv", TableFormat::Csv), ("t.jsonl", TableFormat::Jsonl), ("t.parquet", TableFormat::Parquet)]
    {
        let made = pairs(&sources, &format!("contest=9/text=WRONG/{name}"), format).unwrap();
        assert_eq!((texts(&made), made.items[0].group.as_str()), (vec!["right"], "1"), "{name}");
    }
}

/// Writes a part of a parquet table.
fn part(sources: &Sources, name: &str, query: &str) {
    let path = sources.path(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let path = sql_text(&path.to_string_lossy());
    let database = cliptune_store::open_database().unwrap();
    database.execute_batch(&format!("COPY ({query}) TO {path} (FORMAT parquet)")).unwrap();
}

#[test]
fn several_files_are_one_table_in_the_order_of_their_names() {
    let sources = Sources::new();
    sources.images(4);
    let rows = |from: u8| {
        format!(
            "SELECT n || '.png' AS file, 'text ' || n AS text, n AS contest FROM range({from}, {from} + 2) AS r(n)"
        )
    };
    part(&sources, "shards/b.parquet", &rows(2));
    part(&sources, "shards/a.parquet", &rows(0));
    let made = pairs(&sources, "shards/*.parquet", TableFormat::Parquet).unwrap();
    let ids: Vec<(&str, &str)> =
        made.items.iter().map(|item| (item.id.as_str(), item.texts[0].as_str())).collect();
    assert_eq!(ids, [("0", "text 0"), ("1", "text 1"), ("2", "text 2"), ("3", "text 3")]);
    // Every file is part of what the dataset is.
    let before = made.dataset.record().hash.clone();
    part(&sources, "shards/b.parquet", &rows(1));
    assert_ne!(
        pairs(&sources, "shards/*.parquet", TableFormat::Parquet).unwrap().dataset.record().hash,
        before
    );

    part(&sources, "shards/c.parquet", "SELECT 'x' AS file, 'y' AS text, 'z' AS contest");
    let error = pairs(&sources, "shards/*.parquet", TableFormat::Parquet).unwrap_err().to_string();
    assert!(
        error.contains("c.parquet")
            && error.contains("column 3 is contest VARCHAR, there it is contest BIGINT"),
        "{error}"
    );

    sources
        .file("shards/1.csv", "file,text,contest\n0.png,one,1\n")
        .file("shards/2.csv", "file,text,contest\n1.png,two,2\n");
    assert_eq!(texts(&pairs(&sources, "shards/*.csv", TableFormat::Csv).unwrap()), ["one", "two"]);
    sources.file("shards/1.jsonl", "{\"file\": \"0.png\", \"text\": \"one\", \"contest\": 1}\n");
    sources.file("shards/2.jsonl", "{\"file\": \"1.png\", \"contest\": 2, \"text\": \"two\"}");
    assert_eq!(texts(&pairs(&sources, "shards/*.jsonl", TableFormat::Jsonl).unwrap()), ["one", "two"]);
}

#[test]
fn absurd_tables_are_refused_before_anybody_builds_their_types() {
    let sources = Sources::new();
    sources.images(1);
    let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let wide: Vec<String> = (0..100_000).map(|n| format!("\"c{n}\": 1")).collect();
    let row = "\"file\": \"0.png\", \"text\": \"a\", \"contest\": 1";
    sources.file("deep.jsonl", &format!("{{{row}, \"unused\": {nested}}}\n"));
    sources.file("wide.jsonl", &format!("{{{row}, {}}}\n", wide.join(", ")));
    sources.file("wide.csv", &format!("file,text,contest{}\n", ",c".repeat(100_000)));
    for (name, format, said) in [
        ("deep.jsonl", TableFormat::Jsonl, "nests more than 64"),
        ("wide.jsonl", TableFormat::Jsonl, "more than 5000 columns"),
        ("wide.csv", TableFormat::Csv, "more than 5000 columns"),
    ] {
        let error = pairs(&sources, name, format).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(name), "{error}");
    }
}

#[test]
fn what_could_be_expected_otherwise_is_counted() {
    let sources = Sources::new();
    sources.images(2).file("images/a.pdf", "").file("images/b.PDF", "").file("images/notes", "");
    image::ImageBuffer::from_pixel(4, 4, image::Luma([40_000_u16]))
        .save(sources.path("images/0.png"))
        .unwrap();
    // A JPEG with an EXIF segment behind its first marker, which asks for a quarter turn.
    sources.image("1.jpeg", 9);
    let path = sources.path("images/1.jpeg");
    let jpeg = fs_err::read(&path).unwrap();
    let exif = b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = (exif.len() as u16 + 2).to_be_bytes();
    fs_err::write(&path, [&jpeg[..2], &[0xFF, 0xE1], &length, exif, &jpeg[2..]].concat()).unwrap();
    sources.table("SELECT unnest(['0.png', '1.jpeg']) AS file, 'a dog' AS text, 1 AS contest");
    let made = sources.ingest(&sources.pairs()).unwrap();
    let notes = &made.dataset.record().notes;
    assert_eq!((notes.rotated_images, notes.deep_images), (1, 1));
    let passed: Vec<(&str, u64)> =
        notes.passed_over.iter().map(|(name, number)| (name.as_str(), *number)).collect();
    assert_eq!(passed, [("", 1), ("pdf", 2)]);
}

#[test]
fn images_of_kinds_that_are_not_read_are_rejected_with_the_reason_as_a_glob_rejects_them() {
    let avif = "\0\0\0\x20ftypavif\0\0\0\0";
    let sources = Sources::new();
    sources.images(2).file("images/0.avif", avif).file("images/2.avif", avif).file("images/a.svg", "<svg/>");
    sources.table("SELECT unnest(['0.png', '1.png', '2.avif']) AS file, 'a dog' AS text, 1 AS contest");
    let made = sources.ingest(&sources.pairs()).unwrap();
    assert_eq!(made.reasons(), ["image 2.avif: unreadable image", "row 2: this row's image is unreadable"]);
    let said = "the bytes are an AVIF image, which is not read: convert it to PNG or JPEG";
    assert!(made.rejects.iter().any(|reject| reject.detail == said), "{:?}", made.rejects);
    // What lies beside the same image in a kind that is read is no other image.
    let passed: Vec<(&str, u64)> = made
        .dataset
        .record()
        .notes
        .passed_over
        .iter()
        .map(|(name, number)| (name.as_str(), *number))
        .collect();
    assert_eq!(passed, [("avif", 1), ("svg", 1)]);
}
