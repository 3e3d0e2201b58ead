//! Turns 32-bit floats into 16-bit floats, and leaves the inputs and outputs as they are.
//!
//! Everything between the two casts is computed in 16 bits, as in the `*_fp16.onnx` files that Optimum and
//! Transformers.js publish. If a file only stored halves, every runtime would widen them when it loads the file, and a
//! GPU would gain nothing. The operations that would lose most are safe as they stand: `LayerNormalization` computes
//! mean and variance in 32 bits whatever its inputs are (its `stash_type`), nothing is normalised or scaled by
//! `logit_scale` inside a tower, and the mask's −30000 can be represented in 16 bits.

use std::io::{self, Read, Write};

use half::f16;

use super::rows::Floats;
use super::{Form, Made, Reduced, is_float};
use crate::graph::Op;
use crate::proto::{self, DataType};

/// The number of floats that are converted at a time.
const CHUNK: usize = 1 << 14;

/// Rewrites a graph so that it computes in 16 bits between 32-bit inputs and outputs.
pub(super) fn to_half(mut graph: proto::Graph) -> Reduced {
    let initializers = std::mem::take(&mut graph.initializer).into_iter().map(made).collect();
    let inputs: Vec<String> = floats(&graph.input);
    let outputs: Vec<String> = floats(&graph.output);
    for name in inputs.iter().chain(&outputs) {
        rename(&mut graph.node, name, &inside(name));
    }
    graph.node.iter_mut().for_each(cast_to_half);
    let narrowed = inputs.iter().map(|name| cast(DataType::Float16, name, &inside(name)));
    let widened = outputs.iter().map(|name| cast(DataType::Float, &inside(name), name));
    graph.node.splice(0..0, narrowed);
    graph.node.extend(widened);
    Reduced { graph, initializers }
}

fn made(source: proto::Tensor) -> Made {
    if !is_float(&source) {
        return Made::same(source);
    }
    let (name, dims) = (source.name().to_owned(), source.dims.clone());
    Made::new(&source, name, dims, DataType::Float16, Form::Half)
}

/// Returns the names of those inputs or outputs that are 32-bit floats.
fn floats(values: &[proto::ValueInfo]) -> Vec<String> {
    let is_float = |value: &&proto::ValueInfo| {
        let tensor = value.value_type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        tensor.and_then(|tensor| tensor.elem_type) == Some(DataType::Float as i32)
    };
    values.iter().filter(is_float).map(|value| value.name().to_owned()).collect()
}

/// Returns the name of an input or output on the 16-bit side of its cast.
fn inside(name: &str) -> String {
    format!("{name}/fp16")
}

fn rename(nodes: &mut [proto::Node], from: &str, to: &str) {
    for value in nodes.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output)) {
        if value == from {
            to.clone_into(value);
        }
    }
}

/// Turns a cast to 32-bit floats inside the graph into a cast to 16-bit floats.
fn cast_to_half(node: &mut proto::Node) {
    if node.op_type() == "Cast" {
        let target = node.attribute.iter_mut().find(|attribute| attribute.name() == "to");
        if let Some(target) = target.filter(|target| target.i == Some(DataType::Float as i64)) {
            target.i = Some(DataType::Float16 as i64);
        }
    }
}

fn cast(to: DataType, from: &str, name: &str) -> proto::Node {
    Op::new("Cast").int("to", to as i64).node(&[from], vec![name.to_owned()])
}

/// Writes 32-bit floats as the nearest 16-bit floats. A number that is too large becomes the largest finite one,
/// because an infinity would spread to every number computed from it.
pub(super) fn write(source: &mut dyn Read, elements: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut floats = Floats::new(source);
    let mut left = elements;
    while left > 0 {
        let row = floats.row(left.min(CHUNK))?;
        let bytes: Vec<u8> = row.iter().flat_map(|&value| nearest(value).to_le_bytes()).collect();
        out.write_all(&bytes)?;
        left -= row.len();
    }
    Ok(())
}

fn nearest(value: f32) -> f16 {
    let largest = f16::MAX.to_f32();
    f16::from_f32(value.clamp(-largest, largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numpys() {
        // numpy.array([0.1, 1.702, 65504, 6e-8, 1e-9, -30000, 2049], "f4").astype("f2").view("u2")
        let values = [0.1, 1.702, 65504.0, 6e-8, 1e-9, -30000.0, 2049.0];
        let expected = [0x2e66, 0x3ecf, 0x7bff, 0x0001, 0x0000, 0xf753, 0x6800];
        assert_eq!(values.map(|value| nearest(value).to_bits()), expected);
    }

    #[test]
    fn the_largest_number_stands_for_larger_ones_and_nan_stays() {
        assert_eq!([1e6, f32::NEG_INFINITY].map(|value| nearest(value).to_f32()), [65504.0, -65504.0]);
        assert!(nearest(f32::NAN).is_nan());
    }

    #[test]
    fn all_elements_are_written_whatever_the_chunks() {
        let bytes: Vec<u8> = (0..CHUNK + 3).flat_map(|value| (value as f32).to_le_bytes()).collect();
        let mut out = Vec::new();
        write(&mut bytes.as_slice(), CHUNK + 3, &mut out).unwrap();
        assert_eq!(out.len(), 2 * (CHUNK + 3));
        assert_eq!(out[2 * CHUNK..2 * CHUNK + 2], f16::from_f32(CHUNK as f32).to_le_bytes());
    }
}
