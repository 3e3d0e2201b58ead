//! Interpolates between the starting weights and the tuned ones (WiSE-FT; Wortsman et al. 2021).

use cliptune_experiment::Fraction;
use tch::Tensor;

use crate::error::TrainError;
use crate::evaluate::Evaluation;
use crate::merit::Merit;
use crate::model::Parameters;

/// A model between two others, and its results.
#[derive(Debug)]
pub struct Interpolated {
    /// The position of the model: 0 is the starting model, 1 the tuned one.
    pub alpha: Fraction,
    /// The weights of the model.
    pub parameters: Parameters,
    /// The results of the model on the validation split.
    pub evaluation: Evaluation,
}

/// Evaluates models between two of the same architecture in the order of `alphas`, and returns the best one, or the
/// earlier of two equal ones. `tell` is called with the results of each.
pub fn interpolate(
    start: &Parameters,
    tuned: &Parameters,
    alphas: &[Fraction],
    evaluate: impl Fn(&Parameters) -> Result<Evaluation, TrainError>,
    merit: impl Fn(Evaluation) -> Merit,
    mut tell: impl FnMut(Fraction, Evaluation) -> Result<(), TrainError>,
) -> Result<Option<Interpolated>, TrainError> {
    let mut best: Option<Interpolated> = None;
    for &alpha in alphas {
        let parameters = between(start, tuned, alpha)?;
        let evaluation = evaluate(&parameters)?;
        tell(alpha, evaluation)?;
        if best.as_ref().is_none_or(|best| merit(evaluation) > merit(best.evaluation)) {
            best = Some(Interpolated { alpha, parameters, evaluation });
        }
    }
    Ok(best)
}

/// Computes (1 − alpha) · start + alpha · tuned.
fn between(start: &Parameters, tuned: &Parameters, alpha: Fraction) -> Result<Parameters, TrainError> {
    let _guard = tch::no_grad_guard();
    let mix = |(name, start): (String, &Tensor)| -> Result<_, TrainError> {
        let mixed = start.f_lerp(&tuned.tensor(&name)?.f_detach()?, alpha.get())?;
        Ok((name, mixed))
    };
    Ok(tuned.replaced(start.named().map(mix).collect::<Result<_, _>>()?))
}
