//! Gradient checkpointing (Chen et al. 2016): the input of each piece of a tower is kept, and what happens inside the
//! piece is computed again.

use cliptune_clip::towers::Piece;
use cliptune_clip::weights::Tower;
use tch::{Kind, Tensor};

use crate::encoder::{Encoder, Input};
use crate::error::TrainError;

/// The inputs of a tower's pieces.
pub(super) struct Tape {
    tower: Tower,
    /// The input of the tower.
    input: Input,
    pieces: Vec<(Piece, Tensor)>,
}

impl Tape {
    /// Computes the embeddings of some rows without a graph. `begin` is called with the number of each piece before the
    /// piece is computed.
    pub(super) fn record(
        tower: Tower,
        rows: &[usize],
        begin: &dyn Fn(usize),
        encoder: &Encoder<'_>,
    ) -> Result<(Self, Tensor), TrainError> {
        let _guard = tch::no_grad_guard();
        let input = encoder.input(tower, rows)?;
        let mut x = input.tensor().shallow_clone();
        let mut pieces = Vec::new();
        for (number, piece) in encoder.pieces(tower).into_iter().enumerate() {
            begin(number);
            let y = encoder.piece(tower, piece, &x, &input)?;
            pieces.push((piece, x));
            x = y;
        }
        Ok((Self { tower, input, pieces }, x))
    }

    /// Propagates the gradient of the embeddings back through the pieces, last one first, as far down as weights move.
    pub(super) fn backward(
        &self,
        gradient: &Tensor,
        begin: &dyn Fn(usize),
        encoder: &Encoder<'_>,
    ) -> Result<(), TrainError> {
        let mut gradient = gradient.shallow_clone();
        let lowest = encoder.lowest_moving(self.tower);
        for (number, (piece, input)) in self.pieces.iter().enumerate().skip(lowest).rev() {
            begin(number);
            let leaf = input.f_detach()?;
            // Ids are not floats, and nothing asks for the gradient of pixels.
            let leaf = if *piece == Piece::Stem { leaf } else { leaf.set_requires_grad(true) };
            let output = encoder.piece(self.tower, *piece, &leaf, &self.input)?;
            output.f_mul(&gradient)?.f_sum(Kind::Float)?.f_backward()?;
            gradient = leaf.grad();
        }
        Ok(())
    }
}
