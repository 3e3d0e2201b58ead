//! A row of somebody else's predictions, and the files that have such rows: parquet, JSON lines, or CSV.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use cliptune_store::csv::Records;
use cliptune_store::foreign_rows;
use fs_err as fs;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The longest line of a file of JSON lines, in bytes.
const LONGEST_LINE: u64 = 1 << 24;

/// The columns that are read.
const COLUMNS: [&str; 8] =
    ["id", "item_id", "group", "label", "predicted", "probabilities", "probs", "candidates"];

/// The columns that are lists. In a cell of CSV they are written as JSON.
const LISTS: [&str; 3] = ["probabilities", "probs", "candidates"];

/// What a row says of an item.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: Option<Name>,
    pub(crate) item_id: Option<String>,
    pub(crate) group: Option<Name>,
    pub(crate) label: Option<Pick>,
    pub(crate) predicted: Option<Pick>,
    #[serde(alias = "probs")]
    pub(crate) probabilities: Option<Vec<f64>>,
    /// What these are of, where they are not of all candidates in their order.
    #[serde(default, deserialize_with = "indexes")]
    pub(crate) candidates: Option<Vec<usize>>,
}

/// Reads the candidates that probabilities are of. A column of that name may hold something else, such as their texts.
fn indexes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<usize>>, D::Error> {
    let read = serde_json::from_value::<Option<Vec<f64>>>(Value::deserialize(deserializer)?);
    let Ok(Some(numbers)) = read else { return Ok(None) };
    let indexes: Option<Vec<usize>> = numbers.into_iter().map(whole).collect();
    indexes.map(Some).ok_or_else(|| D::Error::custom("its candidates are not indexes from 0"))
}

/// A name that may be a number in its table.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a name is a text or a number")]
pub(crate) enum Name {
    Text(String),
    Whole(i64),
    Number(f64),
}

impl Name {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// One of the candidates of an item.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a candidate is an index from 0 or a letter")]
pub(crate) enum Pick {
    /// A table's column of whole numbers has numbers with a point where some are missing, as pandas makes it.
    Index(f64),
    Text(String),
}

impl Pick {
    /// Returns the index of the candidate: `2`, `2.0`, `"2"` and `"C"` are all the third one.
    pub(crate) fn index(&self) -> Option<usize> {
        match self {
            Self::Index(index) => whole(*index),
            Self::Text(text) => match text.trim().as_bytes() {
                [letter] if letter.is_ascii_alphabetic() => {
                    Some(usize::from(letter.to_ascii_uppercase() - b'A'))
                }
                _ => text.trim().parse().ok().and_then(whole),
            },
        }
    }
}

/// Returns the index that a number is.
fn whole(number: f64) -> Option<usize> {
    /// The number from which on not every whole number is a 64-bit float.
    const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    ((0.0..EXACT).contains(&number) && number.fract() == 0.0).then_some(number as usize)
}

/// Reads the rows of a file.
///
/// # Errors
/// Returns the reason as a phrase when the file cannot be read, or has a row that is none.
pub(crate) fn read(path: &Path) -> Result<Vec<Row>, String> {
    let is_named = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    if is_named("parquet") || begins_as_parquet(path).map_err(said)? {
        return foreign_rows(path)?.into_iter().enumerate().map(|(at, line)| parsed(at, &line)).collect();
    }
    if is_named("csv") || is_named("tsv") { csv(path) } else { json_lines(path) }
}

/// Checks whether a file begins as parquet files do.
fn begins_as_parquet(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    fs::File::open(path)?.take(4).read_to_end(&mut beginning)?;
    Ok(beginning == b"PAR1")
}

/// Reads a row that is written as JSON.
fn parsed(at: usize, text: &str) -> Result<Row, String> {
    serde_json::from_str(text).map_err(|error| format!("row {}: {error}", at + 1))
}

/// Reads the lines of a file that are not blank.
fn json_lines(path: &Path) -> Result<Vec<Row>, String> {
    let mut file = BufReader::new(fs::File::open(path).map_err(said)?);
    let (mut rows, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        let read = file.by_ref().take(LONGEST_LINE).read_line(&mut line).map_err(said)?;
        // Some editors begin a file with a mark of the byte order.
        match line.trim_start_matches('\u{feff}').trim() {
            _ if read as u64 == LONGEST_LINE => return Err("it has a line of more than 16 MiB".to_owned()),
            "" if read == 0 => return Ok(rows),
            "" => {}
            text => {
                let row = parsed(rows.len(), text)?;
                rows.push(row);
            }
        }
    }
}

/// Reads comma-separated text whose first line names the columns.
fn csv(path: &Path) -> Result<Vec<Row>, String> {
    let mut records = Records::open(path).map_err(said)?;
    let header = records.record()?.unwrap_or_default().into_iter();
    let header: Vec<String> = header.map(|name| name.unwrap_or_default().trim().to_owned()).collect();
    let is_there = |name: &str| header.iter().any(|own| own == name);
    if !header.is_empty() && !is_there("id") && !is_there("item_id") {
        return Err("its first line names no column id or item_id".to_owned());
    }
    let is_twice = |name: &&str| header.iter().filter(|own| own == name).count() > 1;
    if let Some(name) = COLUMNS.iter().find(|name| is_twice(name)) {
        return Err(format!("its first line names the column {name} twice"));
    }
    let mut rows = Vec::new();
    while let Some(record) = records.row(header.len())? {
        let cells = header.iter().zip(record);
        let cells: Map<String, Value> = cells.map(|(name, text)| (name.clone(), cell(name, text))).collect();
        let at = rows.len() + 1;
        let row =
            serde_json::from_value(Value::Object(cells)).map_err(|error| format!("row {at}: {error}"))?;
        rows.push(row);
    }
    Ok(rows)
}

/// Returns the value of a cell, which is a text unless the column is one of lists.
fn cell(name: &str, text: Option<String>) -> Value {
    match text {
        None => Value::Null,
        Some(text) if LISTS.contains(&name) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Some(text) => Value::String(text),
    }
}

fn said(error: io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(name: &str, content: &str) -> Result<Vec<Row>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        read(&path)
    }

    #[test]
    fn comma_separated_text_says_what_json_lines_say() {
        for (name, separator) in [("theirs.csv", ","), ("theirs.csv", ";"), ("THEIRS.TSV", "\t")] {
            let table =
                ["id,label,predicted,probabilities,note", "7,B,1,\"[0.25, 0.75]\",\"x,\"\"y\"\"\"", "8,,,,"];
            let lists = table.join("\n").replace("[0.25, 0.75]", "[0.25@ 0.75]");
            let text = format!("\u{feff}{}\n", lists.replace(',', separator).replace('@', ","));
            let rows = read_as(name, &text).unwrap();
            let [first, second] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!(first.id.as_ref().map(Name::text).as_deref(), Some("7"), "{name}");
            let picks = [&first.label, &first.predicted].map(|pick| pick.as_ref().and_then(Pick::index));
            assert_eq!(picks, [Some(1), Some(1)]);
            assert_eq!(first.probabilities.as_deref(), Some(&[0.25, 0.75][..]));
            assert!(second.label.is_none() && second.predicted.is_none() && second.probabilities.is_none());
        }
    }

    #[test]
    fn a_table_that_is_none_is_told_so() {
        let said = |content: &str| read_as("theirs.csv", content).unwrap_err();
        assert!(read_as("theirs.csv", "").unwrap().is_empty());
        assert!(read_as("theirs.csv", "id,predicted\n").unwrap().is_empty());
        assert!(said("name,predicted\na,1\n").contains("names no column id or item_id"));
        assert!(said("id,predicted,predicted\na,1,0\n").contains("names the column predicted twice"));
        assert_eq!(
            read_as("theirs.csv", "id,note,predicted,note\na,x,1,y\n").unwrap().len(),
            1,
            "nobody reads it"
        );
        assert!(said("id,predicted\na,1\nb\n").contains("line 3 has 1 values"));
        assert!(said("id,predicted\na,\"1\n").contains("is never closed"));
        assert!(said("id,probs\na,1 0\n").contains("row 1: invalid type"));
    }

    #[test]
    fn candidates_are_indexes_or_something_else() {
        let candidates = |list: &str| {
            let rows = read_as("theirs.jsonl", &format!("{{\"id\": 1, \"candidates\": {list}}}"));
            rows.map(|mut rows| rows.remove(0).candidates)
        };
        assert_eq!(candidates("[2, 0]").unwrap(), Some(vec![2, 0]));
        assert_eq!(candidates("[2.0, 0.0]").unwrap(), Some(vec![2, 0]), "as a table of numbers has them");
        assert_eq!(candidates("[\"a cat\", \"a dog\"]").unwrap(), None);
        assert_eq!(candidates("null").unwrap(), None);
        for none in ["[-1, 0]", "[0.5]"] {
            assert!(candidates(none).unwrap_err().contains("not indexes from 0"), "{none}");
        }
    }
}
