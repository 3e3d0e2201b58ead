//! Which weights a training ends with.

use cliptune_experiment::Fraction;
use cliptune_store::{Event, Run};

use super::{Ready, Session};
use crate::error::TrainError;
use crate::evaluate::Evaluation;
use crate::fit::{Fit, Records};
use crate::journal::Journal;
use crate::merit::Merit;
use crate::model::Parameters;
use crate::start::Start;
use crate::tuning::{interpolate, save_adapter};

impl Session<'_> {
    /// Replaces the last weights by those that are kept.
    pub(super) fn ready<'b>(
        &self,
        fit: &Fit<'_>,
        run: Option<&Run>,
        mut records: Records<'b>,
        best_epoch: usize,
    ) -> Result<Ready<'b>, TrainError> {
        run.map_or(Ok(()), Run::still_there)?;
        let (parameters, alpha) = match best_epoch {
            0 => (self.starting()?, None),
            epoch => {
                if run.is_some() {
                    records.saver.restore_best(epoch, fit.tuned)?;
                }
                let mut kept = fit.tuned.kept().into_iter().map(|(_, tensor)| tensor.shallow_clone());
                fit.group.take_from_leader(&mut kept)?;
                self.interpolated(fit, &mut records.journal, fit.tuned.evaluated()?)?
            }
        };
        // The adapters have no effect if nothing was better than the starting model.
        let strength = if best_epoch == 0 { 0.0 } else { alpha.unwrap_or(1.0) };
        let base = self.plan.model.from.to_string();
        if let Some(run) = run {
            save_adapter(&run.adapter_folder(), fit.tuned, &base, strength)?;
        }
        Ok(Ready { best_epoch, alpha, parameters: Some(parameters), journal: records.journal })
    }

    /// Reads the starting weights again, because training changes them in place.
    fn starting(&self) -> Result<Parameters, TrainError> {
        Ok(Start::open(self.standing, self.splits.train_items(), self.context.device)?.parameters)
    }

    /// Finds the best of the models between the starting one and the tuned one that the plan lists, and its position
    /// between them. The tuned one is the best when the plan lists none.
    fn interpolated(
        &self,
        fit: &Fit<'_>,
        journal: &mut Journal<'_>,
        tuned: Parameters,
    ) -> Result<(Parameters, Option<f64>), TrainError> {
        if fit.plan.interpolate.is_empty() {
            return Ok((tuned, None));
        }
        let start = self.starting()?;
        let tell = |alpha: Fraction, evaluation: Evaluation| {
            journal.tell(&Event::Interpolated {
                alpha: alpha.get(),
                validation_loss: evaluation.loss,
                validation_accuracy: evaluation.accuracy,
            });
            Ok(())
        };
        let merit = |evaluation| Merit::of(fit.plan.select, evaluation);
        let evaluate = |parameters: &Parameters| fit.evaluate(parameters);
        let best = interpolate(&start, &tuned, &fit.plan.interpolate, evaluate, merit, tell)?;
        Ok(best.map_or((tuned, None), |best| (best.parameters, Some(best.alpha.get()))))
    }
}
