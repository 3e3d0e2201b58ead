//! Checkpoints as libraries save them, written in other layouts, and files that are damaged or made to harm.
//!
//! `references/open_clip` was made by `scripts/references/open_clip_models.py`, the models of `cliptune-onnx` by
//! `scripts/references/onnx_clip.py`.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in their helpers")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::{Checkpoint, CheckpointError, FloatKind, Layout};
use proptest::prelude::*;
use proptest::sample::Index;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::TempDir;

const OPEN_CLIP: [(&str, Layout); 3] = [
    ("clip", Layout::OpenClip),
    ("custom-text", Layout::OpenClipCustomText),
    ("siglip", Layout::OpenClipSiglip),
];
const HUGGING_FACE: [&str; 3] = ["legacy", "modern", "siglip"];

fn open_clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references/open_clip").join(name)
}

fn hugging_face(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/references").join(name)
}

/// Type, shape and bytes of every tensor.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn tensors(path: &Path) -> Tensors {
    let data = fs_err::read(path).unwrap();
    let file = SafeTensors::deserialize(&data).unwrap();
    let tensor = |view: TensorView<'_>| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
    file.iter().map(|(name, view)| (name.to_owned(), tensor(view))).collect()
}

fn save(path: &Path, tensors: &Tensors) {
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, data))| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    fs_err::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Writes the weights of a folder, in a layout, into a new folder as `model.safetensors`.
fn written(folder: &Path, layout: Layout) -> TempDir {
    let config = ClipConfig::from_folder(folder).unwrap();
    let to = tempfile::tempdir().unwrap();
    Checkpoint::open(folder, &config)
        .unwrap()
        .write(&config, layout, &to.path().join("model.safetensors"))
        .unwrap();
    to
}

/// The same, by way of a second layout.
fn written_twice(folder: &Path, first: Layout, second: Layout) -> Tensors {
    let config = ClipConfig::from_folder(folder).unwrap();
    let between = written(folder, first);
    let to = between.path().join("second.safetensors");
    let checkpoint = Checkpoint::open(between.path(), &config).unwrap();
    assert_eq!(checkpoint.layout(), first);
    checkpoint.write(&config, second, &to).unwrap();
    tensors(&to)
}

#[test]
fn what_open_clip_saved_is_what_it_gets_back_by_way_of_hugging_face() {
    for (name, layout) in OPEN_CLIP {
        let saved = tensors(&open_clip(name).join("open_clip_model.safetensors"));
        assert!(written_twice(&open_clip(name), Layout::HuggingFace, layout) == saved, "{name} differs");
    }
}

#[test]
fn what_transformers_saved_is_what_it_gets_back_by_way_of_open_clip() {
    for name in HUGGING_FACE {
        let config = ClipConfig::from_folder(&hugging_face(name)).unwrap();
        let saved = tensors(&hugging_face(name).join("model.safetensors"));
        let through = Layout::of_open_clip(config.family);
        assert!(written_twice(&hugging_face(name), through, Layout::HuggingFace) == saved, "{name} differs");
    }
}

#[test]
fn the_layout_is_recognised_by_the_names_of_the_weights() {
    for (name, layout) in OPEN_CLIP {
        let config = ClipConfig::from_folder(&open_clip(name)).unwrap();
        let checkpoint = Checkpoint::open(&open_clip(name), &config).unwrap();
        assert_eq!((checkpoint.layout(), checkpoint.extra()), (layout, &[] as &[String]));
    }
}

#[test]
fn half_precision_stays_what_it_is() {
    let folder = written(&open_clip("custom-text"), Layout::HuggingFace);
    let found = tensors(&folder.path().join("model.safetensors"));
    assert!(found.values().all(|(dtype, _, _)| *dtype == Dtype::F16));
}

#[test]
fn transformers_finds_what_wrote_a_file() {
    let folder = written(&open_clip("clip"), Layout::HuggingFace);
    let data = fs_err::read(folder.path().join("model.safetensors")).unwrap();
    let (length, metadata) = SafeTensors::read_metadata(&data).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
    // Data at a multiple of eight bytes, so that it can be mapped.
    assert_eq!(length % 8, 0);
}

/// A copy of a model of transformers, with its tensors changed.
struct Model {
    folder: TempDir,
    config: ClipConfig,
    tensors: Tensors,
}

impl Model {
    fn new() -> Self {
        let folder = hugging_face("legacy");
        Self {
            config: ClipConfig::from_folder(&folder).unwrap(),
            tensors: tensors(&folder.join("model.safetensors")),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open(self.folder.path(), &self.config)
    }

    /// Saves the tensors as one file.
    fn saved(self) -> Self {
        save(&self.path("model.safetensors"), &self.tensors);
        self
    }

    /// Saves them as two files with an index, in which a name may be changed.
    fn sharded(self, rename: impl Fn(&str) -> String) -> Self {
        let (names, half) = (["a.safetensors", "b.safetensors"], self.tensors.len() / 2);
        let mut shards = [Tensors::new(), Tensors::new()];
        let mut map = serde_json::Map::new();
        for (at, (name, tensor)) in self.tensors.iter().enumerate() {
            let shard = usize::from(at >= half);
            shards[shard].insert(name.clone(), tensor.clone());
            map.insert(name.clone(), rename(names[shard]).into());
        }
        for (name, tensors) in names.iter().zip(&shards) {
            save(&self.path(name), tensors);
        }
        let index = serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map });
        fs_err::write(self.path("model.safetensors.index.json"), index.to_string()).unwrap();
        self
    }

    fn refusal(&self) -> String {
        let error = self.open().unwrap_err();
        error.to_string().replace(&self.folder.path().display().to_string(), "FOLDER")
    }
}

#[test]
fn shards_are_one_model() {
    let model = Model::new().sharded(str::to_owned);
    let checkpoint = model.open().unwrap();
    assert_eq!(checkpoint.files().len(), 2);
    let whole = model.path("whole.safetensors");
    checkpoint.write(&model.config, Layout::HuggingFace, &whole).unwrap();
    assert!(tensors(&whole) == model.tensors);
}

#[test]
fn an_index_names_files_beside_itself_and_nothing_else() {
    for elsewhere in ["../a.safetensors", "/etc/passwd", "sub/a.safetensors", "..", ""] {
        let refusal = Model::new().sharded(|_| elsewhere.to_owned()).refusal();
        assert_eq!(
            refusal,
            format!(
                "FOLDER/model.safetensors.index.json is not a usable safetensors file: it names a file elsewhere: \
                 {elsewhere:?}"
            )
        );
    }
}

#[test]
fn a_missing_shard_is_named() {
    let model = Model::new().sharded(str::to_owned);
    fs_err::remove_file(model.path("b.safetensors")).unwrap();
    let error = model.open().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("b.safetensors"), "{source}");
}

#[test]
fn a_tensor_in_two_shards_is_refused() {
    let model = Model::new().sharded(str::to_owned);
    save(&model.path("a.safetensors"), &model.tensors);
    let refusal = model.refusal();
    assert!(refusal.starts_with("FOLDER/b.safetensors: tensor "), "{refusal}");
    assert!(refusal.ends_with(" is there more than once"), "{refusal}");
}

#[test]
fn positions_that_old_versions_saved_are_no_weights() {
    let mut model = Model::new();
    for tower in ["text_model", "vision_model"] {
        let name = format!("{tower}.embeddings.position_ids");
        model.tensors.insert(name, (Dtype::I64, vec![1, 1], vec![0; 8]));
    }
    assert_eq!(model.saved().open().unwrap().extra(), &[] as &[String]);
}

#[test]
fn tensors_that_the_model_has_no_place_for_are_listed_once() {
    let mut model = Model::new();
    for name in ["classifier.weight", "classifier.bias"] {
        model.tensors.insert(name.to_owned(), (Dtype::I8, vec![2], vec![0; 2]));
    }
    let model = model.saved();
    let checkpoint = model.open().unwrap();
    assert_eq!(checkpoint.extra(), ["classifier.bias", "classifier.weight"]);
    let copy = model.path("copy.safetensors");
    checkpoint.write(&model.config, Layout::HuggingFace, &copy).unwrap();
    assert_eq!(tensors(&copy), tensors(&hugging_face("legacy").join("model.safetensors")));
}

#[test]
fn weights_of_different_types_share_no_tensor() {
    let mut model = Model::new();
    let name = "text_model.encoder.layers.0.self_attn.k_proj.bias";
    let length = model.tensors[name].1.clone();
    model.tensors.insert(name.to_owned(), (Dtype::F16, length.clone(), vec![0; 2 * length[0]]));
    let model = model.saved();
    let checkpoint = model.open().unwrap();
    // Each has its own tensor here, the wider ones first.
    let same = model.path("same.safetensors");
    checkpoint.write(&model.config, Layout::HuggingFace, &same).unwrap();
    assert!(tensors(&same) == model.tensors);
    let error = checkpoint.write(&model.config, Layout::OpenClip, &model.path("other")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor transformer.resblocks.0.attn.in_proj_bias cannot be written: it would mix F32 and F16"
    );
}

#[test]
fn weights_of_the_other_architecture_are_refused() {
    let siglip = ClipConfig::from_folder(&open_clip("siglip")).unwrap();
    let clip = ClipConfig::from_folder(&open_clip("clip")).unwrap();
    let refusal = |name: &str, config| {
        let error = Checkpoint::open(&open_clip(name), config).unwrap_err();
        error.to_string().replace(&open_clip(name).display().to_string(), "FOLDER")
    };
    assert_eq!(
        refusal("siglip", &clip),
        "FOLDER/open_clip_model.safetensors does not have the weights of a CLIP, which the configuration asks for"
    );
    assert_eq!(
        refusal("custom-text", &siglip),
        "FOLDER/open_clip_model.safetensors does not have the weights of a SigLIP, which the configuration asks for"
    );
}

#[test]
fn files_of_another_model_are_told_by_their_tensors() {
    let mut model = Model::new();
    model.tensors =
        BTreeMap::from(["b", "a", "c", "d"].map(|name| (name.to_owned(), (Dtype::F32, vec![1], vec![0; 4]))));
    assert_eq!(
        model.saved().refusal(),
        "FOLDER/model.safetensors is neither a CLIP nor a SigLIP as Hugging Face or open_clip names them; its tensors \
         are a, b, c, …"
    );
}

/// A copy of a model whose tensors have other names.
fn renamed(rename: impl Fn(&str) -> String) -> Model {
    let mut model = Model::new();
    model.tensors = model.tensors.into_iter().map(|(name, tensor)| (rename(&name), tensor)).collect();
    model.saved()
}

#[test]
fn what_wrappers_put_into_the_names_is_left_out() {
    let whole = tensors(&hugging_face("legacy").join("model.safetensors"));
    let wrapped: [fn(&str) -> String; 5] = [
        |name| format!("module.{name}"),
        |name| format!("_orig_mod.module.{name}"),
        |name| format!("model.{name}"),
        |name| format!("student.clip._orig_mod.{name}"),
        |name| name.replace("_model.", "_model._orig_mod."),
    ];
    for wrap in wrapped {
        let model = renamed(wrap);
        let checkpoint = model.open().unwrap();
        assert_eq!(checkpoint.extra(), &[] as &[String]);
        let copy = model.path("copy.safetensors");
        checkpoint.write(&model.config, Layout::HuggingFace, &copy).unwrap();
        assert!(tensors(&copy) == whole);
    }
}

#[test]
fn what_a_training_script_kept_beside_its_model_is_extra() {
    let model = renamed(|name| format!("module.model.{name}"));
    let mut tensors = model.tensors.clone();
    for name in ["module.criterion.weight", "module.logit_scale"] {
        tensors.insert(name.to_owned(), (Dtype::F32, vec![1], vec![0; 4]));
    }
    save(&model.path("model.safetensors"), &tensors);
    let checkpoint = model.open().unwrap();
    assert_eq!(checkpoint.extra(), ["module.criterion.weight"]);
    let scale = checkpoint.weights().iter().find(|weight| weight.name.ends_with("logit_scale")).unwrap();
    assert_eq!(scale.name, "module.model.logit_scale");
}

#[test]
fn two_models_in_one_file_are_refused() {
    let mut model = Model::new();
    let both = |prefix: &str| {
        let rename = |(name, tensor): (&String, &_)| (format!("{prefix}{name}"), Clone::clone(tensor));
        model.tensors.iter().map(rename).collect::<Tensors>()
    };
    let (mut student, teacher) = (both("student."), both("teacher."));
    student.extend(teacher);
    model.tensors = student;
    assert_eq!(
        model.saved().refusal(),
        "FOLDER/model.safetensors holds the weights of several models, below student., teacher."
    );
}

/// A file with this header, and `data` bytes behind it.
fn hostile(header: &str, data: usize) -> String {
    let model = Model::new();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + data, 0);
    fs_err::write(model.path("model.safetensors"), file).unwrap();
    model.refusal()
}

#[test]
fn headers_that_lie_are_refused() {
    let tensor = |shape: &str, from: u64, to: u64| {
        format!(r#"{{"dtype": "F32", "shape": {shape}, "data_offsets": [{from}, {to}]}}"#)
    };
    let two = |a: String, b: String| format!(r#"{{"logit_scale": {a}, "logit_bias": {b}}}"#);
    let cases = [
        // Overlapping, with a gap, backwards.
        (two(tensor("[1]", 0, 4), tensor("[1]", 0, 4)), 4),
        (two(tensor("[1]", 0, 4), tensor("[1]", 8, 12)), 12),
        (two(tensor("[1]", 4, 0), tensor("[1]", 0, 4)), 4),
        // Shapes whose size is another, or none.
        (two(tensor("[3]", 0, 4), tensor("[1]", 4, 8)), 8),
        (two(tensor("[4294967296, 4294967296]", 0, 4), tensor("[1]", 4, 8)), 8),
        (two(tensor("[-1]", 0, 4), tensor("[1]", 4, 8)), 8),
        // More data than there is, and less.
        (two(tensor("[1]", 0, 4), tensor("[1]", 4, 8)), 7),
        (two(tensor("[1]", 0, 4), tensor("[1]", 4, 8)), 9),
        (two(tensor("[1]", 0, u64::MAX), tensor("[1]", 4, 8)), 8),
        // No header at all.
        ("[]".to_owned(), 0),
        ("{".to_owned(), 0),
        (r#"{"logit_scale": 1}"#.to_owned(), 0),
    ];
    for (header, data) in cases {
        let refusal = hostile(&header, data);
        let start = "FOLDER/model.safetensors is not a usable safetensors file: ";
        assert!(refusal.starts_with(start), "{header}: {refusal}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A damaged header is refused, or describes tensors that lie within the file.
    #[test]
    fn damage_is_an_error_or_harmless(changes in prop::collection::vec(any::<(Index, u8)>(), 1..6)) {
        let model = Model::new().saved();
        let path = model.path("model.safetensors");
        let mut bytes = fs_err::read(&path).unwrap();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        for (place, byte) in changes {
            bytes[place.index(header)] = byte;
        }
        fs_err::write(&path, &bytes).unwrap();
        if let Ok(checkpoint) = model.open() {
            for weight in checkpoint.weights() {
                let end = weight.offset as usize + weight.elements() * weight.kind.bytes();
                prop_assert!(end <= bytes.len());
            }
            // Damage may have made a weight of another type: that is refused where a tensor would mix them.
            let _ = checkpoint.write(&model.config, Layout::OpenClip, &model.path("other"));
        }
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_copied_is_an_error() {
    let model = Model::new().saved();
    let checkpoint = model.open().unwrap();
    let path = model.path("model.safetensors");
    let whole = fs_err::metadata(&path).unwrap().len();
    fs_err::OpenOptions::new().write(true).open(&path).unwrap().set_len(whole / 2).unwrap();
    let error = checkpoint.write(&model.config, Layout::OpenClip, &model.path("other")).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("model.safetensors"), "{source}");
}

#[test]
fn offsets_are_those_of_the_values() {
    let model = Model::new().saved();
    let checkpoint = model.open().unwrap();
    let data = fs_err::read(model.path("model.safetensors")).unwrap();
    for weight in checkpoint.weights() {
        let [name] = weight.fills.weights() else { panic!("a tensor of transformers is one weight") };
        let (_, shape, values) = &model.tensors[name];
        let start = weight.offset as usize;
        assert_eq!((weight.kind, &weight.shape), (FloatKind::F32, shape));
        assert!(data[start..start + values.len()] == values[..], "{name} is elsewhere");
    }
}
