//! Writes Thrift's compact protocol.

use super::{BINARY, FALSE, I32, I64, LIST, STRUCT, TRUE};

/// The fields of a struct, written in the order of their numbers.
pub struct Fields<'a> {
    bytes: &'a mut Vec<u8>,
    last: u8,
}

/// Writes a struct.
pub fn structure(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Fields<'_>)) {
    write(&mut Fields { bytes, last: 0 });
    bytes.push(0);
}

/// Writes a number in as few groups of seven bits as it needs.
pub fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

impl Fields<'_> {
    /// Writes a whole number of 32 bits that is not negative.
    pub fn i32(&mut self, number: u8, value: usize) {
        self.head(number, I32);
        self.integer(value);
    }

    /// Writes a whole number of 64 bits that is not negative.
    pub fn i64(&mut self, number: u8, value: usize) {
        self.head(number, I64);
        self.integer(value);
    }

    /// Writes yes or no.
    pub fn truth(&mut self, number: u8, value: bool) {
        self.head(number, if value { TRUE } else { FALSE });
    }

    /// Writes a text.
    pub fn text(&mut self, number: u8, text: &str) {
        self.head(number, BINARY);
        self.binary(text);
    }

    /// Writes a struct.
    pub fn structure(&mut self, number: u8, write: impl FnOnce(&mut Fields<'_>)) {
        self.head(number, STRUCT);
        structure(self.bytes, write);
    }

    /// Writes a list of whole numbers of 32 bits that are not negative.
    pub fn integers(&mut self, number: u8, values: &[usize]) {
        self.list(number, I32, values.len());
        values.iter().for_each(|value| self.integer(*value));
    }

    /// Writes a list of texts.
    pub fn texts(&mut self, number: u8, texts: &[&str]) {
        self.list(number, BINARY, texts.len());
        texts.iter().for_each(|text| self.binary(text));
    }

    /// Writes a list of structs, each of which `write` fills.
    pub fn structures(&mut self, number: u8, length: usize, write: impl Fn(&mut Fields<'_>, usize)) {
        self.list(number, STRUCT, length);
        (0..length).for_each(|at| structure(self.bytes, |fields| write(fields, at)));
    }

    /// Writes the number of a field, as the distance from the one before, and its type.
    fn head(&mut self, number: u8, kind: u8) {
        self.bytes.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    fn list(&mut self, number: u8, kind: u8, length: usize) {
        self.head(number, LIST);
        self.bytes.push(0xF0 | kind);
        varint(self.bytes, length as u64);
    }

    /// Writes a number that is not negative. The last bit is for the sign.
    fn integer(&mut self, value: usize) {
        varint(self.bytes, (value as u64) << 1);
    }

    fn binary(&mut self, text: &str) {
        varint(self.bytes, text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }
}
