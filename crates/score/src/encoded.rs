//! A split as the towers see it: its distinct images and texts, and what is answered with their vectors.

use cliptune_experiment::TaskKind;
use cliptune_store::{Dataset, Item, ItemImage, Prediction};

use crate::choice;
use crate::distinct::Distinct;
use crate::matrix::{Matrix, product};
use crate::pairs::{self, Retrieval};
use crate::temperature::Temperature;

/// The distinct images and texts of items, and which item has which. Each is encoded once.
#[derive(Debug)]
pub(crate) struct Distinctions<'a> {
    /// One entry per item.
    pub(crate) image_rows: Distinct,
    /// The files of the distinct images.
    pub(crate) images: Vec<ItemImage>,
    /// One entry per text of each item, item by item.
    pub(crate) text_rows: Distinct,
    /// The distinct texts.
    pub(crate) texts: Vec<&'a str>,
}

/// Unit vectors of the distinct images and texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) images: Matrix,
    pub(crate) texts: Matrix,
}

impl<'a> Distinctions<'a> {
    /// Finds what is the same.
    pub(crate) fn of(items: &'a [Item], dataset: &Dataset) -> Self {
        let image_rows = Distinct::new(items.iter().map(|item| item.image_hash.as_str()));
        let images = image_rows.firsts.iter().map(|&first| dataset.image(&items[first])).collect();
        let all: Vec<&str> = items.iter().flat_map(|item| &item.texts).map(String::as_str).collect();
        let text_rows = Distinct::new(all.iter().copied());
        let texts = text_rows.firsts.iter().map(|&first| all[first]).collect();
        Self { image_rows, images, text_rows, texts }
    }

    /// The logits of each item's image with its own texts.
    pub(crate) fn own_logits(
        &self,
        items: &[Item],
        encoded: &Encoded,
        temperature: Temperature,
    ) -> Vec<Vec<f64>> {
        let mut texts = self.text_rows.row_of.iter();
        let logits = |(item, &image): (&Item, &usize)| {
            let own = texts.by_ref().take(item.texts.len());
            let cosine = |&text: &usize| product(encoded.images.row(image), encoded.texts.row(text));
            own.map(|text| temperature.logit(cosine(text))).collect()
        };
        items.iter().zip(&self.image_rows.row_of).map(logits).collect()
    }

    /// The answers to choice items.
    pub(crate) fn choices(
        &self,
        items: &[Item],
        encoded: &Encoded,
        temperature: Temperature,
    ) -> Vec<Prediction> {
        let logits = self.own_logits(items, encoded, temperature);
        items.iter().zip(logits).map(|(item, logits)| choice::predict(item, logits)).collect()
    }

    /// Everything ranked against everything.
    pub(crate) fn retrieval(&self, items: &[Item], encoded: &Encoded, temperature: Temperature) -> Retrieval {
        let Self { image_rows, text_rows, .. } = self;
        let Encoded { images, texts } = encoded;
        let candidates = pairs::Candidates { images, image_rows, texts, text_rows };
        pairs::retrieve(items, &candidates, temperature)
    }

    /// The answers to items of any kind.
    pub(crate) fn predictions(
        &self,
        task: TaskKind,
        items: &[Item],
        encoded: &Encoded,
        temperature: Temperature,
    ) -> Vec<Prediction> {
        match task {
            TaskKind::Choice => self.choices(items, encoded, temperature),
            TaskKind::Pairs => self.retrieval(items, encoded, temperature).predictions,
        }
    }
}
