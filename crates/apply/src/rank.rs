//! Orders texts by how well they fit an image: captions, or classes within templates.

use std::path::{Path, PathBuf};

use cliptune_clip::image::{Pixels, Preprocessor};
use cliptune_encode::images::IMAGES;
use cliptune_encode::matrix::Matrix;
use cliptune_encode::model::Model;
use cliptune_encode::softmax::softmax;
use cliptune_encode::temperature::Temperature;
use cliptune_experiment::Templates;
use cliptune_terminal::format::in_one_line;
use rayon::prelude::*;

use crate::error::ApplyError;
use crate::pictures::read;

/// The number of images that are in memory at a time.
const AT_A_TIME: usize = 4 * IMAGES;

/// Texts as a model sees them, which are ranked for images.
#[derive(Debug)]
pub struct Candidates {
    /// The unit vector of each text.
    vectors: Matrix,
    temperature: Temperature,
    /// The number of texts that are longer than the context of the model and were cut.
    pub cut: usize,
    /// The number of texts that have the same tokens as an earlier one: the model cannot tell them apart.
    pub alike: usize,
}

/// A text with how well it fits an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// The number of the text, from 0.
    pub text: usize,
    /// The softmax probability among all texts.
    pub probability: f64,
    /// The logit: the cosine times the model's scale, and its bias.
    pub logit: f64,
    /// The cosine of the angle between image and text.
    pub cosine: f64,
}

impl Candidates {
    /// Encodes texts, each as the mean direction of its prompts, as classes are scored. `done` is called with numbers of
    /// prompts that are ready.
    ///
    /// # Errors
    /// Returns an error if the model cannot encode a text.
    pub fn encode(
        model: &mut Model<'_>,
        texts: &[String],
        templates: &Templates,
        done: impl FnMut(usize),
    ) -> Result<Self, ApplyError> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tokenised = model.tokenise(&texts, templates)?;
        let vectors = model.encode_texts(&tokenised, done)?.select(&tokenised.rows().row_of);
        let alike = texts.len() - tokenised.rows().count();
        Ok(Self { vectors, temperature: model.temperature(), cut: tokenised.cut().0, alike })
    }

    /// Returns the texts in the order in which they fit an image with this unit vector, the best first. Of texts that fit
    /// equally well, the first is first.
    fn order(&self, cosines: &[f64]) -> Vec<Ranked> {
        let logits: Vec<f64> = cosines.iter().map(|&cosine| self.temperature.logit(cosine)).collect();
        let probabilities = softmax(&logits);
        let ranked = |text| Ranked {
            text,
            probability: probabilities[text],
            logit: logits[text],
            cosine: cosines[text],
        };
        let mut order: Vec<Ranked> = (0..logits.len()).map(ranked).collect();
        order.sort_by(|one, other| other.logit.total_cmp(&one.logit));
        order
    }

    /// Ranks the texts for images, of which only some are in memory at a time, and passes each with its best `top` texts to
    /// `sink`, in order. For an image that cannot be used it is the reason.
    ///
    /// # Errors
    /// Returns an error if the model cannot be run.
    pub fn rank(
        &self,
        model: &mut Model<'_>,
        images: &[PathBuf],
        top: usize,
        mut sink: impl FnMut(&Path, Result<Vec<Ranked>, String>),
    ) -> Result<(), ApplyError> {
        for some in images.chunks(AT_A_TIME) {
            let vectors = encode_images(model, some)?;
            for (path, vector) in some.iter().zip(vectors) {
                let ranked = vector.map(|vector| {
                    let mut order =
                        self.order(&vector.against(&self.vectors, |_, cosines| cosines.to_vec())[0]);
                    order.truncate(top);
                    order
                });
                sink(path, ranked);
            }
        }
        Ok(())
    }
}

/// Returns the unit vector of each image, in a single row, or the reason why it has none.
///
/// # Errors
/// Returns an error if the model cannot be run.
pub fn encode_images(
    model: &mut Model<'_>,
    images: &[PathBuf],
) -> Result<Vec<Result<Matrix, String>>, ApplyError> {
    let preprocessor = model.preprocessor();
    let decoded: Vec<Result<Pixels, String>> =
        images.par_iter().map(|path| decode(preprocessor, path)).collect();
    let (mut usable, mut places) = (Vec::new(), Vec::new());
    for image in decoded {
        places.push(image.map(|pixels| {
            usable.push(pixels);
            usable.len() - 1
        }));
    }
    let rows = model.encode_pixels(&usable)?;
    Ok(places.into_iter().map(|place| unit(rows.select(&[place?]))).collect())
}

/// Makes the only row of a matrix a unit vector.
pub(crate) fn unit(mut row: Matrix) -> Result<Matrix, String> {
    row.normalise().map_err(|lost| format!("the model computes {} for it", lost.computed()))?;
    Ok(row)
}

fn decode(preprocessor: &Preprocessor, path: &Path) -> Result<Pixels, String> {
    preprocessor.decode(&read(path)?).map_err(|error| in_one_line(&error))
}
