//! Every distinct text of a dataset, tokenised once.

use cliptune_clip::tokenizer::{Encoded, Layout, TokenBatch, Tokenizer, TokenizerError, Width};
use rayon::prelude::*;
use tch::{Device, Tensor};

use crate::error::TrainError;

/// Distinct texts as token ids; padded when a batch is made.
#[derive(Debug)]
pub struct TextBank {
    texts: Vec<Encoded>,
    layout: Layout,
}

impl TextBank {
    /// Tokenises the texts in parallel; rows follow their order.
    pub fn encode(tokenizer: &Tokenizer, texts: &[String]) -> Result<Self, TokenizerError> {
        let texts = texts.par_iter().map(|text| tokenizer.encode(text)).collect::<Result<_, _>>()?;
        Ok(Self { texts, layout: tokenizer.layout() })
    }

    /// Number of texts that were cut at the context length.
    pub fn truncated(&self) -> usize {
        self.texts.iter().filter(|text| text.truncated).count()
    }

    /// The columns that [`tensor`](Self::tensor) gives these rows.
    pub fn columns(&self, rows: &[usize]) -> usize {
        let longest = rows.iter().map(|&row| self.texts[row].ids.len()).max().unwrap_or(0);
        match self.layout.width {
            Width::Longest => longest,
            Width::Fixed(columns) => columns.max(longest),
        }
    }

    /// Ids of some rows: `[rows, longest]`, or `[rows, context]` for a tower that sees its padding.
    pub fn tensor(&self, rows: &[usize], device: Device) -> Result<Tensor, TrainError> {
        let texts: Vec<Encoded> = rows.iter().map(|&row| self.texts[row].clone()).collect();
        let batch = TokenBatch::new(&texts, self.layout);
        let shape = [batch.rows as i64, batch.columns as i64];
        Ok(Tensor::from_slice(&batch.ids).f_view(shape)?.f_to_device(device)?)
    }
}
