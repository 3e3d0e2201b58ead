//! Explains how to get from what a folder holds to a model folder.

use std::path::Path;

use super::{Found, Saved};
use crate::checkpoint::{OPEN_CLIP_WEIGHTS_FILE, WEIGHTS_FILE};

/// The place where a folder or a repository was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A folder on this machine.
    Folder(&'a Path),
    /// A repository on the hub, `organisation/name`.
    Hub(&'a str),
}

impl Place<'_> {
    /// Returns the name under which transformers loads the model, as a Python string literal.
    fn source(self) -> String {
        match self {
            Self::Folder(folder) => python(&folder.display().to_string()),
            Self::Hub(id) => python(id),
        }
    }

    /// Returns the name of the folder to change, for use in a Python string.
    fn folder(self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Hub(_) => "FOLDER".to_owned(),
        }
    }

    /// Returns the path of a file in that folder, as a Python string literal.
    fn file(self, name: &str) -> String {
        python(&format!("{}/{name}", self.folder().trim_end_matches('/')))
    }

    /// Returns the instruction for what has to be done before the folder can be changed, if anything.
    fn first(self) -> String {
        match self {
            Self::Folder(_) => String::new(),
            Self::Hub(id) => format!("`hf download {id} --local-dir FOLDER` first; then, "),
        }
    }
}

/// Quotes a text as a Python string literal.
fn python(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => quoted.push_str(&format!("\\x{:02x}", letter as u32)),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// The description of what a model folder holds.
const WHOLE: &str = "a model folder holds config.json, model.safetensors, tokenizer.json and preprocessor_config.json \
                     (or processor_config.json) as transformers saves them, or open_clip_config.json and \
                     open_clip_model.safetensors as open_clip does";

impl Found {
    /// Says what to do: where the model is, or which line of Python turns the folder into a model folder.
    pub fn advice(&self, place: &Place<'_>) -> String {
        match self {
            Self::Empty | Self::NoWeights | Self::NoConfig { .. } => WHOLE.to_owned(),
            Self::BrokenLink { .. } => {
                "copy the folder with its contents in place of links (`cp -rL`), or get the model again".to_owned()
            }
            Self::NoRegularFile { .. } => "put the file itself there".to_owned(),
            Self::Adapter { base } => adapter(*place, base.as_deref()),
            Self::SentenceTransformers { clip } => sentence_transformers(*place, clip.as_deref()),
            Self::Diffusers => {
                "take the whole CLIP that the text encoder is of, such as openai/clip-vit-large-patch14".to_owned()
            }
            Self::Pickles { files, saved } => pickles(*place, files, *saved),
            Self::TensorFlow { .. } => other_framework(*place, "from_tf", "tensorflow"),
            Self::Flax { .. } => other_framework(*place, "from_flax", "flax"),
            Self::Gguf { .. } | Self::Onnx { .. } => {
                "nothing makes the weights again that it was made from: get the safetensors files of that model"
                    .to_owned()
            }
            Self::TooHigh { models } => too_high(*place, models),
            Self::TooLow { model } => format!("name that folder: {}", model.display()),
            Self::OtherName { file, expected } => format!("rename {} to {expected}", file.escape_debug()),
        }
    }
}

fn adapter(place: Place<'_>, base: Option<&str>) -> String {
    let base = python(base.filter(|base| !base.is_empty()).unwrap_or("BASE"));
    format!(
        "merge the two, in Python: `from transformers import AutoModel, AutoProcessor; from peft import PeftModel; \
         PeftModel.from_pretrained(AutoModel.from_pretrained({base}), {}).merge_and_unload()\
         .save_pretrained(\"NEW\"); AutoProcessor.from_pretrained({base}).save_pretrained(\"NEW\")`, and name the \
         folder NEW",
        place.source()
    )
}

fn sentence_transformers(place: Place<'_>, clip: Option<&str>) -> String {
    match (place, clip) {
        (_, None) => "it has a text tower alone: take a CLIP or a SigLIP".to_owned(),
        (Place::Folder(folder), Some(clip)) => format!("name that folder: {}", folder.join(clip).display()),
        (Place::Hub(_), Some(_)) => format!(
            "save its CLIP, in Python: `from sentence_transformers import SentenceTransformer; \
             clip = SentenceTransformer({})[0]; clip.model.save_pretrained(\"FOLDER\"); \
             clip.processor.save_pretrained(\"FOLDER\")`, and name the folder in place of the id",
            place.source()
        ),
    }
}

/// Says how to convert pickled weights. Reading a pickle runs code in it, so this program never does.
fn pickles(place: Place<'_>, files: &[String], saved: Saved) -> String {
    let why = "such files can run code when they are read; convert them once";
    let file = place.file(files.first().map_or("FILE", String::as_str));
    match saved {
        Saved::Transformers => format!("{why}, in Python: {}", resave(place)),
        Saved::StateOfTransformers => state(place, why, &file, WEIGHTS_FILE),
        Saved::StateOfOpenClip => state(place, why, &file, OPEN_CLIP_WEIGHTS_FILE),
        Saved::Unknown => format!(
            "{why}: {}in Python, with the model's name in open_clip in place of ViT-B-32 (ViT-B-32-quickgelu for \
             OpenAI's own): `import json, open_clip, safetensors.torch as st; name = \"ViT-B-32\"; \
             model = open_clip.create_model(name, pretrained={file}); \
             st.save_file(model.state_dict(), {}); json.dump({{\"model_cfg\": open_clip.get_model_config(name), \
             \"preprocess_cfg\": open_clip.get_model_preprocess_cfg(model)}}, open({}, \"w\"))`",
            place.first(),
            place.file(OPEN_CLIP_WEIGHTS_FILE),
            place.file("open_clip_config.json"),
        ),
    }
}

/// Returns the Python that loads a model and saves it again with transformers, whose processor is the tokenizer and the
/// preprocessing.
fn resave(place: Place<'_>) -> String {
    let source = place.source();
    match place {
        Place::Folder(_) => format!(
            "`from transformers import AutoModel; AutoModel.from_pretrained({source}).save_pretrained({source})`"
        ),
        Place::Hub(_) => format!(
            "`from transformers import AutoModel, AutoProcessor; \
             AutoModel.from_pretrained({source}).save_pretrained(\"FOLDER\"); \
             AutoProcessor.from_pretrained({source}).save_pretrained(\"FOLDER\")`, and name the folder in place of \
             the id"
        ),
    }
}

/// Says how to convert a file with the weights alone, which training scripts keep under `state_dict` or `model`.
fn state(place: Place<'_>, why: &str, file: &str, weights: &str) -> String {
    format!(
        "{why}: {}in Python: `import torch, safetensors.torch as st; \
         d = torch.load({file}, map_location=\"cpu\", weights_only=True); d = d.get(\"state_dict\", d.get(\"model\", d)); \
         st.save_file({{k: v.contiguous().clone() for k, v in d.items() if torch.is_tensor(v)}}, {}, \
         {{\"format\": \"pt\"}})`",
        place.first(),
        place.file(weights),
    )
}

/// Says how to convert the weights of TensorFlow or Flax, which transformers 5 no longer reads.
fn other_framework(place: Place<'_>, option: &str, package: &str) -> String {
    let target = match place {
        Place::Folder(_) => place.source(),
        Place::Hub(_) => python("FOLDER"),
    };
    let and_name =
        if matches!(place, Place::Hub(_)) { ", and name the folder in place of the id" } else { "" };
    format!(
        "convert it once, in Python, with `pip install \"transformers<5\" torch {package}`: \
         `from transformers import AutoModel, AutoProcessor; \
         AutoModel.from_pretrained({source}, {option}=True).save_pretrained({target}); \
         AutoProcessor.from_pretrained({source}).save_pretrained({target})`{and_name}",
        source = place.source(),
    )
}

fn too_high(place: Place<'_>, models: &[String]) -> String {
    let first = models.first().map_or("", String::as_str);
    match place {
        Place::Folder(folder) if models.len() > 1 => {
            format!("name one of them, such as {}", folder.join(first).display())
        }
        Place::Folder(folder) => format!("name that folder: {}", folder.join(first).display()),
        Place::Hub(id) => {
            format!("`hf download {id} --local-dir FOLDER`, and name FOLDER/{first} in place of the id")
        }
    }
}
