//! Computes one tower's part of a gradient apart from the loss, which sees only its embeddings.

use cliptune_clip::weights::Tower;
use tch::{Kind, Tensor};

use super::Gradient;
use super::tape::Tape;
use crate::error::TrainError;

/// The rows of a batch that one tower encodes: this process's share of them, in chunks that are propagated back to the
/// weights one at a time.
pub(super) struct TowerPass<'a> {
    gradient: &'a Gradient<'a>,
    tower: Tower,
    /// The number of the batch in its update.
    number: usize,
    /// The number of rows of all processes.
    rows: usize,
    /// This process's rows.
    chunks: Vec<&'a [usize]>,
    /// The embeddings of all processes' rows, as a leaf that gathers their gradient.
    leaf: Tensor,
    kept: Kept,
}

/// What was kept of the only chunk, so that it need not be computed again.
enum Kept {
    /// Every chunk is computed again, with its graph.
    Nothing,
    /// The inputs of the tower's pieces, each of which is computed again.
    Tape(Tape),
    /// The embeddings with their graph.
    Graph(Tensor),
}

/// A tower that has encoded this process's rows, before those of the others are known.
pub(super) struct Encoded<'a> {
    pass: TowerPass<'a>,
    own: Tensor,
}

impl<'a> Encoded<'a> {
    /// Gathers the embeddings of all processes' rows.
    pub(super) fn gather(self) -> Result<TowerPass<'a>, TrainError> {
        let Self { mut pass, own } = self;
        let all = pass.gradient.encoder.gathered(pass.tower, &own, pass.rows)?;
        pass.leaf = all.set_requires_grad(true);
        Ok(pass)
    }
}

impl<'a> TowerPass<'a> {
    /// Computes the embeddings of this process's share of some rows, and keeps their graph or, with `inputs`, keeps the
    /// activations of no more than so many inputs at a time, so that a second pass has to compute them again.
    pub(super) fn encode_share(
        gradient: &'a Gradient<'a>,
        tower: Tower,
        number: usize,
        rows: &'a [usize],
        inputs: Option<usize>,
    ) -> Result<Encoded<'a>, TrainError> {
        let encoder = gradient.encoder;
        let at_once = encoder.rows_at_once(tower, inputs.unwrap_or(usize::MAX));
        let chunks: Vec<&[usize]> = rows[encoder.share(tower, rows.len())].chunks(at_once).collect();
        let (leaf, kept) = (Tensor::new(), Kept::Nothing);
        let mut pass = Self { gradient, tower, number, rows: rows.len(), chunks, leaf, kept };
        let own = if inputs.is_some() { pass.without_graph()? } else { pass.with_graph()? };
        Ok(Encoded { pass, own })
    }

    /// Returns the embeddings of all rows, in which their gradient gathers.
    pub(super) fn embeddings(&self) -> Tensor {
        self.leaf.shallow_clone()
    }

    fn is_taped(&self) -> bool {
        self.gradient.plan.gradient_checkpointing && self.gradient.encoder.moves(self.tower)
    }

    /// Computes the embeddings of this process's rows at once.
    fn with_graph(&mut self) -> Result<Tensor, TrainError> {
        if self.chunks.is_empty() {
            return self.gradient.encoder.nothing();
        }
        let embeddings = self.encode(0)?;
        self.kept = Kept::Graph(embeddings.shallow_clone());
        Ok(embeddings)
    }

    /// Computes the embeddings of this process's rows chunk by chunk: the first of two passes.
    fn without_graph(&mut self) -> Result<Tensor, TrainError> {
        let _guard = tch::no_grad_guard();
        match self.chunks.len() {
            0 => self.gradient.encoder.nothing(),
            1 if self.is_taped() => {
                let (tape, embeddings) = self.record(0)?;
                self.kept = Kept::Tape(tape);
                Ok(embeddings)
            }
            count => {
                let chunks = (0..count).map(|chunk| self.encode(chunk)).collect::<Result<Vec<_>, _>>()?;
                Ok(Tensor::f_cat(&chunks, 0)?)
            }
        }
    }

    /// Returns the gradient of this process's embeddings, or none if nothing moves in the tower. Every process has a part
    /// of it, since its examples were compared with all embeddings.
    pub(super) fn of_embeddings(&self) -> Result<Option<Tensor>, TrainError> {
        let encoder = self.gradient.encoder;
        if !encoder.moves(self.tower) {
            return Ok(None);
        }
        let mut all = self.leaf.grad();
        if !all.defined() {
            // A process without examples has compared nothing.
            all = self.leaf.f_detach()?.f_zeros_like()?;
        }
        // Of the sum, a process needs its own rows alone, for which a reduce-scatter would send half as much. That of Gloo sums all
        // rows on every process, too, and throws the others away; and it takes equal shares alone.
        encoder.group().sum(&mut all)?;
        let own = encoder.share(self.tower, self.rows);
        Ok(Some(all.f_narrow(0, own.start as i64, own.len() as i64)?))
    }

    /// Propagates the gradient of this process's embeddings back to the weights. `last` tells that no batch follows in the
    /// update.
    pub(super) fn backward(&self, gradient: &Tensor, last: bool) -> Result<(), TrainError> {
        let mut start = 0;
        for (chunk, rows) in self.chunks.iter().enumerate() {
            let of_chunk = gradient.f_narrow(0, start, rows.len() as i64)?;
            start += rows.len() as i64;
            // A weight has its whole gradient when the last chunk is through it.
            self.gradient.arm(last && chunk + 1 == self.chunks.len());
            self.backward_chunk(chunk, &of_chunk)?;
        }
        Ok(())
    }

    fn backward_chunk(&self, chunk: usize, gradient: &Tensor) -> Result<(), TrainError> {
        let encoder = self.gradient.encoder;
        match &self.kept {
            Kept::Graph(embeddings) => through(embeddings, gradient),
            Kept::Tape(tape) => tape.backward(gradient, &|piece| self.begin(chunk, piece), encoder),
            Kept::Nothing if self.is_taped() => {
                let (tape, _) = self.record(chunk)?;
                tape.backward(gradient, &|piece| self.begin(chunk, piece), encoder)
            }
            Kept::Nothing => through(&self.encode(chunk)?, gradient),
        }
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

/// Propagates the gradient of embeddings back through their graph.
fn through(embeddings: &Tensor, gradient: &Tensor) -> Result<(), TrainError> {
    Ok(embeddings.f_mul(gradient)?.f_sum(Kind::Float)?.f_backward()?)
}
