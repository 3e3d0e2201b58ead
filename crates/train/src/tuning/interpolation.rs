//! Weights between the starting ones and the tuned ones (WiSE-FT; Wortsman et al. 2021).

use cliptune_experiment::Fraction;
use tch::Tensor;

use crate::error::TrainError;
use crate::evaluate::Evaluation;
use crate::merit::Merit;
use crate::model::Parameters;

/// A point between two models and what it reaches.
#[derive(Debug)]
pub struct Interpolated {
    /// 0 is the starting model, 1 the tuned one.
    pub alpha: Fraction,
    /// Its weights.
    pub parameters: Parameters,
    /// What it reaches on the validation split.
    pub evaluation: Evaluation,
}

/// Evaluates the points between two models of one architecture in the order of `alphas` and returns the best one; the
/// earlier of two that are equal. Each is told with what it reached.
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

/// (1 − alpha) · start + alpha · tuned.
fn between(start: &Parameters, tuned: &Parameters, alpha: Fraction) -> Result<Parameters, TrainError> {
    let _guard = tch::no_grad_guard();
    let mix = |(name, start): (String, &Tensor)| -> Result<_, TrainError> {
        let mixed = start.f_lerp(&tuned.tensor(&name)?.f_detach()?, alpha.get())?;
        Ok((name, mixed))
    };
    Ok(tuned.replaced(start.named().map(mix).collect::<Result<_, _>>()?))
}
