//! Exports a ViT-L/14 with random weights and says how much memory that took beyond the weights.
//!
//!     cargo run --release -p cliptune-train --example export-memory

#![expect(clippy::print_stdout, reason = "the numbers are the output")]

use std::error::Error;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::WEIGHTS_FILE;
use cliptune_clip::config::{
    Activation, CONFIG_FILE, Family, TextConfig, TextPooling, TransformerConfig, VisionConfig, VisionPooling,
};
use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_experiment::Seed;
use cliptune_train::model::{Parameters, save};
use tch::Device;

const MIB: f64 = (1 << 20) as f64;

/// openai/clip-vit-large-patch14.
fn large() -> ClipConfig {
    let blocks = |width, layers, heads| TransformerConfig {
        width,
        layers,
        heads,
        mlp_width: 4 * width,
        activation: Activation::QuickGelu,
        layer_norm_eps: 1e-5,
    };
    ClipConfig {
        vision: VisionConfig {
            image_size: 224,
            patch_size: 14,
            pooling: VisionPooling::ClassToken,
            transformer: blocks(1024, 24, 16),
        },
        text: TextConfig {
            vocab_size: 49408,
            context_length: 77,
            pooling: TextPooling::HighestId,
            transformer: blocks(768, 12, 12),
        },
        projection_dim: 768,
        logit_scale_init: 2.6592,
        family: Family::Clip,
    }
}

/// A line of `/proc/self/status`, in MiB.
fn memory(key: &str) -> Result<f64, Box<dyn Error>> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)).ok_or("no such line")?;
    let kib: f64 = line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (folder, config) = (tempfile::tempdir()?, large());
    let folder = folder.path();
    let parameters = Parameters::random(&config, Seed(0), Device::Cpu)?;
    fs_err::write(folder.join(CONFIG_FILE), config.to_json()?)?;
    Preprocessor::openai(224, Fit::Crop).save(folder)?;
    // From here on the peak is that of the export.
    fs_err::write("/proc/self/clear_refs", "5")?;
    let before = memory("VmRSS")?;
    save(&folder.join(WEIGHTS_FILE), parameters.named(), None)?;
    let saved = memory("VmHWM")?;
    cliptune_onnx::export(folder, folder)?;
    println!("weights                       {:7.1} MiB", (parameters.len() * size_of::<f32>()) as f64 / MIB);
    println!("in memory before the export   {before:7.1} MiB");
    println!("more, model.safetensors       {:7.1} MiB", saved - before);
    println!("more, with the graphs         {:7.1} MiB", memory("VmHWM")? - before);
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        println!("{:29} {:7.1} MiB", entry.file_name().display(), entry.metadata()?.len() as f64 / MIB);
    }
    Ok(())
}
