//! Reads and writes preprocessing in the format of open_clip's `open_clip_config.json`.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::coefficients::Resample;
use super::error::ImageError;
use super::fit::Fit;
use super::pipeline::Pipeline;
use super::preprocessor::{OPENAI_MEAN, OPENAI_STD, Preprocessor};
use super::preprocessor_config::read_json;

pub(super) const FILE: &str = "open_clip_config.json";
/// The size in pixels for a vision tower that does not give one.
const DEFAULT_SIZE: u32 = 224;

#[derive(Deserialize)]
struct Config {
    model_cfg: ModelConfig,
    #[serde(default)]
    preprocess_cfg: PreprocessConfig,
}

#[derive(Deserialize)]
struct ModelConfig {
    vision_cfg: VisionConfig,
}

#[derive(Deserialize)]
struct VisionConfig {
    image_size: Option<Size>,
}

/// open_clip's `PreprocessCfg`, in which null stands for the default. Its `size` is not read, because open_clip
/// replaces it by that of the vision tower.
#[derive(Default, Deserialize)]
struct PreprocessConfig {
    mode: Option<String>,
    mean: Option<[f32; 3]>,
    std: Option<[f32; 3]>,
    interpolation: Option<String>,
    resize_mode: Option<String>,
    fill_color: Option<u8>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Size {
    Side(u32),
    Both([u32; 2]),
}

impl Preprocessor {
    /// Reads a model folder's `open_clip_config.json`, with the preprocessing that open_clip uses at inference.
    ///
    /// # Errors
    /// Fails when the file is missing or malformed, or when it asks for an image that is not square or for settings
    /// that open_clip does not have.
    pub(super) fn from_open_clip(folder: &Path) -> Result<Self, ImageError> {
        let path = folder.join(FILE);
        let config: Config = read_json(&path)?;
        config.preprocessor().map_err(|reason| ImageError::Unsupported { path, reason })
    }

    /// Returns the `preprocess_cfg` of `open_clip_config.json`. open_clip follows [`Pipeline::Torchvision`], whatever
    /// [`Preprocessor::pipeline`] is.
    pub fn to_open_clip(&self) -> Value {
        let mut settings = json!({
            "mean": self.mean,
            "std": self.std,
            "interpolation": match self.resample { Resample::Bilinear => "bilinear", Resample::Bicubic => "bicubic" },
            "resize_mode": match self.fit { Fit::Crop => "shortest", Fit::Pad => "longest", Fit::Squash => "squash" },
        });
        if self.fit == Fit::Pad {
            settings["fill_color"] = json!(self.fill);
        }
        settings
    }
}

impl Config {
    fn preprocessor(&self) -> Result<Preprocessor, String> {
        let settings = &self.preprocess_cfg;
        if settings.mode.as_deref().is_some_and(|mode| mode != "RGB") {
            return Err("mode is not \"RGB\"".to_owned());
        }
        Preprocessor {
            size: self.size()?,
            fit: settings.fit()?,
            fill: settings.fill_color.unwrap_or(0),
            resample: settings.resample()?,
            mean: settings.mean.unwrap_or(OPENAI_MEAN),
            std: settings.std.unwrap_or(OPENAI_STD),
            pipeline: Pipeline::Torchvision,
        }
        .checked("preprocess_cfg.mean", "preprocess_cfg.std")
    }

    fn size(&self) -> Result<u32, String> {
        match self.model_cfg.vision_cfg.image_size.unwrap_or(Size::Side(DEFAULT_SIZE)) {
            Size::Side(0) | Size::Both([0, _]) => Err("image_size is 0".to_owned()),
            Size::Side(side) => Ok(side),
            Size::Both([height, width]) if height == width => Ok(height),
            Size::Both(sides) => Err(format!("image_size is {sides:?}, it must be a square")),
        }
    }
}

impl PreprocessConfig {
    fn fit(&self) -> Result<Fit, String> {
        match self.resize_mode.as_deref() {
            None | Some("shortest") => Ok(Fit::Crop),
            Some("longest") => Ok(Fit::Pad),
            Some("squash") => Ok(Fit::Squash),
            Some(other) => {
                Err(format!("resize_mode is {other:?}, it must be \"shortest\", \"longest\" or \"squash\""))
            }
        }
    }

    /// Returns the interpolation. open_clip chooses at random only in training; at inference, `random` means bicubic.
    fn resample(&self) -> Result<Resample, String> {
        match self.interpolation.as_deref() {
            None | Some("bicubic" | "random") => Ok(Resample::Bicubic),
            Some("bilinear") => Ok(Resample::Bilinear),
            Some(other) => Err(format!("interpolation is {other:?}, it must be \"bicubic\" or \"bilinear\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Preprocessor, String> {
        serde_json::from_str::<Config>(text).unwrap().preprocessor()
    }

    #[test]
    fn the_published_spellings_are_understood() {
        // The relevant keys of laion/CLIP-ViT-B-32-laion2B-s34B-b79K.
        let laion = r#"{"model_cfg": {"embed_dim": 512, "vision_cfg": {"image_size": 224, "layers": 12}},
            "preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073],
                "std": [0.26862954, 0.26130258, 0.27577711]}}"#;
        let clip =
            Preprocessor { fill: 0, pipeline: Pipeline::Torchvision, ..Preprocessor::openai(224, Fit::Crop) };
        assert_eq!(parse(laion).unwrap(), clip);
        // The relevant keys of timm/ViT-B-16-SigLIP.
        let siglip = r#"{"model_cfg": {"vision_cfg": {"image_size": 384}},
            "preprocess_cfg": {"size": [224, 224], "mode": "RGB", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
                "interpolation": "bicubic", "resize_mode": "squash", "fill_color": 0}}"#;
        let expected = Preprocessor { mean: [0.5; 3], std: [0.5; 3], size: 384, fit: Fit::Squash, ..clip };
        assert_eq!(parse(siglip).unwrap(), expected);
    }

    #[test]
    fn a_folder_without_transformers_file_is_read_as_open_clip() {
        let folder = tempfile::tempdir().unwrap();
        let config = r#"{"model_cfg": {"vision_cfg": {}}, "preprocess_cfg": {"resize_mode": "longest"}}"#;
        fs_err::write(folder.path().join(FILE), config).unwrap();
        let found = Preprocessor::from_folder(folder.path()).unwrap();
        assert_eq!((found.fit, found.fill, found.pipeline), (Fit::Pad, 0, Pipeline::Torchvision));
        Preprocessor::openai(32, Fit::Crop).save(folder.path()).unwrap();
        assert_eq!(Preprocessor::from_folder(folder.path()).unwrap().pipeline, Pipeline::Transformers);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (fit, fill) in [(Fit::Crop, 0), (Fit::Pad, 255), (Fit::Squash, 0)] {
            for resample in [Resample::Bicubic, Resample::Bilinear] {
                let own = Preprocessor {
                    fill,
                    resample,
                    mean: [0.1, 0.2, 0.3],
                    std: [0.5; 3],
                    pipeline: Pipeline::Torchvision,
                    ..Preprocessor::openai(96, fit)
                };
                let config = json!({
                    "model_cfg": { "vision_cfg": { "image_size": 96 } },
                    "preprocess_cfg": own.to_open_clip(),
                });
                assert_eq!(parse(&config.to_string()).unwrap(), own);
            }
        }
    }

    #[test]
    fn other_settings_are_refused_by_name() {
        let refused = [
            (r#"{"image_size": [224, 336]}"#, "{}", "image_size is [224, 336], it must be a square"),
            (r#"{"image_size": 0}"#, "{}", "image_size is 0"),
            ("{}", r#"{"mode": "L"}"#, r#"mode is not "RGB""#),
            ("{}", r#"{"std": [1, 0, 1]}"#, "preprocess_cfg.std is 0, it must be a positive number"),
            (
                "{}",
                r#"{"interpolation": "nearest"}"#,
                r#"interpolation is "nearest", it must be "bicubic" or "bilinear""#,
            ),
            (
                "{}",
                r#"{"resize_mode": "fit"}"#,
                r#"resize_mode is "fit", it must be "shortest", "longest" or "squash""#,
            ),
        ];
        for (vision, preprocess, reason) in refused {
            let text =
                format!(r#"{{"model_cfg": {{"vision_cfg": {vision}}}, "preprocess_cfg": {preprocess}}}"#);
            assert_eq!(parse(&text).err().as_deref(), Some(reason), "{text}");
        }
    }
}
