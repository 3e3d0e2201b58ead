//! Checks whether anything can be computed with the values of a checkpoint.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::error::CheckpointError;
use super::header::FloatKind;
use super::mean::numbers;
use super::source::{CHUNK_BYTES, Source};
use super::{Checkpoint, StoredWeight};
use crate::names;
use crate::weights::{Tower, passage};

/// What is wrong with the values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueFault {
    /// A value is not a finite number in single precision, in which the model computes.
    NotFinite {
        /// The first value that is not finite.
        value: f64,
        /// The indices of that value in the tensor.
        place: Vec<usize>,
    },
    /// All values are zero although every input of a tower passes through the tensor, so that all embeddings of that
    /// tower would be the same, or would have no direction.
    Zeros(Tower),
    /// The temperature is so high or so low that the cosines would be multiplied by infinity or by zero.
    Factor {
        /// The value of the temperature, which is a logarithm.
        value: f64,
    },
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { value, place } if value.is_finite() => {
                write!(f, "holds {value:e}, which single precision cannot hold{}", at(place))
            }
            Self::NotFinite { value, place } => {
                let word = if value.is_nan() { "NaN" } else { "infinity" };
                write!(f, "holds {word}{}", at(place))
            }
            Self::Zeros(tower) => {
                let what = match tower {
                    Tower::Vision => "images",
                    Tower::Text => "texts",
                };
                write!(f, "holds nothing but zeros, so that all {what} would look the same to the model")
            }
            Self::Factor { value } => {
                write!(f, "is {value}, so that similarities would be multiplied by {}", factor(*value))
            }
        }
    }
}

fn at(place: &[usize]) -> String {
    if place.is_empty() { String::new() } else { format!(", first at {place:?}") }
}

impl Checkpoint {
    /// Reads every value once and refuses values from which no finite embedding or logit can come. Otherwise, a user
    /// who trains or scores such a model would find out after hours, or not at all.
    ///
    /// Reads a megabyte at a time, on all processors.
    ///
    /// # Errors
    /// Fails when a file cannot be read, or on the first tensor, in the order of the files, that holds such values.
    pub fn check_values(&self) -> Result<(), CheckpointError> {
        let source = Source::open(self)?;
        let next = AtomicUsize::new(0);
        let worker = || self.first_fault(&source, &next);
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        let first = thread::scope(|scope| {
            let others: Vec<_> = (1..workers).map(|_| scope.spawn(worker)).collect();
            let own = worker();
            let joined = others.into_iter().filter_map(|other| other.join().ok().flatten());
            joined.chain(own).min_by_key(|(index, _)| *index)
        });
        first.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Takes tensors until there are none left or one has a fault. Tensors are handed out in order, so a worker that
    /// finds a fault may have read too far, but no earlier tensor is skipped.
    fn first_fault(&self, source: &Source, next: &AtomicUsize) -> Option<(usize, CheckpointError)> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let stored = self.weights().get(index)?;
            if let Err(error) = self.check(source, stored) {
                return Some((index, error));
            }
        }
    }

    fn check(&self, source: &Source, stored: &StoredWeight) -> Result<(), CheckpointError> {
        let (bytes, size) = (stored.kind.bytes(), stored.elements());
        let mut buffer = vec![0; CHUNK_BYTES.min(size * bytes)];
        let mut all_zeros = true;
        for start in (0..size).step_by(CHUNK_BYTES / bytes) {
            let count = (size - start).min(CHUNK_BYTES / bytes);
            let chunk = &mut buffer[..count * bytes];
            source.read_at(stored.file, stored.offset + (start * bytes) as u64, chunk)?;
            let seen = Seen::of(chunk, stored.kind);
            if !seen.finite {
                return Err(self.fault(stored, not_finite(chunk, stored, start)));
            }
            all_zeros &= seen.zeros;
            if stored.name == names::LOGIT_SCALE {
                self.check_factor(stored, &numbers(chunk, stored.kind))?;
            }
        }
        match stored.fills.weights().iter().find_map(|weight| passage(weight)) {
            Some(tower) if all_zeros => Err(self.fault(stored, ValueFault::Zeros(tower))),
            _ => Ok(()),
        }
    }

    fn check_factor(&self, stored: &StoredWeight, values: &[f64]) -> Result<(), CheckpointError> {
        let usable = |value: f64| factor(value).is_finite() && factor(value) > 0.0;
        match values.iter().find(|value| !usable(**value)) {
            Some(&value) => Err(self.fault(stored, ValueFault::Factor { value })),
            None => Ok(()),
        }
    }

    fn fault(&self, stored: &StoredWeight, fault: ValueFault) -> CheckpointError {
        let path = self.files().get(stored.file).cloned().unwrap_or_default();
        CheckpointError::Values { path, name: stored.name.clone(), fault }
    }
}

/// The largest number of worker threads. With more of them, reading from disk is the bottleneck.
const MOST_WORKERS: usize = 8;

/// Returns the factor by which a logit_scale multiplies the cosines.
fn factor(logit_scale: f64) -> f32 {
    (logit_scale as f32).exp()
}

fn not_finite(chunk: &[u8], stored: &StoredWeight, start: usize) -> ValueFault {
    let values = numbers(chunk, stored.kind);
    let found = values.iter().enumerate().find(|(_, value)| !(**value as f32).is_finite());
    let (index, value) = found.map_or((0, f64::NAN), |(index, value)| (index, *value));
    ValueFault::NotFinite { value, place: place(start + index, &stored.shape) }
}

/// Returns the indices of an element of a tensor, which is stored row by row.
fn place(mut element: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let index = element % size.max(1);
            element /= size.max(1);
            index
        })
        .collect();
    place.reverse();
    place
}

/// What was seen in a run of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    finite: bool,
    zeros: bool,
}

impl Seen {
    fn of(bytes: &[u8], kind: FloatKind) -> Self {
        match kind {
            FloatKind::F64 => Self::all(bytes, |number| {
                let value = f64::from_le_bytes(number);
                (!(value as f32).is_finite(), value != 0.0)
            }),
            FloatKind::F32 => Self::all(bytes, |number| bits(u32::from_le_bytes(number), 0x7f80_0000)),
            FloatKind::F16 => {
                Self::all(bytes, |number| bits(u32::from(u16::from_le_bytes(number)) << 16, 0x7c00_0000))
            }
            FloatKind::Bf16 => {
                Self::all(bytes, |number| bits(u32::from(u16::from_le_bytes(number)) << 16, 0x7f80_0000))
            }
        }
    }

    /// Looks at every number without branching, so that one instruction can process many of them.
    fn all<const BYTES: usize>(bytes: &[u8], judge: impl Fn([u8; BYTES]) -> (bool, bool)) -> Self {
        let (mut infinite, mut nonzero) = (false, false);
        for number in bytes.as_chunks::<BYTES>().0 {
            let (is_infinite, is_nonzero) = judge(*number);
            infinite |= is_infinite;
            nonzero |= is_nonzero;
        }
        Self { finite: !infinite, zeros: !nonzero }
    }
}

/// Checks whether the number with these bits is infinite or NaN, which means that all bits of its exponent are set, and
/// whether it is anything but zero, whatever its sign.
fn bits(number: u32, exponent: u32) -> (bool, bool) {
    (number & exponent == exponent, number << 1 != 0)
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    fn seen(bytes: &[u8], kind: FloatKind) -> (bool, bool) {
        let seen = Seen::of(bytes, kind);
        (seen.finite, seen.zeros)
    }

    #[test]
    fn what_is_not_finite_is_seen_in_every_kind() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(!seen(&f64::from(value).to_le_bytes(), FloatKind::F64).0);
            assert!(!seen(&value.to_le_bytes(), FloatKind::F32).0);
            assert!(!seen(&f16::from_f32(value).to_le_bytes(), FloatKind::F16).0);
            assert!(!seen(&bf16::from_f32(value).to_le_bytes(), FloatKind::Bf16).0);
        }
        assert!(!seen(&1e300_f64.to_le_bytes(), FloatKind::F64).0, "single precision cannot hold it");
        assert!(seen(&f32::MAX.to_le_bytes(), FloatKind::F32).0);
        assert!(seen(&f16::MAX.to_le_bytes(), FloatKind::F16).0);
        assert!(seen(&bf16::MAX.to_le_bytes(), FloatKind::Bf16).0);
    }

    #[test]
    fn zeros_of_either_sign_are_zeros() {
        assert_eq!(seen(&[0, 0, 0, 0, 0, 0, 0, 0x80], FloatKind::F32), (true, true));
        assert_eq!(seen(&[0, 0, 0, 0x80], FloatKind::F16), (true, true));
        assert_eq!(seen(&[0, 0, 1, 0], FloatKind::F16), (true, false));
    }

    #[test]
    fn an_element_is_found_by_its_row_and_column() {
        assert_eq!(place(7, &[3, 4]), [1, 3]);
        assert_eq!(place(0, &[]), [0_usize; 0]);
    }
}
