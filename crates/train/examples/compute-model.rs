//! Loads a model folder, computes logits and the gradients of one choice step, and says how far they are from a
//! reference's. `scripts/compare-models` runs it.
//!
//!     compute-model FOLDER REFERENCE
//!
//! `REFERENCE/outputs.safetensors` has pixel_values, input_ids (as many texts for each image), labels and
//! logits_per_image; `REFERENCE/gradients.safetensors` the gradient of each weight under the weight's name in the folder.
//! The graphs are written into `REFERENCE/onnx`. Prints one line of JSON.

#![expect(clippy::print_stdout, reason = "its result")]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, WEIGHTS_FILE};
use cliptune_clip::names;
use cliptune_clip::towers::{ClipOutput, clip};
use cliptune_experiment::{LogitScale, Objective, Tune};
use cliptune_train::data::Example;
use cliptune_train::model::{self, Parameters, TorchOps};
use cliptune_train::objective::{self, Embeddings};
use serde_json::{Value, json};
use tch::{Device, Tensor};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, reference] = &arguments[..] else {
        return Err("usage: compute-model FOLDER REFERENCE".into());
    };
    // libtorch's own memory is not the model's.
    drop(Tensor::f_zeros([1], (tch::Kind::Float, Device::Cpu))?);
    let before = anonymous_memory()?;
    let started = Instant::now();
    let config = ClipConfig::from_folder(folder)?;
    let checkpoint = Checkpoint::open(folder, &config)?;
    let parameters = model::load_checkpoint(&checkpoint, &config, Device::Cpu)?;
    let seconds = started.elapsed().as_secs_f64();
    let after = anonymous_memory()?;

    let onnx = reference.join("onnx");
    fs_err::create_dir_all(&onnx)?;
    model::save(&onnx.join(WEIGHTS_FILE), parameters.named(), None)?;
    cliptune_onnx::export(&onnx, folder)?;

    parameters.unlock(Tune::Full, LogitScale::Learned);
    let inputs: HashMap<String, Tensor> =
        Tensor::read_safetensors(reference.join("outputs.safetensors"))?.into_iter().collect();
    let output =
        clip(&mut TorchOps::new(&parameters), &config, &inputs["pixel_values"], &inputs["input_ids"], None)?;
    let logits = largest(&(&output.logits_per_image.f_detach()? - &inputs["logits_per_image"]))?;
    step(&parameters, output, &inputs["labels"])?;
    let gradients = gradients(&parameters, &config, &reference.join("gradients.safetensors"))?;
    println!(
        "{}",
        json!({
            "layout": format!("{:?}", checkpoint.layout()),
            "load_seconds": seconds,
            "load_anonymous_bytes": after.saturating_sub(before),
            "file_bytes": checkpoint.files().iter().map(size).sum::<Result<u64>>()?,
            "logits": logits,
            "gradients": gradients,
        })
    );
    Ok(())
}

/// Records the gradients of a choice: the n-th image has the n-th share of the texts.
fn step(parameters: &Parameters, output: ClipOutput<Tensor>, labels: &Tensor) -> Result<()> {
    let labels = Vec::<i64>::try_from(labels)?;
    let each = output.text_embeds.size()[0] as usize / labels.len();
    let example = |(n, label): (usize, &i64)| {
        Example::new(n, (n * each..(n + 1) * each).collect::<Vec<_>>(), *label as usize, n)
    };
    let examples: Vec<Example> = labels.iter().enumerate().map(example).collect();
    let embeddings = Embeddings {
        images: output.image_embeds,
        texts: output.text_embeds,
        logit_scale: parameters.tensor(names::LOGIT_SCALE)?.f_exp()?,
        logit_bias: parameters.find(names::LOGIT_BIAS).map(Tensor::shallow_clone),
    };
    Ok(objective::loss(Objective::Choice, 0.0, &embeddings, &examples)?.f_backward()?)
}

/// The largest relative difference of a weight's gradient, and the weight.
fn gradients(parameters: &Parameters, config: &ClipConfig, file: &Path) -> Result<Value> {
    let reference = model::load_checkpoint(&Checkpoint::open_file(file, config)?, config, Device::Cpu)?;
    let mut worst = (0.0, "none");
    for (own, expected) in parameters.iter().zip(reference.iter()) {
        let gradient = own.tensor.grad();
        let difference = match gradient.defined() {
            true => largest(&(gradient - &expected.tensor))?,
            false => largest(&expected.tensor)?,
        };
        let relative = difference / largest(reference.tensor(&yardstick(&own.spec.name))?)?;
        // Not a number is worse than any.
        if relative > worst.0 || relative.is_nan() {
            worst = (relative, &own.spec.name);
        }
    }
    Ok(json!({ "relative": worst.0, "weight": worst.1 }))
}

/// The weight whose gradient says how large a difference is: the weight itself, unless it has none but noise, because a
/// softmax does not see what is added to all of its logits.
fn yardstick(weight: &str) -> String {
    let [_, key, _] = names::QKV;
    match weight.strip_suffix(&names::bias(key)) {
        Some(layer) => format!("{layer}{}", names::weight(key)),
        None if weight == names::LOGIT_BIAS => names::LOGIT_SCALE.to_owned(),
        None => weight.to_owned(),
    }
}

fn largest(tensor: &Tensor) -> Result<f64> {
    Ok(tensor.f_abs()?.f_max()?.f_double_value(&[])?)
}

fn size(path: &PathBuf) -> Result<u64> {
    Ok(fs_err::metadata(path)?.len())
}

/// Bytes that the process holds and that are in no file.
fn anonymous_memory() -> Result<u64> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
