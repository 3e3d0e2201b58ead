//! The distinct texts of a dataset, tokenised once.

use std::collections::BTreeSet;

use cliptune_clip::config::TextPooling;
use cliptune_clip::tokenizer::{Encoded, Layout, TokenBatch, Tokenizer, TokenizerError, Width};
use cliptune_experiment::Templates;
use rayon::prelude::*;
use tch::{Device, Tensor};

use super::examples::Numbering;
use super::packing::Packing;
use crate::error::TrainError;

/// Distinct texts as token ids, which are padded when a batch is made.
///
/// Each text is read as its prompts, one for each template. Texts whose prompts have the same ids count as one, because
/// the model cannot tell them apart, however they were written.
#[derive(Debug)]
pub struct TextBank {
    /// The prompts of each text, text by text.
    prompts: Vec<Encoded>,
    /// The number of prompts of a text.
    templates: usize,
    layout: Layout,
    /// The row of each text that was given to the bank.
    rows: Vec<usize>,
    truncated: usize,
    /// The row of the first text that was cut.
    first_truncated: Option<usize>,
}

impl TextBank {
    /// Tokenises the texts in parallel. The rows follow the order in which their ids first appear.
    pub fn encode(
        tokenizer: &Tokenizer,
        texts: &[impl AsRef<str> + Sync],
        templates: &Templates,
    ) -> Result<Self, TokenizerError> {
        let encode = |text: &str| templates.prompts(text).map(|prompt| tokenizer.encode(&prompt)).collect();
        let encoded: Vec<Vec<Encoded>> =
            texts.par_iter().map(|text| encode(text.as_ref())).collect::<Result<_, _>>()?;
        let is_cut = |text: &Vec<Encoded>| text.iter().any(|prompt| prompt.truncated);
        let truncated = encoded.iter().filter(|text| is_cut(text)).count();
        let mut distinct: Numbering<Vec<Vec<i64>>> = Numbering::default();
        let ids = |text: &Vec<Encoded>| text.iter().map(|prompt| prompt.ids.clone()).collect();
        let rows: Vec<usize> = encoded.iter().map(|text| distinct.number(&ids(text))).collect();
        let first_truncated = encoded.iter().position(is_cut).map(|text| rows[text]);
        let mut prompts: Vec<Encoded> = Vec::with_capacity(distinct.order().len() * templates.count());
        for (text, &row) in encoded.into_iter().zip(&rows) {
            if row * templates.count() == prompts.len() {
                prompts.extend(text);
            }
        }
        let (templates, layout) = (templates.count(), tokenizer.layout());
        Ok(Self { prompts, templates, layout, rows, truncated, first_truncated })
    }

    /// Returns the number of prompts of each text.
    pub fn templates(&self) -> usize {
        self.templates
    }

    /// Returns how many rows have so many prompts together, but at least one.
    pub(crate) fn rows_at_once(&self, prompts: usize) -> usize {
        (prompts / self.templates).max(1)
    }

    /// Returns the prompts of some rows, row by row.
    fn prompts(&self, rows: &[usize]) -> impl Iterator<Item = &Encoded> {
        let of = |&row: &usize| &self.prompts[row * self.templates..(row + 1) * self.templates];
        rows.iter().flat_map(of)
    }

    /// Returns the row of each text that was given, in the order of those texts.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns the number of distinct texts.
    pub fn len(&self) -> usize {
        self.prompts.len() / self.templates
    }

    /// Checks whether there are no texts.
    pub fn is_empty(&self) -> bool {
        self.prompts.is_empty()
    }

    /// Returns the number of texts of which a prompt was cut at the context length.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// Returns the row of the first text that was cut, if there is one.
    pub fn first_truncated(&self) -> Option<usize> {
        self.first_truncated
    }

    /// Returns the ids of all texts and of padding, ascending.
    pub fn ids(&self) -> Vec<i64> {
        let prompts = self.prompts.iter().flat_map(|prompt| &prompt.ids).copied();
        let ids: BTreeSet<i64> = prompts.chain([self.layout.padding]).collect();
        ids.into_iter().collect()
    }

    /// Returns the number of tokens in these rows, including the padding that the text tower sees.
    pub fn tokens(&self, rows: &[usize]) -> usize {
        let ids = self.prompts(rows).map(|prompt| prompt.ids.len());
        match self.layout.width {
            Width::Longest => ids.sum(),
            Width::Fixed(columns) => ids.map(|ids| columns.max(ids)).sum(),
        }
    }

    /// Returns the ids of some rows' prompts without padding, `[tokens]`, or `None` for a tower that sees its padding.
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
        let texts: Vec<&[i64]> = self
            .prompts(rows)
            .map(|prompt| prompt.ids.as_slice())
            .map(|ids| &ids[..up_to_pooled(ids)])
            .collect();
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let (packing, order) = Packing::new(&lengths, device)?;
        let ids: Vec<i64> = order.iter().flat_map(|&text| texts[text]).copied().collect();
        Ok(Some((Tensor::from_slice(&ids).f_to_device(device)?, packing)))
    }

    /// Returns the ids of some rows' prompts: `[prompts, longest]`, or `[prompts, context]` for a tower that sees its
    /// padding.
    pub fn tensor(&self, rows: &[usize], device: Device) -> Result<Tensor, TrainError> {
        let prompts: Vec<Encoded> = self.prompts(rows).cloned().collect();
        let batch = TokenBatch::new(&prompts, self.layout);
        let shape = [batch.rows as i64, batch.columns as i64];
        Ok(Tensor::from_slice(&batch.ids).f_view(shape)?.f_to_device(device)?)
    }
}
