//! Reads and writes preprocessing in the format of transformers' `preprocessor_config.json`.
//!
//! transformers 5 writes the same settings as the map `image_processor` of `processor_config.json`, and it looks for
//! them there first. If that file does not have such a map or does not exist, it reads `preprocessor_config.json`, as
//! every version does. So that every version can read the settings, only `preprocessor_config.json` is written here.
//!
//! Crop and squash are written so that `CLIPImageProcessor` does the same. transformers has no centred padding: for
//! padding, the size is written as `{"longest_edge": n}`, which its CLIP processor refuses, so that nobody accidentally
//! crops images for a model that was trained with padding; [`PAD_KEY`] gives the actual meaning. If the torchvision
//! transforms are followed instead, [`PIPELINE_KEY`] says so; transformers ignores this key and may be a pixel off.

use std::io;
use std::path::Path;

use cliptune_durable::write_atomic;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use cliptune_durable::read_regular;

use crate::files::LONGEST_CONFIGURATION;

use super::coefficients::Resample;
use super::error::ImageError;
use super::fit::Fit;
use super::open_clip_config;
use super::pipeline::Pipeline;
use super::preprocessor::{OPENAI_MEAN, OPENAI_STD, Preprocessor, WHITE};

/// The file in which every version of transformers looks for the preprocessing.
pub const FILE: &str = "preprocessor_config.json";
/// The file in which transformers 5 looks first.
pub const PROCESSOR_FILE: &str = "processor_config.json";
/// Our own key beside transformers' keys, which is present only for padding.
const PAD_KEY: &str = "cliptune_image_fit";
/// Our own key for the value that padding fills with. Without the key, it is white.
const FILL_KEY: &str = "cliptune_pad_fill";
/// Our own key, which is present only for [`Pipeline::Torchvision`].
const PIPELINE_KEY: &str = "cliptune_pipeline";
/// The size to which transformers' CLIP processor crops if the file does not say.
const DEFAULT_CROP: u32 = 224;

/// The keys that decide what happens to an image. The other keys (class names, device, tensor format) do not matter.
#[derive(Deserialize)]
struct Config {
    size: Option<Size>,
    crop_size: Option<Size>,
    resample: Option<u32>,
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
    rescale_factor: Option<f64>,
    do_resize: Option<bool>,
    do_center_crop: Option<bool>,
    do_rescale: Option<bool>,
    do_normalize: Option<bool>,
    do_convert_rgb: Option<bool>,
    do_pad: Option<bool>,
    /// The number of patches for `Siglip2ImageProcessor`, whose images are not square.
    max_num_patches: Option<u32>,
    cliptune_image_fit: Option<String>,
    cliptune_pad_fill: Option<u8>,
    cliptune_pipeline: Option<String>,
}

/// A size, which is a number in old files and an object in newer ones.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged, deny_unknown_fields)]
enum Size {
    Side(u32),
    Both { height: u32, width: u32 },
    Shortest { shortest_edge: u32 },
    Longest { longest_edge: u32 },
}

/// The part of `processor_config.json` that is read. Before transformers 5, the file had nothing to say about images.
#[derive(Deserialize)]
struct ProcessorFile {
    image_processor: Option<Config>,
}

impl Preprocessor {
    /// Reads a model folder's preprocessing where transformers 5 reads it: in `processor_config.json`, otherwise in
    /// `preprocessor_config.json`. If neither has it, it is read from `open_clip_config.json`.
    ///
    /// # Errors
    /// Fails when none of the files exists, or when the one that is read is malformed or asks for anything but resizing
    /// to a square, scaling to 0…1 and normalising.
    pub fn from_folder(folder: &Path) -> Result<Self, ImageError> {
        let (nested, path) = (folder.join(PROCESSOR_FILE), folder.join(FILE));
        if nested.exists() {
            let file: ProcessorFile = read_json(&nested)?;
            if let Some(config) = file.image_processor {
                return config
                    .preprocessor()
                    .map_err(|reason| ImageError::Unsupported { path: nested, reason });
            }
        }
        if !path.exists() && folder.join(open_clip_config::FILE).exists() {
            return Self::from_open_clip(folder);
        }
        let config: Config = read_json(&path)?;
        config.preprocessor().map_err(|reason| ImageError::Unsupported { path, reason })
    }

    /// Writes `preprocessor_config.json` into a folder.
    ///
    /// transformers' `CLIPImageProcessor` reads the file and does the same for [`Fit::Crop`] and [`Fit::Squash`] with
    /// [`Pipeline::Transformers`]. For [`Fit::Pad`], it refuses to work.
    ///
    /// # Errors
    /// Fails when the folder or the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), ImageError> {
        fs_err::create_dir_all(folder)?;
        let text = format!("{:#}\n", self.to_json());
        Ok(write_atomic(&folder.join(FILE), text.as_bytes()).map_err(io::Error::from)?)
    }

    fn to_json(&self) -> Value {
        let size = match self.fit {
            Fit::Crop => json!({ "shortest_edge": self.size }),
            Fit::Pad => json!({ "longest_edge": self.size }),
            Fit::Squash => json!({ "height": self.size, "width": self.size }),
        };
        let mut config = json!({
            "image_processor_type": "CLIPImageProcessor",
            "do_convert_rgb": true,
            "do_resize": true,
            "size": size,
            "resample": match self.resample { Resample::Bilinear => 2, Resample::Bicubic => 3 },
            "do_center_crop": self.fit == Fit::Crop,
            "crop_size": { "height": self.size, "width": self.size },
            "do_rescale": true,
            "rescale_factor": 1.0 / 255.0,
            "do_normalize": true,
            "image_mean": self.mean,
            "image_std": self.std,
        });
        if self.fit == Fit::Pad {
            config[PAD_KEY] = json!("pad");
            config[FILL_KEY] = json!(self.fill);
        }
        if self.pipeline == Pipeline::Torchvision {
            config[PIPELINE_KEY] = json!(self.pipeline.as_str());
        }
        config
    }
}

impl Config {
    fn preprocessor(&self) -> Result<Preprocessor, String> {
        self.check_steps()?;
        let (size, fit) = self.square()?;
        if size == 0 {
            return Err("size is 0".to_owned());
        }
        Preprocessor {
            size,
            fit,
            fill: self.cliptune_pad_fill.unwrap_or(WHITE),
            resample: self.resample()?,
            mean: self.image_mean.unwrap_or(OPENAI_MEAN),
            std: self.image_std.unwrap_or(OPENAI_STD),
            pipeline: self.pipeline()?,
        }
        .checked("image_mean", "image_std")
    }

    fn pipeline(&self) -> Result<Pipeline, String> {
        let torchvision = Pipeline::Torchvision.as_str();
        match self.cliptune_pipeline.as_deref() {
            None => Ok(Pipeline::Transformers),
            Some(name) if name == torchvision => Ok(Pipeline::Torchvision),
            Some(other) => Err(format!("{PIPELINE_KEY} is {other:?}, it must be {torchvision:?}")),
        }
    }

    /// Checks that every step except cropping is switched on, and that padding by transformers is switched off.
    fn check_steps(&self) -> Result<(), String> {
        let steps = [
            ("do_resize", self.do_resize, true),
            ("do_rescale", self.do_rescale, true),
            ("do_normalize", self.do_normalize, true),
            ("do_convert_rgb", self.do_convert_rgb, true),
            ("do_pad", self.do_pad, false),
        ];
        if self.max_num_patches.is_some() {
            return Err("max_num_patches is set, so that images are not square".to_owned());
        }
        match steps.into_iter().find(|&(_, found, wanted)| found.is_some_and(|found| found != wanted)) {
            Some((key, _, wanted)) => Err(format!("{key} is {}, it must be {wanted}", !wanted)),
            None => self.check_scale(),
        }
    }

    fn check_scale(&self) -> Result<(), String> {
        match self.rescale_factor {
            Some(factor) if (factor - 1.0 / 255.0).abs() > 1e-9 => {
                Err(format!("rescale_factor is {factor}, it must be 1/255"))
            }
            _ => Ok(()),
        }
    }

    fn resample(&self) -> Result<Resample, String> {
        match self.resample {
            None | Some(3) => Ok(Resample::Bicubic),
            Some(2) => Ok(Resample::Bilinear),
            Some(other) => Err(format!("resample is {other}, it must be 2 (bilinear) or 3 (bicubic)")),
        }
    }

    /// Returns the side of the square and the way to reach it.
    fn square(&self) -> Result<(u32, Fit), String> {
        match (self.size.unwrap_or(Size::Side(DEFAULT_CROP)), self.cliptune_image_fit.as_deref()) {
            (Size::Longest { longest_edge }, Some("pad")) => Ok((longest_edge, Fit::Pad)),
            (size, Some(fit)) => Err(format!("{PAD_KEY} is {fit:?} with size {}", spelt(size))),
            (Size::Side(side) | Size::Shortest { shortest_edge: side }, None) => {
                self.check_crop(side)?;
                Ok((side, Fit::Crop))
            }
            (Size::Both { height, width }, None) if height == width => {
                // SigLIP's files mention neither a crop nor its size. A crop to the same square changes nothing.
                if self.do_center_crop.unwrap_or(self.crop_size.is_some()) {
                    self.check_crop(height)?;
                }
                Ok((height, Fit::Squash))
            }
            (size, None) => Err(format!("size is {}, it must be a square", spelt(size))),
        }
    }

    fn check_crop(&self, side: u32) -> Result<(), String> {
        if self.do_center_crop == Some(false) {
            return Err("do_center_crop is false, so that images are not square".to_owned());
        }
        let crop = self.crop_size.unwrap_or(Size::Side(DEFAULT_CROP));
        match crop {
            Size::Side(crop) if crop == side => Ok(()),
            Size::Both { height, width } if (height, width) == (side, side) => Ok(()),
            other => Err(format!("crop_size is {}, it must be {side} as the size", spelt(other))),
        }
    }
}

/// Reads a JSON file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ImageError> {
    let bytes = read_regular(path, LONGEST_CONFIGURATION)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ImageError::Malformed { path: path.to_owned(), reason: error.to_string() })
}

fn spelt(size: Size) -> String {
    json!(size).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Preprocessor, String> {
        serde_json::from_str::<Config>(text).unwrap().preprocessor()
    }

    #[test]
    fn the_published_spellings_of_openai_are_understood() {
        let expected = Preprocessor::openai(224, Fit::Crop);
        // This is the file of openai/clip-vit-base-patch32, as published.
        let old = r#"{"crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
            "feature_extractor_type": "CLIPFeatureExtractor",
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 224}"#;
        assert_eq!(parse(old).unwrap(), expected);
        let new = r#"{"crop_size": {"height": 224, "width": 224}, "size": {"shortest_edge": 224},
            "do_rescale": true, "rescale_factor": 0.00392156862745098, "do_convert_rgb": true}"#;
        assert_eq!(parse(new).unwrap(), expected);
    }

    /// Returns what transformers 5.23 saves with a `CLIPProcessor`, with a different size.
    fn nested(size: u32) -> String {
        format!(
            r#"{{"image_processor": {{"crop_size": {{"height": {size}, "width": {size}}}, "do_center_crop": true,
                "do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true,
                "image_mean": [0.48145466, 0.4578275, 0.40821073],
                "image_processor_type": "CLIPImageProcessor",
                "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3,
                "rescale_factor": 0.00392156862745098, "size": {{"shortest_edge": {size}}},
                "data_format": "channels_first"}}, "processor_class": "CLIPProcessor"}}"#
        )
    }

    #[test]
    fn the_processor_of_transformers_5_says_how_images_are_prepared() {
        let folder = tempfile::tempdir().unwrap();
        let read = || Preprocessor::from_folder(folder.path());
        fs_err::write(folder.path().join(PROCESSOR_FILE), nested(12)).unwrap();
        assert_eq!(read().unwrap(), Preprocessor::openai(12, Fit::Crop));
        // transformers' `from_pretrained` uses the map if both files exist.
        Preprocessor::openai(96, Fit::Squash).save(folder.path()).unwrap();
        assert_eq!(read().unwrap(), Preprocessor::openai(12, Fit::Crop));
        // Older versions wrote the file without the map.
        for old in [r#"{"processor_class": "CLIPProcessor"}"#, r#"{"image_processor": null}"#] {
            fs_err::write(folder.path().join(PROCESSOR_FILE), old).unwrap();
            assert_eq!(read().unwrap(), Preprocessor::openai(96, Fit::Squash));
        }
    }

    #[test]
    fn a_setting_that_cannot_be_followed_is_told_with_the_file_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = nested(12).replace(r#""do_resize": true"#, r#""do_resize": false"#);
        fs_err::write(folder.path().join(PROCESSOR_FILE), file).unwrap();
        let error = Preprocessor::from_folder(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(
            "processor_config.json asks for preprocessing that is not supported: do_resize is false, it must be true"
        ));
    }

    #[test]
    fn every_fit_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        for (fit, fill) in [(Fit::Crop, WHITE), (Fit::Pad, 7), (Fit::Squash, WHITE)] {
            for (resample, pipeline) in
                [(Resample::Bicubic, Pipeline::Transformers), (Resample::Bilinear, Pipeline::Torchvision)]
            {
                let saved = Preprocessor {
                    fill,
                    resample,
                    pipeline,
                    mean: [0.1, 0.2, 0.3],
                    std: [0.5; 3],
                    ..Preprocessor::openai(96, fit)
                };
                saved.save(folder.path()).unwrap();
                assert_eq!(Preprocessor::from_folder(folder.path()).unwrap(), saved);
            }
        }
    }

    #[test]
    fn other_preprocessing_is_refused_by_name() {
        let refused = [
            (r#"{"size": 256, "crop_size": 224}"#, "crop_size is 224, it must be 256 as the size"),
            (
                r#"{"size": 224, "do_center_crop": false}"#,
                "do_center_crop is false, so that images are not square",
            ),
            (
                r#"{"size": {"height": 2, "width": 3}}"#,
                r#"size is {"height":2,"width":3}, it must be a square"#,
            ),
            (r#"{"size": {"longest_edge": 224}}"#, r#"size is {"longest_edge":224}, it must be a square"#),
            (
                r#"{"size": 224, "cliptune_image_fit": "tile"}"#,
                r#"cliptune_image_fit is "tile" with size 224"#,
            ),
            (r#"{"do_normalize": false}"#, "do_normalize is false, it must be true"),
            (r#"{"do_pad": true}"#, "do_pad is true, it must be false"),
            (r#"{"rescale_factor": 0.007}"#, "rescale_factor is 0.007, it must be 1/255"),
            (r#"{"resample": 1}"#, "resample is 1, it must be 2 (bilinear) or 3 (bicubic)"),
            (r#"{"image_std": [1, 0, 1]}"#, "image_std is 0, it must be a positive number"),
            (r#"{"image_std": [1, -1, 1]}"#, "image_std is -1, it must be a positive number"),
            (
                r#"{"image_std": [1e-40, 1, 1]}"#,
                "image_mean 0.48145467 and image_std 0.0000000000000000000000000000000000000001 give numbers that \
                 single precision cannot hold",
            ),
            (r#"{"max_num_patches": 256}"#, "max_num_patches is set, so that images are not square"),
            (r#"{"cliptune_pipeline": "x"}"#, r#"cliptune_pipeline is "x", it must be "torchvision""#),
            (r#"{"size": 0, "crop_size": 0}"#, "size is 0"),
        ];
        for (text, reason) in refused {
            assert_eq!(parse(text).err().as_deref(), Some(reason), "{text}");
        }
    }
}
