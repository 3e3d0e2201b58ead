//! Reads the text of a table file: it decompresses it, removes a byte order mark, and turns UTF-16 into UTF-8.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use fs_err::File;

use crate::table_limits as limits;

const BUFFER: usize = 1 << 18;

/// Opens a text file. Compression and UTF-16 are recognised by the first bytes and not by the name.
///
/// # Errors
/// Returns an error when the file cannot be read.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let text = decompressed(BufReader::with_capacity(BUFFER, File::open(path)?))?;
    decoded(text)
}

fn decompressed(mut file: BufReader<File>) -> io::Result<Box<dyn BufRead + Send>> {
    Ok(match file.fill_buf()? {
        [0x1F, 0x8B, ..] => buffered(flate2::bufread::MultiGzDecoder::new(file)),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            buffered(ruzstd::decoding::StreamingDecoder::new(file).map_err(io::Error::other)?)
        }
        _ => Box::new(file),
    })
}

fn decoded(mut text: Box<dyn BufRead + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let (mark, big_endian) = match text.fill_buf()? {
        [0xEF, 0xBB, 0xBF, ..] => (3, None),
        [0xFF, 0xFE, ..] => (2, Some(false)),
        [0xFE, 0xFF, ..] => (2, Some(true)),
        // Without a mark, UTF-16 is recognised because the first character of a table is ASCII.
        [0, second, ..] if *second != 0 => (0, Some(true)),
        [first, 0, ..] if *first != 0 => (0, Some(false)),
        _ => (0, None),
    };
    text.consume(mark);
    Ok(match big_endian {
        None => text,
        Some(big_endian) => {
            buffered(Utf16 { input: text, big_endian, carried: None, ready: VecDeque::new() })
        }
    })
}

fn buffered(input: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER, input))
}

/// A reader that turns UTF-16 into UTF-8.
struct Utf16 {
    input: Box<dyn BufRead + Send>,
    big_endian: bool,
    /// The first half of a character that consists of two units.
    carried: Option<u16>,
    /// The bytes that have been decoded but not read yet.
    ready: VecDeque<u8>,
}

impl Utf16 {
    /// Decodes some more text. Returns false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-16");
        let mut bytes = Vec::with_capacity(BUFFER);
        (&mut self.input).take(BUFFER as u64).read_to_end(&mut bytes)?;
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() || (pairs.is_empty() && self.carried.is_some()) {
            return Err(invalid());
        }
        let unit = |pair: &[u8; 2]| {
            if self.big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) }
        };
        let mut units: Vec<u16> = self.carried.take().into_iter().chain(pairs.iter().map(unit)).collect();
        if !pairs.is_empty() && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
            self.carried = units.pop();
        }
        let text = String::from_utf16(&units).map_err(|_| invalid())?;
        self.ready.extend(text.as_bytes());
        Ok(!pairs.is_empty())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && self.advance()? {}
        self.ready.read(buffer)
    }
}

/// Reads the next line, and counts it. Returns `None` at the end.
///
/// # Errors
/// Returns the reason as a phrase when the line cannot be read, is too long or is not UTF-8.
pub fn next_line(input: &mut dyn BufRead, line: &mut u64) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let limit = limits::ROW as u64 + 1;
    let read = input.take(limit).read_until(b'\n', &mut bytes).map_err(|problem| problem.to_string())?;
    *line += 1;
    match read as u64 {
        0 => Ok(None),
        read if read == limit => Err(format!("line {line} is longer than {} MB", limits::ROW >> 20)),
        _ => utf8(bytes, *line).map(Some),
    }
}

/// Returns bytes as text, or a sentence that says why they are not text.
pub(crate) fn utf8(bytes: Vec<u8>, line: u64) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        format!("line {line} is not UTF-8 (it holds the byte 0x{byte:02X}, which Latin-1 and Windows-1252 files have); save the table as UTF-8")
    })
}
