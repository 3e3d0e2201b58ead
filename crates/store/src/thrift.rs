//! Thrift's compact protocol, in which parquet files describe themselves.

mod read;
mod write;

pub use read::{Kind, Thrift};
pub use write::{Fields, structure, varint};

// The types of values, by the numbers that stand for them.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;
