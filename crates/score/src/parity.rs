//! The parity gate: ONNX Runtime must give libtorch's logits before anything is scored.
//!
//! Converted CLIP models that lost their causal mask or swapped their activation still give answers, which look
//! plausible and are wrong (Lednik7/CLIP-ONNX#3: accuracy .9928 instead of .4146). Comparing logits finds such errors;
//! comparing accuracy does not.

use cliptune_encode::export::Export;
use cliptune_encode::model::{CombinedModel, Model};
use cliptune_encode::temperature::Temperature;
use cliptune_encode::texts::Texts;
use cliptune_encode::tower::Tower;
use cliptune_encode::towers::Towers;
use cliptune_experiment::Templates;
use cliptune_store::{ItemImage, Parity, ParityItem, ParitySample};

use crate::error::ScoreError;
use crate::matrix::{Matrix, product};
use crate::softmax::highest;

/// The largest absolute difference between two logits that passes. Logits are compared after multiplication by
/// exp(logit_scale), which gives cosines a range of ±100 for the published models.
///
/// Two correct 32-bit implementations differ by about 1e-4 there; a lost mask or a wrong activation makes a difference
/// of 0.1 to 10.
pub(crate) const TOLERANCE: f64 = 1e-3;

/// The graphs of a run that scoring does not use but other programs will; they have to pass as well.
#[derive(Debug)]
pub(crate) struct Unscored<'r> {
    vision: Option<Tower<'r>>,
    combined: Option<CombinedModel>,
}

impl<'r> Unscored<'r> {
    /// Opens those of these graphs that were exported.
    pub(crate) fn open(export: &Export<'r>) -> Result<Self, ScoreError> {
        Ok(Self { vision: Towers::other_vision(export)?, combined: CombinedModel::open(export)? })
    }
}

/// Runs the sample through the towers, and through the graphs that scoring does not use.
///
/// `images` are the sample's image files, one per item. A difference beyond [`TOLERANCE`] is an error that names
/// the run and the item.
pub(crate) fn check<'r>(
    run: &str,
    model: &mut Model<'r>,
    unscored: Unscored<'r>,
    sample: &ParitySample,
    images: &[ItemImage],
) -> Result<Parity, ScoreError> {
    let mut gate = Gate::new(run, sample)?;
    let tokens =
        model.tokenise(&sample.items.iter().flat_map(texts).collect::<Vec<_>>(), &Templates::plain())?;
    let text_rows = model.encode_texts(&tokens, |_| {})?;
    let temperature = model.temperature();
    let logits = |image_rows: &Matrix| logits(sample, image_rows, &tokens, &text_rows, temperature);
    gate.compare("the two towers", &logits(&model.encode_images(images, |_| {})?))?;
    if let Some(mut portable) = unscored.vision {
        gate.compare("vision_model.onnx", &logits(&model.encode_images_by(&mut portable, images)?))?;
    }
    if let Some(mut combined) = unscored.combined {
        let asked: Vec<_> = images.iter().zip(sample.items.iter().map(texts)).collect();
        gate.compare("model.onnx", &combined.logits(model, &asked)?)?;
    }
    Ok(gate.passed())
}

/// Returns the logits as scoring computes them, with the same arithmetic.
fn logits(
    sample: &ParitySample,
    image_rows: &Matrix,
    tokens: &Texts<'_>,
    text_rows: &Matrix,
    temperature: Temperature,
) -> Vec<Vec<f64>> {
    let mut rows = tokens.rows().row_of.iter();
    let logits = |(image, item): (usize, &ParityItem)| {
        let own = rows.by_ref().take(item.texts.len());
        own.map(|&text| temperature.logit(product(image_rows.row(image), text_rows.row(text)))).collect()
    };
    sample.items.iter().enumerate().map(logits).collect()
}

fn texts(item: &ParityItem) -> Vec<&str> {
    item.texts.iter().map(String::as_str).collect()
}

/// Returns the first logit of an item that is not a finite number, with its item and its text.
fn not_finite(item: &ParityItem) -> Option<(&str, usize, f64)> {
    let text = item.logits.iter().position(|logit| !logit.is_finite())?;
    Some((&item.item_id, text, item.logits[text]))
}

/// The state of the gate: which items agree so far, and the largest difference seen.
struct Gate<'a> {
    run: &'a str,
    items: &'a [ParityItem],
    agrees: Vec<bool>,
    largest: f64,
}

impl<'a> Gate<'a> {
    fn new(run: &'a str, sample: &'a ParitySample) -> Result<Self, ScoreError> {
        let items = sample.items.as_slice();
        let usable = |item: &ParityItem| !item.texts.is_empty() && item.texts.len() == item.logits.len();
        if items.is_empty() || !items.iter().all(usable) {
            return Err(ScoreError::NoSample { run: run.to_owned() });
        }
        match items.iter().find_map(not_finite) {
            Some((item, text, computed)) => {
                let (run, item) = (run.to_owned(), item.to_owned());
                Err(ScoreError::TrainedNotFinite { run, item, text, computed })
            }
            None => Ok(Self { run, items, agrees: vec![true; items.len()], largest: 0.0 }),
        }
    }

    fn compare(&mut self, graph: &'static str, logits: &[Vec<f64>]) -> Result<(), ScoreError> {
        for ((item, found), agrees) in self.items.iter().zip(logits).zip(&mut self.agrees) {
            for (text, (&libtorch, &onnx)) in item.logits.iter().zip(found).enumerate() {
                let difference = (libtorch - onnx).abs();
                // The comparison is written this way round so that NaN does not pass.
                let passes = difference <= TOLERANCE;
                if !passes {
                    return Err(ScoreError::Parity {
                        run: self.run.to_owned(),
                        graph,
                        item: item.item_id.clone(),
                        text,
                        libtorch,
                        onnx,
                    });
                }
                self.largest = self.largest.max(difference);
            }
            *agrees &= highest(&item.logits) == highest(found);
        }
        Ok(())
    }

    fn passed(self) -> Parity {
        Parity {
            n_items: self.items.len(),
            max_logit_difference: self.largest,
            answers_agree: self.agrees.iter().filter(|agrees| **agrees).count(),
            tolerance: TOLERANCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(logits: &[f64]) -> ParitySample {
        let texts = logits.iter().map(|logit| format!("text {logit}")).collect();
        ParitySample { items: vec![ParityItem { item_id: "i0".to_owned(), texts, logits: logits.to_vec() }] }
    }

    #[test]
    fn small_differences_pass_and_are_recorded() {
        let sample = sample(&[10.0, 10.000_1]);
        let mut gate = Gate::new("a/b", &sample).unwrap();
        gate.compare("the two towers", &[vec![10.000_2, 10.0]]).unwrap();
        let parity = gate.passed();
        assert!((parity.max_logit_difference - 2e-4).abs() < 1e-9);
        assert_eq!(
            (parity.n_items, parity.answers_agree),
            (1, 0),
            "the order of near ties is no reason to refuse"
        );
    }

    #[test]
    fn a_large_difference_names_everything() {
        let sample = sample(&[1.0, 2.0]);
        let error =
            Gate::new("tuned/x-s0", &sample).unwrap().compare("model.onnx", &[vec![1.0, 2.01]]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tuned/x-s0: model.onnx does not compute what was trained: text 1 of item i0 has logit 2.010000, \
             libtorch's is 2.000000"
        );
    }

    #[test]
    fn not_a_number_does_not_pass() {
        let sample = sample(&[1.0]);
        assert!(Gate::new("r", &sample).unwrap().compare("model.onnx", &[vec![f64::NAN]]).is_err());
    }

    #[test]
    fn a_model_that_computes_nan_is_named_before_anything_is_compared() {
        let Err(error) = Gate::new("tuned/x-s0", &sample(&[1.0, f64::NAN])).map(|_| ()) else {
            panic!("it passed")
        };
        assert_eq!(
            error.to_string(),
            "the model of tuned/x-s0 is unusable: libtorch itself computed NaN for text 1 of item i0 when the run was \
             exported"
        );
    }

    #[test]
    fn an_empty_sample_proves_nothing() {
        assert!(Gate::new("r", &ParitySample { items: Vec::new() }).is_err());
    }
}
