//! Reads comma-separated text according to RFC 4180, and also the variants that programs write: any separator and any
//! line ends.

use std::io::{BufRead, Read};
use std::path::Path;

use crate::table_limits as limits;
use crate::table_text::{open, utf8};

/// The records of a file. A value in quotes is a text, even if it is empty. An empty value without quotes is missing.
pub struct Records {
    input: Box<dyn BufRead + Send>,
    separator: u8,
    /// The number of the line that is being read, counted from 1.
    line: u64,
}

/// The values of one row.
pub type Record = Vec<Option<String>>;

enum State {
    Start,
    Bare,
    Quoted,
    /// The state after a quote that may be the closing one.
    Closed,
}

/// A record that is still being read.
#[derive(Default)]
struct Growing {
    values: Record,
    value: Vec<u8>,
    size: usize,
}

impl Growing {
    fn push(&mut self, byte: u8) -> Result<(), String> {
        self.value.push(byte);
        self.size += 1;
        match self.size > limits::ROW {
            true => Err(format!("a row is longer than {} MB: a quote may not be closed", limits::ROW >> 20)),
            false => Ok(()),
        }
    }

    fn end_value(&mut self, quoted: bool, line: u64) -> Result<(), String> {
        let text = utf8(std::mem::take(&mut self.value), line)?;
        self.values.push((quoted || !text.is_empty()).then_some(text));
        match self.values.len() > limits::COLUMNS {
            true => Err(limits::too_wide()),
            false => Ok(()),
        }
    }
}

impl Records {
    /// Opens a file. The values of one that is called `.tsv` are separated by tabs.
    ///
    /// # Errors
    /// Returns an error when the file cannot be read.
    pub fn open(file: &Path) -> std::io::Result<Self> {
        Self::new(open(file)?, is_tsv(file).then_some(b'\t'))
    }

    /// Reads the records of a text. Unless a separator is given, it is the one that occurs most often in the first
    /// line.
    fn new(mut input: Box<dyn BufRead + Send>, always: Option<u8>) -> std::io::Result<Self> {
        let separator = always.unwrap_or(separator(input.fill_buf()?));
        Ok(Self { input, separator, line: 1 })
    }

    /// Reads the next record that has as many values as the header. An empty line is a missing value if there is only one
    /// column, and is ignored otherwise. Returns `None` at the end.
    ///
    /// # Errors
    /// Returns the reason as a phrase when the text is no table or the row is of another width.
    pub fn row(&mut self, width: usize) -> Result<Option<Record>, String> {
        loop {
            let line = self.line;
            let Some(record) = self.record()? else { return Ok(None) };
            match record.len() {
                found if found == width => return Ok(Some(record)),
                1 if record[0].is_none() => {}
                found => return Err(format!("line {line} has {found} values, and the header {width}")),
            }
        }
    }

    /// Reads the next record. Returns `None` at the end.
    ///
    /// # Errors
    /// Returns the reason as a phrase when the text is no table.
    pub fn record(&mut self) -> Result<Option<Record>, String> {
        let mut record = Growing::default();
        let mut state = State::Start;
        let opened = self.line;
        loop {
            let byte = self.byte()?;
            state = match (state, byte) {
                (State::Start, None) if record.values.is_empty() => return Ok(None),
                (State::Quoted, None) => {
                    return Err(format!("a quote in line {opened} or later is never closed"));
                }
                (State::Quoted, Some(b'"')) => State::Closed,
                (State::Closed, Some(b'"')) | (State::Quoted, Some(_)) => {
                    record.push(byte.unwrap_or_default())?;
                    self.line += u64::from(byte == Some(b'\n'));
                    State::Quoted
                }
                (state, None | Some(b'\n' | b'\r')) => {
                    record.end_value(matches!(state, State::Closed), self.line)?;
                    self.end_line(byte)?;
                    return Ok(Some(record.values));
                }
                (state, Some(byte)) if byte == self.separator => {
                    record.end_value(matches!(state, State::Closed), self.line)?;
                    State::Start
                }
                (State::Start, Some(b'"')) => State::Quoted,
                (State::Closed, Some(_)) => {
                    return Err(format!("line {} has text after a closing quote", self.line));
                }
                (State::Start | State::Bare, Some(byte)) => {
                    record.push(byte)?;
                    State::Bare
                }
            };
        }
    }

    fn end_line(&mut self, end: Option<u8>) -> Result<(), String> {
        self.line += 1;
        if end == Some(b'\r') && self.input.fill_buf().map_err(said)?.first() == Some(&b'\n') {
            self.input.consume(1);
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<Option<u8>, String> {
        let mut byte = [0];
        Ok((self.input.read(&mut byte).map_err(said)? > 0).then_some(byte[0]))
    }
}

fn is_tsv(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.split('.').any(|part| part == "tsv")
}

fn said(error: std::io::Error) -> String {
    error.to_string()
}

/// Returns the separator that occurs most often in the first line outside of quotes, or a comma if there is none.
fn separator(start: &[u8]) -> u8 {
    const KNOWN: [u8; 4] = [b'\t', b',', b';', b'|'];
    let mut counts = [0_usize; KNOWN.len()];
    let mut quoted = false;
    for &byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => counts.iter_mut().zip(KNOWN).for_each(|(count, known)| *count += usize::from(byte == known)),
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    let first = counts.into_iter().zip(KNOWN).find(|(count, _)| *count == most && most > 0);
    first.map_or(b',', |(_, separator)| separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Result<Vec<Record>, String> {
        let mut records = Records::new(Box::new(std::io::Cursor::new(text.to_owned())), None).unwrap();
        let mut all = Vec::new();
        while let Some(record) = records.record()? {
            all.push(record);
        }
        Ok(all)
    }

    fn values(values: &[&str]) -> Record {
        values.iter().map(|&value| (value != "-").then(|| value.to_owned())).collect()
    }

    #[test]
    fn all_separators_and_all_line_ends_say_the_same() {
        for separator in [",", ";", "\t", "|"] {
            for end in ["\n", "\r\n", "\r"] {
                let text = ["a,b", "1,\"x\ny\"", "2,", "3,\"\""].join(end).replace(',', separator);
                let expected = [&["a", "b"], &["1", "x\ny"], &["2", "-"], &["3", ""]].map(|row| values(row));
                assert_eq!(records(&text).unwrap(), expected, "{text:?}");
                assert_eq!(records(&(text + end)).unwrap(), expected);
            }
        }
        assert_eq!(records("a,b\r\n1,2\n3,4\r5,6").unwrap().len(), 4);
    }

    #[test]
    fn what_is_in_quotes_is_text_to_the_letter() {
        let text = "a,b\n\" x, \"\"y\"\"\r\n\",it's\"5\"\n";
        assert_eq!(records(text).unwrap()[1], values(&[" x, \"y\"\r\n", "it's\"5\""]));
        assert_eq!(records("\"a;b\",c\n1,2").unwrap()[0], values(&["a;b", "c"]));
    }

    #[test]
    fn broken_quotes_say_where() {
        assert_eq!(records("a,b\n1,\"x\n2,3").unwrap_err(), "a quote in line 2 or later is never closed");
        assert_eq!(records("a,b\n1,\"x\"y\n").unwrap_err(), "line 2 has text after a closing quote");
    }
}
