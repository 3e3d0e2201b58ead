//! Reads the values of a checkpoint's weights from its files.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use fs_err::File;

use super::error::CheckpointError;
use super::header::FloatKind;
use super::layout::Fills;
use super::{Checkpoint, StoredWeight, matrix, row_elements};
use cliptune_durable::open_regular;

/// The number of bytes that are copied at a time.
pub(super) const CHUNK_BYTES: usize = 1 << 20;

/// The open files of a checkpoint, and the places in them that make up each weight.
///
/// Reads from the files a little at a time rather than from a memory mapping: a file that shrinks in the meantime is an
/// error here, but would kill the process if it were mapped.
pub(super) struct Source {
    files: Vec<File>,
    weights: HashMap<String, Vec<Piece>>,
}

/// Consecutive elements of a weight that are stored together in a file.
#[derive(Clone, Debug)]
struct Piece {
    /// The range of the weight's elements.
    elements: Range<usize>,
    file: usize,
    /// The position of the first byte, counted from the start of the file.
    offset: u64,
    kind: FloatKind,
    /// The number of rows and columns in the file, if the weight has its axes the other way round.
    exchanged: Option<[usize; 2]>,
}

impl Source {
    pub(super) fn open(checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let files = checkpoint.files().iter().map(|path| open_regular(path)).collect::<io::Result<_>>()?;
        let mut weights: HashMap<String, Vec<Piece>> = HashMap::new();
        for stored in checkpoint.weights() {
            for (name, piece) in pieces(stored) {
                weights.entry(name).or_default().push(piece);
            }
        }
        for pieces in weights.values_mut() {
            pieces.sort_by_key(|piece| piece.elements.start);
        }
        Ok(Self { files, weights })
    }

    /// Returns the types of a weight's numbers.
    pub(super) fn kinds(&self, weight: &str) -> impl Iterator<Item = FloatKind> {
        self.pieces(weight).iter().map(|piece| piece.kind)
    }

    /// Returns the number of elements of a weight.
    pub(super) fn len(&self, weight: &str) -> usize {
        self.pieces(weight).last().map_or(0, |piece| piece.elements.end)
    }

    /// Writes some elements of a weight, row by row.
    pub(super) fn copy(
        &self,
        weight: &str,
        elements: Range<usize>,
        to: &mut impl Write,
    ) -> Result<(), CheckpointError> {
        for piece in self.pieces(weight) {
            let wanted = intersection(&piece.elements, &elements);
            if wanted.is_empty() {
                continue;
            }
            let within = wanted.start - piece.elements.start..wanted.end - piece.elements.start;
            match piece.exchanged {
                None => self.stream(piece, within, to)?,
                Some(shape) => {
                    let values = exchange(&self.read(piece)?, shape, piece.kind);
                    let bytes = piece.kind.bytes();
                    write(to, &values[within.start * bytes..within.end * bytes])?;
                }
            }
        }
        Ok(())
    }

    /// Writes a matrix with the given number of rows and columns, with its axes exchanged.
    pub(super) fn copy_exchanged(
        &self,
        weight: &str,
        shape: [usize; 2],
        kind: FloatKind,
        to: &mut impl Write,
    ) -> Result<(), CheckpointError> {
        // Only projections are stored like this, so this takes a few megabytes at most.
        let mut values = Vec::new();
        self.copy(weight, 0..self.len(weight), &mut values)?;
        write(to, &exchange(&values, shape, kind))
    }

    fn pieces(&self, weight: &str) -> &[Piece] {
        self.weights.get(weight).map_or(&[], Vec::as_slice)
    }

    fn stream(
        &self,
        piece: &Piece,
        elements: Range<usize>,
        to: &mut impl Write,
    ) -> Result<(), CheckpointError> {
        let bytes = piece.kind.bytes();
        let mut left = (elements.end - elements.start) * bytes;
        let mut offset = piece.offset + (elements.start * bytes) as u64;
        let mut buffer = vec![0; left.min(CHUNK_BYTES)];
        while left > 0 {
            let chunk = &mut buffer[..left.min(CHUNK_BYTES)];
            self.read_at(piece.file, offset, chunk)?;
            write(to, chunk)?;
            (left, offset) = (left - chunk.len(), offset + chunk.len() as u64);
        }
        Ok(())
    }

    fn read(&self, piece: &Piece) -> Result<Vec<u8>, CheckpointError> {
        let mut values = vec![0; piece.elements.len() * piece.kind.bytes()];
        self.read_at(piece.file, piece.offset, &mut values)?;
        Ok(values)
    }

    /// Fills a buffer from a position in one of the files.
    pub(super) fn read_at(&self, file: usize, offset: u64, buffer: &mut [u8]) -> Result<(), CheckpointError> {
        let file = &self.files[file];
        file.file().read_exact_at(buffer, offset).map_err(|error| {
            let message = format!("failed to read from file `{}`: {error}", file.path().display());
            CheckpointError::Read(io::Error::new(error.kind(), message))
        })
    }
}

/// Splits a tensor into the parts of the weights that it holds.
fn pieces(stored: &StoredWeight) -> Vec<(String, Piece)> {
    let elements = stored.elements();
    let (file, offset, kind) = (stored.file, stored.offset, stored.kind);
    let whole = Piece { elements: 0..elements, file, offset, kind, exchanged: None };
    match &stored.fills {
        Fills::Whole(name) => vec![(name.clone(), whole)],
        Fills::Transposed(name) => {
            let exchanged = Some(matrix(&stored.shape));
            vec![(name.clone(), Piece { exchanged, ..whole })]
        }
        Fills::Stacked(names) => {
            let part = elements / names.len();
            let start = |row: usize| offset + (row * part * kind.bytes()) as u64;
            let piece = |row| Piece { elements: 0..part, offset: start(row), ..whole.clone() };
            names.iter().enumerate().map(|(row, name)| (name.clone(), piece(row))).collect()
        }
        Fills::Rows { weight, first } => {
            let start = first * row_elements(&stored.shape);
            vec![(weight.clone(), Piece { elements: start..start + elements, ..whole })]
        }
    }
}

fn intersection(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
}

/// Returns the bytes of a matrix with the given number of rows and columns, column by column.
fn exchange(values: &[u8], [rows, columns]: [usize; 2], kind: FloatKind) -> Vec<u8> {
    let bytes = kind.bytes();
    let mut exchanged = Vec::with_capacity(values.len());
    for column in 0..columns {
        for row in 0..rows {
            let at = (row * columns + column) * bytes;
            exchanged.extend_from_slice(&values[at..at + bytes]);
        }
    }
    exchanged
}

fn write(to: &mut impl Write, bytes: &[u8]) -> Result<(), CheckpointError> {
    to.write_all(bytes).map_err(CheckpointError::Write)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanging_twice_changes_nothing() {
        let values: Vec<u8> = (0..24).collect();
        let once = exchange(&values, [2, 3], FloatKind::F32);
        assert_eq!(once[..12], [0, 1, 2, 3, 12, 13, 14, 15, 4, 5, 6, 7]);
        assert_eq!(exchange(&once, [3, 2], FloatKind::F32), values);
    }
}
