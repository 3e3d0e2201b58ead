//! What is needed of parquet files, compared with what DuckDB says of them and reads.

use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use cliptune_sources::{Need, Ranges, Sparse};
use duckdb::Connection;
use tempfile::NamedTempFile;

use crate::named_columns::NamedColumns;
use crate::parquet::{open_database, sql_name, sql_text};
use crate::parquet_footer::{Place, chunks, locate};
use crate::parquet_parts::{digest, need};

/// The columns of the files, of all shapes.
const COLUMNS: [&str; 8] = ["id", "text", "word", "list", "item", "deep", "none", "A \"b\""];

/// Writes a file of several row groups as DuckDB writes it with these options.
fn file(rows: u32, options: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let select = format!(
        "SELECT i AS id, md5(i::VARCHAR) AS text, 'word ' || i % 7 AS word,
                CASE WHEN i % 5 > 0 THEN list_transform(range(i % 5), x -> md5((x + i)::VARCHAR)) END AS list,
                {{'bytes': encode(md5((i + 1)::VARCHAR)), 'path': i || '.png'}} AS item,
                [{{'a': [i, NULL], 'b': {{'c': i % 3}}}}, NULL] AS deep, NULL::INTEGER AS none, i % 2 = 0 AS \"A \"\"b\"\"\"
         FROM range({rows}) AS r(i)"
    );
    let path = sql_text(&file.path().to_string_lossy());
    let copy = format!("COPY ({select}) TO {path} (FORMAT parquet, ROW_GROUP_SIZE 2048, {options})");
    open_database().unwrap().execute_batch(&copy).unwrap();
    file
}

const OPTIONS: [&str; 5] = [
    "COMPRESSION snappy",
    "COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 100000",
    "COMPRESSION uncompressed, PARQUET_VERSION v2",
    "COMPRESSION gzip, DICTIONARY_SIZE_LIMIT 1",
    "COMPRESSION lz4_raw",
];

fn columns(named: &[&str]) -> NamedColumns {
    NamedColumns::of_texts(named)
}

fn needed(path: &Path, named: &[&str]) -> Option<Ranges> {
    match need(&Sparse::whole(path).unwrap(), &columns(named)).unwrap() {
        Need::Parts(ranges) => Some(ranges),
        Need::Whole => None,
        Need::First(_) => panic!("all of it is there"),
    }
}

/// Copies a file with nothing but some ranges of it.
fn with_holes(path: &Path, ranges: &Ranges) -> NamedTempFile {
    let (content, file) = (fs_err::read(path).unwrap(), NamedTempFile::new().unwrap());
    let mut holes = vec![0; content.len()];
    for range in ranges.iter() {
        let range = range.start as usize..range.end as usize;
        holes[range.clone()].copy_from_slice(&content[range]);
    }
    fs_err::write(file.path(), holes).unwrap();
    file
}

/// What DuckDB answers, or nothing if it refuses.
fn answer(sql: &str, path: &Path) -> Option<String> {
    // A database may be of no use after an error.
    static DATABASE: Mutex<Option<Connection>> = Mutex::new(None);
    let sql = sql.replace("FILE", &format!("read_parquet({})", sql_text(&path.to_string_lossy())));
    let database = DATABASE.lock().unwrap().take().unwrap_or_else(|| open_database().unwrap());
    let answer = database.query_row(&sql, [], |row| row.get(0)).ok()?;
    *DATABASE.lock().unwrap() = Some(database);
    Some(answer)
}

/// All values of a column as one text.
fn values(column: &str, path: &Path) -> Option<String> {
    let column = sql_name(column);
    answer(&format!("SELECT md5(CAST(to_json(list({column})) AS VARCHAR)) FROM FILE"), path)
}

#[test]
fn chunks_are_where_duckdb_says() {
    for options in OPTIONS {
        let file = file(5_000, options);
        let sparse = Sparse::whole(file.path()).unwrap();
        let Place::At(at) = locate(&sparse).unwrap() else { panic!("a footer") };
        let footer = sparse.read(at.clone()).unwrap().unwrap();
        let mut database = Vec::new();
        let connection = open_database().unwrap();
        let sql = format!(
            "SELECT least(data_page_offset, coalesce(dictionary_page_offset, data_page_offset)), total_compressed_size, num_values,
                    coalesce(bloom_filter_offset, 0), coalesce(bloom_filter_length, 0)
             FROM parquet_metadata({}) ORDER BY row_group_id, column_id",
            sql_text(&file.path().to_string_lossy())
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let number = |at: usize| row.get::<_, i64>(at).unwrap().cast_unsigned();
            let filter = number(3)..number(3) + number(4);
            let filters: Vec<Range<u64>> = [filter].into_iter().filter(|range| range.start > 0).collect();
            database.push((number(0), number(0) + number(1), number(2), filters));
        }
        let found = chunks(&footer, at.start, &|_| true).unwrap().into_iter();
        let found: Vec<_> =
            found.map(|chunk| (chunk.start, chunk.range.end, chunk.values, chunk.aids)).collect();
        // A chunk may be a little longer than it says, where no other one begins.
        let starts: Vec<u64> = database.iter().map(|chunk| chunk.0).collect();
        for (_, end, ..) in &mut database {
            let next = starts.iter().filter(|start| *start >= end).min().copied();
            *end = (*end + 128).min(next.unwrap_or(at.start)).min(at.start);
        }
        assert_eq!(found, database, "{options}");
        assert!(found.len() >= 3 * COLUMNS.len());
    }
    let filtered = file(5_000, OPTIONS[1]);
    let sparse = Sparse::whole(filtered.path()).unwrap();
    let Place::At(at) = locate(&sparse).unwrap() else { panic!("a footer") };
    let all = chunks(&sparse.read(at.clone()).unwrap().unwrap(), at.start, &|_| true).unwrap();
    assert!(all.iter().any(|chunk| !chunk.aids.is_empty()), "there are Bloom filters");
}

#[test]
fn a_reader_of_the_named_columns_needs_nothing_else_and_others_fail() {
    for options in OPTIONS {
        let file = file(5_000, options);
        for column in COLUMNS {
            let ranges = needed(file.path(), &[&sql_name(column)]).unwrap();
            assert!(ranges.bytes() < fs_err::metadata(file.path()).unwrap().len());
            let holes = with_holes(file.path(), &ranges);
            assert_eq!(values(column, holes.path()), values(column, file.path()), "{column} {options}");
            for other in COLUMNS.iter().filter(|other| **other != column) {
                assert_eq!(values(other, holes.path()), None, "{other} {options}");
            }
            for sql in [
                "SELECT CAST(count(*) AS VARCHAR) FROM FILE",
                "SELECT string_agg(column_name || column_type) FROM (DESCRIBE SELECT * FROM FILE)",
                "SELECT CAST(sum(file_row_number) AS VARCHAR) FROM FILE",
            ] {
                assert_eq!(answer(sql, holes.path()), answer(sql, file.path()), "{sql}");
            }
        }
    }
}

#[test]
fn what_is_needed_is_told_from_less_and_less_of_a_file() {
    let file = file(20_000, OPTIONS[0]);
    let columns = columns(&["text", "item"]);
    let whole = need(&Sparse::whole(file.path()).unwrap(), &columns).unwrap();
    let Need::Parts(ranges) = &whole else { panic!("parts") };
    let told = |present: Ranges| need(&Sparse::parts(file.path(), present).unwrap(), &columns).unwrap();
    assert_eq!(told(ranges.clone()), whole);
    let size = fs_err::metadata(file.path()).unwrap().len();
    let Need::First(end) = told(Ranges::default()) else { panic!("the end first") };
    assert_eq!(end, size - (64 << 10)..size);
    assert_eq!(told(end.into()), whole);
    // A footer that is longer than what is there.
    let Need::First(longer) = told((size - 100..size).into()) else { panic!("the footer first") };
    assert_eq!(told(longer.into()), whole);
}

#[test]
fn a_table_is_known_by_what_is_read_of_it() {
    let file = file(5_000, OPTIONS[0]);
    let hash = |path: &Path, named: &[&str]| digest(path, &columns(named)).unwrap();
    let known = hash(file.path(), &["text"]);
    let holes = with_holes(file.path(), &needed(file.path(), &["text"]).unwrap());
    assert_eq!(hash(holes.path(), &["text"]), known);
    assert_ne!(hash(file.path(), &["word"]), known);
    // What is read and lies in a hole is another content, and so is what cannot be read.
    assert_ne!(hash(holes.path(), &["word"]), hash(file.path(), &["word"]));
    assert_eq!(hash(file.path(), &["*"]), *blake3::hash(&fs_err::read(file.path()).unwrap()).as_bytes());
    for at in [8, 1_000] {
        let mut content = fs_err::read(file.path()).unwrap();
        let range = needed(file.path(), &["text"]).unwrap().iter().next().unwrap();
        content[(range.start + at) as usize] ^= 1;
        let changed = NamedTempFile::new().unwrap();
        fs_err::write(changed.path(), content).unwrap();
        assert_ne!(hash(changed.path(), &["text"]), known);
    }
}

#[test]
fn all_of_a_file_is_needed_where_its_columns_have_no_names_of_their_own() {
    let write = |columns: &str| {
        let file = NamedTempFile::new().unwrap();
        let path = sql_text(&file.path().to_string_lossy());
        let copy = format!("COPY (SELECT {columns} FROM range(10) AS r(i)) TO {path} (FORMAT parquet)");
        open_database().unwrap().execute_batch(&copy).unwrap();
        file
    };
    let needed = |columns: &str| needed(write(columns).path(), &["i"]);
    assert!(needed("i, i AS j").is_some());
    assert_eq!(needed("i, i AS file_row_number"), None);
    assert_eq!(needed("i, i AS \"File_Row_Number\""), None);
    assert!(needed("i, {'file_row_number': i} AS j").is_some());
}

#[test]
fn a_table_without_rows_has_only_a_footer() {
    let empty = file(0, OPTIONS[0]);
    let size = fs_err::metadata(empty.path()).unwrap().len();
    assert_eq!(needed(empty.path(), &["text"]).unwrap().iter().map(|range| range.end).max(), Some(size));
}

#[test]
fn what_is_no_parquet_file_is_needed_whole() {
    let file = file(100, OPTIONS[0]);
    let content = fs_err::read(file.path()).unwrap();
    let mut encrypted = content.clone();
    encrypted.splice(content.len() - 4.., *b"PARE");
    for bytes in
        [&b""[..], b"PAR1", b"PAR1PAR1PAR1", &content[..content.len() - 1], &content[1..], &encrypted]
    {
        let other = NamedTempFile::new().unwrap();
        fs_err::write(other.path(), bytes).unwrap();
        assert_eq!(needed(other.path(), &["text"]), None);
        assert_eq!(digest(other.path(), &columns(&["text"])).unwrap(), *blake3::hash(bytes).as_bytes());
    }
}

/// Whatever a footer says of where things lie: a file with holes never gives other values than the whole file.
#[test]
fn no_lie_of_a_footer_makes_values_of_a_hole() {
    let file = NamedTempFile::new().unwrap();
    let path = sql_text(&file.path().to_string_lossy());
    let copy = format!(
        "COPY (SELECT i AS first, i * 3 AS wanted, [i, i + 1] AS lists FROM range(300) AS r(i))
         TO {path} (FORMAT parquet, COMPRESSION uncompressed)"
    );
    open_database().unwrap().execute_batch(&copy).unwrap();
    let content = fs_err::read(file.path()).unwrap();
    let Place::At(footer) = locate(&Sparse::whole(file.path()).unwrap()).unwrap() else { panic!("a footer") };
    let (mut refused, mut parts) = (0, 0);
    for at in footer.start as usize..content.len() {
        for flip in [at % 8, (at + 3) % 8] {
            let mut bytes = content.clone();
            bytes[at] ^= 1 << flip;
            // A database remembers what it knows of a path.
            let changed = NamedTempFile::new().unwrap();
            fs_err::write(changed.path(), &bytes).unwrap();
            let Some(ranges) = needed(changed.path(), &["wanted", "lists"]) else {
                refused += 1;
                continue;
            };
            assert!(ranges.iter().all(|range| range.end <= content.len() as u64));
            parts += 1;
            let holes = with_holes(changed.path(), &ranges);
            for column in ["wanted", "lists"] {
                // What fails without holes may fail with them.
                if let Some(values) = values(column, holes.path()) {
                    assert_eq!(Some(values), self::values(column, changed.path()), "byte {at}, flip {flip}");
                }
            }
        }
    }
    assert!(refused > 100 && parts > 100, "{refused} {parts}");
}
