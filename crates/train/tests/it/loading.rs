//! From files to tensors.

use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_train::model::{self, Parameters};
use fs_err as fs;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tch::{Device, Kind};

use crate::support::{difference, largest, reference};

fn config() -> ClipConfig {
    ClipConfig::from_folder(&reference("train", "model")).unwrap()
}

fn original() -> Vec<u8> {
    fs::read(reference("train", "model/model.safetensors")).unwrap()
}

fn load(path: &Path) -> Parameters {
    model::load(path, &config(), Device::Cpu).unwrap()
}

/// The reference model with its numbers as another type.
fn converted(dtype: Dtype, number: impl Fn(f32) -> Vec<u8>) -> Vec<u8> {
    let data = original();
    let file = SafeTensors::deserialize(&data).unwrap();
    let number = |bytes: &[u8; 4]| number(f32::from_le_bytes(*bytes));
    let converted: Vec<_> = file
        .iter()
        .map(|(name, view)| {
            let numbers = view.data().as_chunks::<4>().0;
            (name, view.shape().to_vec(), numbers.iter().flat_map(number).collect::<Vec<u8>>())
        })
        .collect();
    let views = converted
        .iter()
        .map(|(name, shape, data)| (name, TensorView::new(dtype, shape.clone(), data).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// The largest difference from the reference model, relative to the weight that differs.
fn distance(loaded: &Parameters) -> f64 {
    let expected = load(&reference("train", "model/model.safetensors"));
    let distances = loaded.iter().zip(expected.iter()).map(|(own, expected)| {
        assert_eq!(own.tensor.kind(), Kind::Float, "{}", own.spec.name);
        difference(&own.tensor, &expected.tensor) / largest(&expected.tensor).max(1e-9)
    });
    distances.fold(0.0, f64::max)
}

/// tch's own loader keeps the type of the file, and trains in it without a word.
#[test]
fn every_type_of_float_becomes_single_precision() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    // Of the largest element: half of the last of 53, 8 and 11 bits.
    let cases: [(Dtype, fn(f32) -> Vec<u8>, f64); 3] = [
        (Dtype::F64, |number| f64::from(number).to_le_bytes().to_vec(), 0.0),
        // The upper half: cut, not rounded.
        (Dtype::BF16, |number| number.to_le_bytes()[2..].to_vec(), 1.0 / 128.0),
        (Dtype::F16, half, 1.0 / 1024.0),
    ];
    for (dtype, number, bar) in cases {
        fs::write(&path, converted(dtype, number)).unwrap();
        let distance = distance(&load(&path));
        assert!(distance <= bar, "{dtype}: {distance:e}");
        assert_eq!(distance > 0.0, bar > 0.0, "{dtype}");
    }
}

/// IEEE half precision, cut and not rounded; numbers too small for it become zero.
fn half(number: f32) -> Vec<u8> {
    let bits = number.to_bits();
    let (sign, exponent, fraction) =
        (bits >> 16 & 0x8000, (bits >> 23 & 0xff) as i32 - 112, bits >> 13 & 0x3ff);
    let magnitude = if exponent > 0 { (exponent as u32) << 10 | fraction } else { 0 };
    ((sign | magnitude) as u16).to_le_bytes().to_vec()
}

/// Old files do not pad their header, so that no number lies at a multiple of its size.
#[test]
fn numbers_may_lie_anywhere_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let data = original();
    let length = u64::from_le_bytes(data[..8].try_into().unwrap()) as usize;
    for spaces in 1..4 {
        let mut moved = ((length + spaces) as u64).to_le_bytes().to_vec();
        moved.extend(&data[8..8 + length]);
        moved.extend(vec![b' '; spaces]);
        moved.extend(&data[8 + length..]);
        fs::write(&path, moved).unwrap();
        assert_eq!(distance(&load(&path)), 0.0);
    }
}

/// The file is mapped, not copied: a step that changes a weight changes pages of the process alone.
#[test]
fn changing_a_weight_never_changes_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, original()).unwrap();
    let parameters = load(&path);
    for parameter in parameters.iter() {
        let _ = parameter.tensor.shallow_clone().fill_(7.0);
    }
    assert!(parameters.iter().all(|one| largest(&one.tensor) == 7.0));
    assert!(fs::read(&path).unwrap() == original());
}
