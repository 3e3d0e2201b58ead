//! The distinct texts of a dataset, tokenised once.

use std::collections::BTreeSet;

use cliptune_clip::config::TextPooling;
use cliptune_clip::tokenizer::{Encoded, Layout, TokenBatch, Tokenizer, TokenizerError, Width};
use rayon::prelude::*;
use tch::{Device, Tensor};

use super::examples::Numbering;
use super::packing::Packing;
use crate::error::TrainError;

/// Distinct texts as token ids, which are padded when a batch is made.
///
/// Texts with the same ids count as one, because the model cannot tell them apart, however they were written.
#[derive(Debug)]
pub struct TextBank {
    texts: Vec<Encoded>,
    layout: Layout,
    /// The row of each text that was given to the bank.
    rows: Vec<usize>,
    truncated: usize,
}

impl TextBank {
    /// Tokenises the texts in parallel. The rows follow the order in which their ids first appear.
    pub fn encode(tokenizer: &Tokenizer, texts: &[impl AsRef<str> + Sync]) -> Result<Self, TokenizerError> {
        let encoded: Vec<Encoded> =
            texts.par_iter().map(|text| tokenizer.encode(text.as_ref())).collect::<Result<_, _>>()?;
        let truncated = encoded.iter().filter(|text| text.truncated).count();
        let mut distinct: Numbering<Vec<i64>> = Numbering::default();
        let rows = encoded.iter().map(|text| distinct.number(&text.ids)).collect();
        let mut texts: Vec<Encoded> = Vec::with_capacity(distinct.order().len());
        for (text, &row) in encoded.into_iter().zip(&rows) {
            if row == texts.len() {
                texts.push(text);
            }
        }
        Ok(Self { texts, layout: tokenizer.layout(), rows, truncated })
    }

    /// Returns the row of each text that was given, in the order of those texts.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns the number of distinct texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Checks whether there are no texts.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Returns the number of texts that were cut at the context length.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// Returns the ids of all texts and of padding, ascending.
    pub fn ids(&self) -> Vec<i64> {
        let texts = self.texts.iter().flat_map(|text| &text.ids).copied();
        let ids: BTreeSet<i64> = texts.chain([self.layout.padding]).collect();
        ids.into_iter().collect()
    }

    /// Returns the number of tokens in these rows, including the padding that the text tower sees.
    pub fn tokens(&self, rows: &[usize]) -> usize {
        let ids = |&row: &usize| self.texts[row].ids.len();
        match self.layout.width {
            Width::Longest => rows.iter().map(ids).sum(),
            Width::Fixed(columns) => rows.iter().map(|row| columns.max(ids(row))).sum(),
        }
    }

    /// Returns the ids of some rows without padding, `[tokens]`, or `None` for a tower that sees its padding.
    ///
    /// Each text ends with the token that is pooled, because later tokens cannot affect it.
    pub fn packed(
        &self,
        rows: &[usize],
        pooling: TextPooling,
        device: Device,
    ) -> Result<Option<(Tensor, Packing)>, TrainError> {
        if self.layout.width != Width::Longest || !pooling.is_causal() {
            return Ok(None);
        }
        let up_to_pooled = |ids: &'_ [i64]| ids.len().min(pooling.row(ids) + 1);
        let texts: Vec<&[i64]> = rows
            .iter()
            .map(|&row| self.texts[row].ids.as_slice())
            .map(|ids| &ids[..up_to_pooled(ids)])
            .collect();
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let (packing, order) = Packing::new(&lengths, device)?;
        let ids: Vec<i64> = order.iter().flat_map(|&text| texts[text]).copied().collect();
        Ok(Some((Tensor::from_slice(&ids).f_to_device(device)?, packing)))
    }

    /// Returns the ids of some rows: `[rows, longest]`, or `[rows, context]` for a tower that sees its padding.
    pub fn tensor(&self, rows: &[usize], device: Device) -> Result<Tensor, TrainError> {
        let texts: Vec<Encoded> = rows.iter().map(|&row| self.texts[row].clone()).collect();
        let batch = TokenBatch::new(&texts, self.layout);
        let shape = [batch.rows as i64, batch.columns as i64];
        Ok(Tensor::from_slice(&batch.ids).f_view(shape)?.f_to_device(device)?)
    }
}
