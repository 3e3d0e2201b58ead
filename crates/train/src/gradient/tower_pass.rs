//! Computes one tower's part of a gradient in two passes.

use cliptune_clip::weights::Tower;
use tch::{Kind, Tensor};

use super::Gradient;
use super::tape::Tape;
use crate::error::TrainError;

/// The rows of a batch that one tower encodes, in chunks that are propagated back to the weights one at a time.
pub(super) struct TowerPass<'a> {
    gradient: &'a Gradient<'a>,
    tower: Tower,
    /// The number of the batch in its update.
    number: usize,
    chunks: Vec<&'a [usize]>,
    /// All embeddings, as a leaf that gathers their gradient.
    leaf: Tensor,
    /// What the first pass kept if there is only one chunk, so that the second pass need not compute it again.
    tape: Option<Tape>,
}

impl<'a> TowerPass<'a> {
    /// Takes the first of the two passes, which computes the embeddings.
    pub(super) fn new(
        gradient: &'a Gradient<'a>,
        tower: Tower,
        number: usize,
        rows: &'a [usize],
        inputs: usize,
    ) -> Result<Self, TrainError> {
        let chunk = gradient.encoder.rows_at_once(tower, inputs);
        let chunks: Vec<&[usize]> = rows.chunks(chunk).collect();
        let mut pass = Self { gradient, tower, number, chunks, leaf: Tensor::new(), tape: None };
        let _guard = tch::no_grad_guard();
        let leaf = match pass.chunks.len() {
            1 if pass.is_taped() => {
                let (tape, embeddings) = pass.record(0)?;
                pass.tape = Some(tape);
                embeddings
            }
            count => {
                Tensor::f_cat(&(0..count).map(|chunk| pass.encode(chunk)).collect::<Result<Vec<_>, _>>()?, 0)?
            }
        };
        pass.leaf = leaf.f_detach()?.set_requires_grad(true);
        Ok(pass)
    }

    /// Returns the embeddings of all rows, in which their gradient gathers.
    pub(super) fn embeddings(&self) -> Tensor {
        self.leaf.shallow_clone()
    }

    fn is_taped(&self) -> bool {
        self.gradient.plan.gradient_checkpointing && self.gradient.encoder.moves(self.tower)
    }

    /// Takes the second pass, from the gradient of the embeddings to that of the weights.
    pub(super) fn backward(&self) -> Result<(), TrainError> {
        if !self.gradient.encoder.moves(self.tower) {
            return Ok(());
        }
        let gradient = self.leaf.grad();
        let mut start = 0;
        for (chunk, rows) in self.chunks.iter().enumerate() {
            let of_chunk = gradient.f_narrow(0, start, rows.len() as i64)?;
            start += rows.len() as i64;
            self.backward_chunk(chunk, &of_chunk)?;
        }
        Ok(())
    }

    fn backward_chunk(&self, chunk: usize, gradient: &Tensor) -> Result<(), TrainError> {
        if let Some(tape) = &self.tape {
            return tape.backward(gradient, &|piece| self.begin(chunk, piece), self.gradient.encoder);
        }
        if self.is_taped() {
            let (tape, _) = self.record(chunk)?;
            return tape.backward(gradient, &|piece| self.begin(chunk, piece), self.gradient.encoder);
        }
        Ok(self.encode(chunk)?.f_mul(gradient)?.f_sum(Kind::Float)?.f_backward()?)
    }

    fn encode(&self, chunk: usize) -> Result<Tensor, TrainError> {
        if self.is_taped() {
            return Ok(self.record(chunk)?.1);
        }
        self.begin(chunk, 0);
        self.gradient.encoder.tower(self.tower, self.chunks[chunk])
    }

    fn record(&self, chunk: usize) -> Result<(Tape, Tensor), TrainError> {
        let encoder = self.gradient.encoder;
        Tape::record(self.tower, self.chunks[chunk], &|piece| self.begin(chunk, piece), encoder)
    }

    /// Seeds the random draws of a piece, so that they are the same however often the piece is computed.
    fn begin(&self, chunk: usize, piece: usize) {
        let tower = match self.tower {
            Tower::Vision => 0,
            Tower::Text => 1,
        };
        self.gradient.draws.begin(&[self.number, tower, chunk, piece]);
    }
}
