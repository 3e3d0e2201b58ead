//! What a trained run leaves behind: its model folder, its graphs, and the logits that the graphs must reproduce.

use cliptune_experiment::{TaskKind, Templates};
use cliptune_store::Run;

use super::Session;
use crate::data::{Splits, TextBank};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::export::Captioned;
use crate::model::Parameters;
use crate::{device, export};

impl Session<'_> {
    /// Writes the model folder, the graphs and the logits that the graphs must reproduce.
    pub(super) fn export(&self, run: &Run, parameters: &Parameters) -> Result<(), TrainError> {
        export::write_model(run, self.start, parameters)?;
        run.still_there()?;
        self.write_parity(run, parameters)
    }

    /// Writes the graphs of a completed run again, and the logits that they must reproduce.
    pub(crate) fn export_again(&self, run: &Run) -> Result<(), TrainError> {
        device::compute_plainly()?;
        export::write_graphs(run)?;
        self.write_parity(run, &self.start.parameters)
    }

    fn write_parity(&self, run: &Run, parameters: &Parameters) -> Result<(), TrainError> {
        let (items, examples) = self.splits.parity_source();
        let Splits { task, templates, classes, .. } = self.splits;
        if *task != TaskKind::Classes {
            return export::write_parity(run, &self.encoder(parameters), *task, items, examples, parameters);
        }
        // The graphs read one prompt at a time, and what is compared are the graphs.
        let sample = Captioned::of_classes(items, classes, templates);
        let captions = TextBank::encode(&self.start.tokenizer, &sample.captions, &Templates::plain())?;
        let encoder =
            Encoder::new(&self.start.config, parameters, &self.images, &captions, self.context.device);
        let examples = sample.examples(examples, &captions);
        export::write_parity(run, &encoder, TaskKind::Pairs, sample.items.all(), &examples, parameters)
    }
}
