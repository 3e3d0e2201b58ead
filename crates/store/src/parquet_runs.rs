//! Small numbers, most of which are like the one before.

use crate::thrift::varint;

/// Numbers as runs of equal ones.
#[derive(Default)]
pub struct Runs {
    runs: Vec<Run>,
}

struct Run {
    value: u32,
    length: usize,
}

impl Runs {
    /// Adds a number so many times.
    #[inline]
    pub fn push(&mut self, value: u32, length: usize) {
        match self.runs.last_mut().filter(|run| run.value == value) {
            Some(run) => run.length += length,
            None if length == 0 => {}
            None => self.runs.push(Run { value, length }),
        }
    }

    /// Returns the last number.
    pub fn last(&self) -> Option<u32> {
        self.runs.last().map(|run| run.value)
    }

    /// Appends the runs, in which each number has so many bits, and forgets them.
    pub fn encode(&mut self, bits: usize, bytes: &mut Vec<u8>) {
        for Run { value, length } in self.runs.drain(..) {
            varint(bytes, (length as u64) << 1);
            bytes.extend(&value.to_le_bytes()[..bits.div_ceil(8)]);
        }
    }
}

/// Returns levels of so many bits as a page begins with them, and forgets them.
pub fn levels(levels: &mut Runs, bits: usize) -> Vec<u8> {
    let mut runs = Vec::new();
    levels.encode(bits, &mut runs);
    let mut bytes = (runs.len() as u32).to_le_bytes().to_vec();
    bytes.append(&mut runs);
    bytes
}

/// Returns the number of bits that each of so many numbers, counted from zero, needs.
pub fn bits(numbers: usize) -> usize {
    (usize::BITS - numbers.saturating_sub(1).leading_zeros()) as usize
}
