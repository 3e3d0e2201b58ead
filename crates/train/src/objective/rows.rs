//! The rows of a loss: some of a batch's examples against all of them.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;
use tch::Tensor;

use super::{Embeddings, indices};
use crate::data::{Batch, Example, Needed};
use crate::error::TrainError;

/// The side of a pair that a row stands for. The columns stand for the other side of all pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The example's image.
    Image,
    /// The example's right text.
    Text,
}

/// The rows of a loss that one process computes. A process alone computes all.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a> {
    /// The examples of the batch.
    pub(super) all: &'a [Example],
    /// Those of them that have a row.
    pub(super) own: Range<usize>,
}

impl<'a> Rows<'a> {
    /// Returns the examples that have a row.
    fn own(&self) -> &'a [Example] {
        &self.all[self.own.clone()]
    }

    /// Checks whether every example has a row.
    pub(super) fn are_all(&self) -> bool {
        self.own.len() == self.all.len()
    }

    /// Returns the logits of one side of every own example with the other side of every example: `[own, examples]`.
    pub(super) fn logits(&self, side: Side, embeddings: &Embeddings) -> Result<Tensor, TrainError> {
        let (own, all) = match side {
            Side::Image => (images(embeddings, self.own())?, right_texts(embeddings, self.all)?),
            Side::Text => (right_texts(embeddings, self.own())?, images(embeddings, self.all)?),
        };
        Ok(own.f_matmul(&all.f_transpose(0, 1)?)?.f_mul(&embeddings.logit_scale)?)
    }

    /// Evaluates a condition for the image and the text of every pair in these rows, and returns the result,
    /// `[own, examples]`, on the device of `beside`.
    pub(super) fn pairs(
        &self,
        side: Side,
        beside: &Tensor,
        holds: impl Fn(&Example, &Example) -> bool + Sync,
    ) -> Result<Tensor, TrainError> {
        let holds = &|own: &Example, other: &Example| match side {
            Side::Image => holds(own, other),
            Side::Text => holds(other, own),
        };
        let all = self.all;
        let row = |own| all.iter().map(move |other| holds(own, other));
        // The rows are computed in parallel, because large batches have millions of pairs.
        let cells: Vec<bool> = self.own().par_iter().flat_map_iter(row).collect();
        let size = [self.own.len() as i64, all.len() as i64];
        Ok(Tensor::from_slice(&cells).f_view(size)?.f_to_device(beside.device())?)
    }

    /// Returns the own examples with only those embeddings that they need, for a loss in which examples do not meet.
    pub(super) fn apart(
        &self,
        embeddings: &Embeddings,
    ) -> Result<(Embeddings, Cow<'a, [Example]>), TrainError> {
        if self.are_all() {
            return Ok((embeddings.shared(), Cow::Borrowed(self.all)));
        }
        let own: Vec<usize> = self.own.clone().collect();
        let batch = Batch::new(self.all, &own, Needed::Candidates);
        let pick = |of: &Tensor, rows: &[usize]| -> Result<Tensor, TrainError> {
            Ok(of.f_index_select(0, &indices(rows.iter().copied(), of)?)?)
        };
        let own = Embeddings {
            images: pick(&embeddings.images, &batch.images)?,
            texts: pick(&embeddings.texts, &batch.texts)?,
            ..embeddings.shared()
        };
        Ok((own, Cow::Owned(batch.examples)))
    }
}

/// Returns the embedding of every example's image.
fn images(embeddings: &Embeddings, of: &[Example]) -> Result<Tensor, TrainError> {
    let images = &embeddings.images;
    Ok(images.f_index_select(0, &indices(of.iter().map(|one| one.image), images)?)?)
}

/// Returns the embedding of every example's right text.
fn right_texts(embeddings: &Embeddings, of: &[Example]) -> Result<Tensor, TrainError> {
    let texts = &embeddings.texts;
    Ok(texts.f_index_select(0, &indices(of.iter().map(Example::right_text), texts)?)?)
}
