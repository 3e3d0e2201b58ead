//! Exports what a run leaves behind: the model folder, the graphs, and libtorch's own logits for the parity gate.

use std::slice;

use cliptune_clip::checkpoint::Checkpoint;
use cliptune_experiment::{TaskKind, Templates};
use cliptune_store::{Item, ItemSlice, Items, Origin, ParityItem, ParitySample, Run};
use tch::{Device, Kind, Tensor};

use crate::data::{Batch, Example, Needed, TextBank};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::model::{self, Parameters};
use crate::start::Start;

/// The number of items whose logits are compared: enough to cover short and long texts, few enough to cost nothing.
pub const PARITY_ITEMS: usize = 16;

/// Writes `model/` and `onnx/`, which share their weights. The model folder records what the model was trained on,
/// wherever it is copied to.
pub fn write_model(run: &Run, start: &Start, parameters: &Parameters) -> Result<(), TrainError> {
    fs_err::create_dir_all(run.onnx_folder())?;
    model::save(&run.weights_file(), parameters.named(), None)?;
    // Training can end with weights that nothing can be computed with, but a finished run must be one that can be
    // scored.
    Checkpoint::open_file(&run.weights_file(), &start.config)?.check_values()?;
    // The weights are large: much can have happened since they were begun.
    run.still_there()?;
    start.save(&run.model_folder())?;
    run.link_weights()?;
    Origin::of(slice::from_ref(run)).write(&run.model_folder())?;
    write_graphs(run)
}

/// Writes the graphs of a completed run again, from its model folder. The weights beside them are not changed.
pub(crate) fn write_graphs(run: &Run) -> Result<(), TrainError> {
    Ok(cliptune_onnx::export(&run.onnx_folder(), &run.model_folder())?)
}

/// Writes `onnx/parity.json`, which holds libtorch's logits of the sample: each choice item with its own texts, or each
/// pair with all texts of the sample.
pub fn write_parity(
    run: &Run,
    encoder: &Encoder<'_>,
    task: TaskKind,
    items: ItemSlice<'_>,
    examples: &[Example],
    parameters: &Parameters,
) -> Result<(), TrainError> {
    let _guard = tch::no_grad_guard();
    let sample: Vec<usize> = spread(examples.len());
    let batch = Batch::new(examples, &sample, Needed::Candidates);
    let logits = encoder
        .images(&batch.images)?
        .f_matmul(&encoder.texts(&batch.texts)?.f_transpose(0, 1)?)?
        .f_to_device(Device::Cpu)?
        .f_to_kind(Kind::Double)?
        .f_mul_scalar(parameters.logit_scale()?)?
        .f_add_scalar(parameters.logit_bias()?.unwrap_or(0.0))?;
    let text = |row: usize| {
        // Finds the first item and candidate that a row of the batch stands for.
        let found = batch.examples.iter().zip(&sample).find_map(|(example, &index)| {
            let place = example.texts.iter().position(|&one| one == row)?;
            items.at(index).texts().nth(place).map(str::to_owned)
        });
        found.unwrap_or_default()
    };
    let all_texts: Vec<usize> = (0..batch.texts.len()).collect();
    let entry = |(example, &index): (&Example, &usize)| -> Result<ParityItem, TrainError> {
        let rows: &[usize] = if task == TaskKind::Pairs { &all_texts } else { &example.texts };
        let (item_id, logits) = (items.at(index).item_id().to_owned(), cells(&logits, example.image, rows)?);
        if let Some(logit) = logits.iter().find(|logit| !logit.is_finite()) {
            return Err(TrainError::NotFinite {
                what: format!("the model of {}", run.id()),
                fault: format!("a logit of item {item_id} is {logit}"),
            });
        }
        Ok(ParityItem { item_id, texts: rows.iter().map(|&row| text(row)).collect(), logits })
    };
    let items = batch.examples.iter().zip(&sample).map(entry).collect::<Result<_, _>>()?;
    Ok(cliptune_store::write_parity(run, &ParitySample { items })?)
}

/// A sample for the parity gate in which each item has a caption.
pub(crate) struct Captioned {
    /// The items, each with its caption as its only text.
    pub(crate) items: Items,
    /// The captions, in the order of the items.
    pub(crate) captions: Vec<String>,
}

impl Captioned {
    /// Takes a sample of items that have classes, each with a prompt of its class. Over the sample, the prompts come from
    /// all templates in turn.
    pub(crate) fn of_classes(items: ItemSlice<'_>, classes: &[String], templates: &Templates) -> Self {
        let caption = |(place, index): (usize, usize)| {
            let class = classes.get(items.at(index).label()).map_or("", String::as_str);
            templates.prompts(class).nth(place % templates.count()).unwrap_or_default()
        };
        let sample = spread(items.len());
        let captions: Vec<String> = sample.iter().copied().enumerate().map(caption).collect();
        let with = |(&index, caption): (&usize, &String)| Item {
            texts: vec![caption.clone()],
            label: 0,
            ..items.at(index).to_item()
        };
        let captioned: Vec<Item> = sample.iter().zip(&captions).map(with).collect();
        Self { items: Items::of(&captioned), captions }
    }

    /// Returns the examples of the sample, whose texts are those of a bank that was made of the captions.
    pub(crate) fn examples(&self, all: &[Example], captions: &TextBank) -> Vec<Example> {
        let sample = spread(all.len());
        let of =
            |(&index, &row): (&usize, &usize)| Example::new(all[index].image, [row], 0, all[index].group);
        sample.iter().zip(captions.rows()).map(of).collect()
    }
}

fn cells(logits: &Tensor, row: usize, columns: &[usize]) -> Result<Vec<f64>, TrainError> {
    let line = Vec::<f64>::try_from(&logits.f_get(row as i64)?)?;
    Ok(columns.iter().map(|&column| line[column]).collect())
}

/// Returns up to [`PARITY_ITEMS`] indices spread evenly over `n`.
fn spread(n: usize) -> Vec<usize> {
    let count = n.min(PARITY_ITEMS);
    (0..count).map(|i| i * n / count.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parity_sample_is_spread_over_all_items() {
        assert_eq!(spread(3), [0, 1, 2]);
        assert_eq!(spread(160).len(), PARITY_ITEMS);
        assert_eq!(spread(160)[15], 150);
        assert!(spread(0).is_empty());
    }
}
