//! Weights in memory, the committed references, and ONNX Runtime.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cliptune_clip::ClipConfig;
use cliptune_clip::checkpoint::WEIGHTS_FILE;
use cliptune_clip::config::CONFIG_FILE;
use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_clip::weights::weights;
use cliptune_onnx::export;
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Weights in memory: shape and little-endian f32 data by name.
#[derive(Clone)]
pub(crate) struct Weights(pub(crate) BTreeMap<String, (Vec<usize>, Vec<u8>)>);

impl Weights {
    /// Writes a model folder with them, without a tokenizer.
    pub(crate) fn save(&self, folder: &Path, config: &ClipConfig) {
        fs_err::write(folder.join(CONFIG_FILE), config.to_json().unwrap()).unwrap();
        Preprocessor::openai(config.vision.image_size as u32, Fit::Crop).save(folder).unwrap();
        let views = self
            .0
            .iter()
            .map(|(name, (shape, data))| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
        safetensors::serialize_to_file(views, None, &folder.join(WEIGHTS_FILE)).unwrap();
    }

    /// Arbitrary weights of the right shapes.
    pub(crate) fn arbitrary(config: &ClipConfig) -> Self {
        let element = |index: usize| ((index * 37 % 101) as f32 / 101.0 - 0.5).to_le_bytes();
        let weights = weights(config).into_iter();
        Self(
            weights
                .map(|spec| {
                    (spec.name.clone(), (spec.shape.clone(), (0..spec.len()).flat_map(element).collect()))
                })
                .collect(),
        )
    }
}

/// A tensor of a reference file.
#[derive(Clone, Debug)]
pub(crate) enum Array {
    Float(Vec<usize>, Vec<f32>),
    Int(Vec<usize>, Vec<i64>),
}

impl Array {
    pub(crate) fn floats(&self) -> &[f32] {
        match self {
            Self::Float(_, values) => values,
            Self::Int(..) => panic!("integers"),
        }
    }

    pub(crate) fn ints(&self) -> &[i64] {
        match self {
            Self::Int(_, values) => values,
            Self::Float(..) => panic!("floats"),
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Float(shape, _) | Self::Int(shape, _) => shape,
        }
    }

    /// The first rows, each cut to its first `columns`.
    pub(crate) fn corner(&self, rows: usize, columns: usize) -> Self {
        let width = self.shape()[1];
        let cut = |values: &[i64]| {
            values.chunks(width).take(rows).flat_map(|row| row[..columns].to_vec()).collect::<Vec<_>>()
        };
        Self::Int(vec![rows, columns], cut(self.ints()))
    }

    fn input(&self) -> SessionInputValue<'static> {
        match self.clone() {
            Self::Float(shape, values) => Tensor::from_array((shape, values)).unwrap().into(),
            Self::Int(shape, values) => Tensor::from_array((shape, values)).unwrap().into(),
        }
    }
}

/// A CLIP of `tests/references` and what transformers computed with it.
pub(crate) struct Reference {
    pub(crate) config: ClipConfig,
    pub(crate) weights: Weights,
    pub(crate) arrays: BTreeMap<String, Array>,
}

impl Reference {
    pub(crate) fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references").join(name);
        let weights = fs_err::read(folder.join("model.safetensors")).unwrap();
        let weights = SafeTensors::deserialize(&weights)
            .unwrap()
            .iter()
            .map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), view.data().to_vec())))
            .collect();
        let arrays = fs_err::read(folder.join("outputs.safetensors")).unwrap();
        let arrays = SafeTensors::deserialize(&arrays).unwrap();
        Self {
            config: ClipConfig::from_folder(&folder).unwrap(),
            weights: Weights(weights),
            arrays: arrays.iter().map(|(name, view)| (name.to_owned(), array(&view))).collect(),
        }
    }

    /// The export in a temporary folder.
    pub(crate) fn exported(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.weights.save(folder.path(), &self.config);
        export(folder.path(), folder.path()).unwrap();
        folder
    }
}

fn array(view: &safetensors::tensor::TensorView<'_>) -> Array {
    let (shape, data) = (view.shape().to_vec(), view.data());
    match view.dtype() {
        Dtype::F32 => {
            Array::Float(shape, data.chunks(4).map(|x| f32::from_le_bytes(x.try_into().unwrap())).collect())
        }
        Dtype::I64 => {
            Array::Int(shape, data.chunks(8).map(|x| i64::from_le_bytes(x.try_into().unwrap())).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// A session on one file.
pub(crate) fn session(path: PathBuf) -> Session {
    try_session(&path).unwrap()
}

/// The same for a file that may be unusable.
pub(crate) fn try_session(path: &Path) -> Result<Session, ort::Error> {
    static RUNTIME: OnceLock<Environment> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let library = cliptune_native::onnx_runtime().expect("scripts/setup puts it there");
        ort::init_from(library).unwrap().build().unwrap()
    });
    Session::builder(runtime).unwrap().with_intra_threads(1).unwrap().commit_from_file(path)
}

/// Runs a session on named inputs; the outputs by name.
pub(crate) fn run(
    session: &mut Session,
    inputs: &[(&str, &Array)],
) -> Result<BTreeMap<String, Array>, ort::Error> {
    let inputs: Vec<_> = inputs.iter().map(|(name, array)| ((*name).to_owned(), array.input())).collect();
    let outputs = session.run(inputs)?;
    let floats = |(name, value): (&str, ort::value::ValueRef<'_>)| {
        let (shape, values) = value.try_extract_tensor::<f32>().unwrap();
        let shape = shape.iter().map(|&size| size as usize).collect();
        (name.to_owned(), Array::Float(shape, values.to_vec()))
    };
    Ok(outputs.iter().map(floats).collect())
}

/// The largest absolute difference of two arrays of one shape.
pub(crate) fn difference(a: &Array, b: &Array) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let differences = a.floats().iter().zip(b.floats()).map(|(a, b)| (a - b).abs());
    // Unlike `max`, which ignores it, the sum keeps a NaN visible.
    differences.fold(0.0, |largest, each| if each.is_nan() { f32::NAN } else { largest.max(each) })
}
