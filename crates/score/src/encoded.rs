//! A split as the towers see it: its distinct images and texts, and the answers computed from their vectors.

use cliptune_encode::model::Model;
use cliptune_encode::texts::Texts;
use cliptune_experiment::{TaskKind, Templates};
use cliptune_store::{ItemImage, ItemSlice, Prediction};

use crate::answer::Answer;
use crate::distinct::Distinct;
use crate::error::ScoreError;
use crate::hits::Hits;
use crate::matrix::{Matrix, product};
use crate::pairs::{self, Retrieval};
use crate::temperature::Temperature;

/// The distinct images and texts of items, and which item has which. Each image and text is encoded once.
#[derive(Debug)]
pub(crate) struct Distinctions<'a> {
    /// The distinct images, with one entry per item.
    pub(crate) image_rows: Distinct,
    /// The files of the distinct images.
    pub(crate) images: Vec<ItemImage>,
    /// The distinct texts, with one entry for each text of each item, item by item, or for each class of the dataset.
    pub(crate) texts: Texts<'a>,
    /// Whether the texts are the classes of the dataset.
    are_classes: bool,
}

/// The unit vectors of the distinct images and texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) images: Matrix,
    pub(crate) texts: Matrix,
}

impl<'a> Distinctions<'a> {
    /// Finds the images and texts of items that are the same to the model, which reads each text as the templates say.
    /// Where the dataset has classes, these are the candidates of every item.
    pub(crate) fn of(
        items: ItemSlice<'a>,
        classes: &'a [String],
        templates: &Templates,
        model: &Model<'_>,
    ) -> Result<Self, ScoreError> {
        let image_rows = Distinct::new(items.iter().map(cliptune_store::ItemRef::image_number));
        let firsts = image_rows.firsts.iter().filter_map(|&first| items.get(first));
        let images = firsts.map(cliptune_store::ItemRef::image).collect();
        let are_classes = !classes.is_empty();
        let texts: Vec<&str> = match are_classes {
            true => classes.iter().map(String::as_str).collect(),
            false => items.iter().flat_map(cliptune_store::ItemRef::texts).collect(),
        };
        Ok(Self { image_rows, images, texts: model.tokenise(&texts, templates)?, are_classes })
    }

    /// Returns the rows of each item's own texts.
    pub(crate) fn own_texts<'b>(&'b self, items: ItemSlice<'b>) -> impl Iterator<Item = &'b [usize]> {
        let mut rest = self.texts.rows().row_of.as_slice();
        items.iter().map(move |item| {
            let (own, others) = rest.split_at(item.text_numbers().len());
            rest = others;
            own
        })
    }

    /// Returns the answers to items that have one right text or class.
    pub(crate) fn answers(
        &self,
        items: ItemSlice<'_>,
        encoded: &Encoded,
        temperature: Temperature,
    ) -> Vec<Answer> {
        if !self.are_classes {
            let logits = self.own_logits(items, encoded, temperature);
            return items.iter().zip(logits).map(|(item, logits)| Answer::new(item, logits)).collect();
        }
        let classes = encoded.texts.select(&self.texts.rows().row_of);
        encoded.images.select(&self.image_rows.row_of).against(&classes, |item, cosines| {
            let logits = cosines.iter().map(|&cosine| temperature.logit(cosine)).collect();
            Answer::of_class(items.at(item), logits)
        })
    }

    /// Returns the logits of each item's image with its own texts.
    fn own_logits(&self, items: ItemSlice<'_>, encoded: &Encoded, temperature: Temperature) -> Vec<Vec<f64>> {
        let logits = |(own, &image): (&[usize], &usize)| {
            let cosine = |&text: &usize| product(encoded.images.row(image), encoded.texts.row(text));
            own.iter().map(|text| temperature.logit(cosine(text))).collect()
        };
        self.own_texts(items).zip(&self.image_rows.row_of).map(logits).collect()
    }

    /// Ranks all texts for every image and all images for every text.
    fn retrieval(&self, items: ItemSlice<'_>, encoded: &Encoded, temperature: Temperature) -> Retrieval {
        pairs::retrieve(items, &self.hits(items), &encoded.images, &encoded.texts, temperature)
    }

    /// Returns which images and texts of pairs belong together.
    pub(crate) fn hits(&self, items: ItemSlice<'_>) -> Hits<'_> {
        Hits::new(items, &self.image_rows, self.texts.rows())
    }

    /// Returns the answers to items of any kind.
    pub(crate) fn predictions(
        &self,
        task: TaskKind,
        items: ItemSlice<'_>,
        encoded: &Encoded,
        temperature: Temperature,
    ) -> Vec<Prediction> {
        match task {
            TaskKind::Choice | TaskKind::Classes => {
                let answers = self.answers(items, encoded, temperature);
                answers.into_iter().map(|answer| answer.prediction).collect()
            }
            TaskKind::Pairs => self.retrieval(items, encoded, temperature).predictions,
        }
    }
}
