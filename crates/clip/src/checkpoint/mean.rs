//! Averages several checkpoints.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use half::{bf16, f16};

use super::Checkpoint;
use super::error::CheckpointError;
use super::header::FloatKind;
use super::layout::Layout;
use super::source::Source;
use super::write::write_file;
use crate::config::ClipConfig;

/// How many numbers of a weight are added up at a time.
const CHUNK: usize = 1 << 18;

impl Checkpoint {
    /// Writes the mean of the weights of several checkpoints with the same configuration into one safetensors file,
    /// with Hugging Face's names. This is a uniform "model soup" (Wortsman et al. 2022, section 2). The sum is computed
    /// in 64 bits and the result is written in 32.
    ///
    /// Reads a little at a time, however large the models are.
    ///
    /// # Errors
    /// Fails when a file cannot be read or written.
    pub fn write_mean(of: &[&Self], config: &ClipConfig, path: &Path) -> Result<(), CheckpointError> {
        let sources = of.iter().map(|one| Source::open(one)).collect::<Result<Vec<_>, _>>()?;
        let tensors: Vec<_> =
            Layout::HuggingFace.tensors(config).into_iter().map(|tensor| (FloatKind::F32, tensor)).collect();
        write_file(path, &tensors, |_, tensor, file| {
            tensor.fills.weights().iter().try_for_each(|weight| write_mean_of(&sources, weight, file))
        })
    }
}

fn write_mean_of(sources: &[Source], weight: &str, to: &mut impl Write) -> Result<(), CheckpointError> {
    let length = sources.first().map_or(0, |source| source.len(weight));
    for start in (0..length).step_by(CHUNK) {
        let elements = start..length.min(start + CHUNK);
        let mut sums = vec![0.0; elements.len()];
        for source in sources {
            for (sum, value) in sums.iter_mut().zip(values(source, weight, elements.clone())?) {
                *sum += value;
            }
        }
        let count = sources.len() as f64;
        let means: Vec<u8> = sums.iter().flat_map(|sum| ((sum / count) as f32).to_le_bytes()).collect();
        to.write_all(&means).map_err(CheckpointError::Write)?;
    }
    Ok(())
}

/// Reads some elements of a weight.
fn values(source: &Source, weight: &str, elements: Range<usize>) -> Result<Vec<f64>, CheckpointError> {
    let mut kinds = source.kinds(weight);
    let first = kinds.next().unwrap_or(FloatKind::F32);
    if let Some(second) = kinds.find(|&kind| kind != first) {
        return Err(CheckpointError::Mixed { name: weight.to_owned(), first, second });
    }
    let mut bytes = Vec::with_capacity(elements.len() * first.bytes());
    source.copy(weight, elements, &mut bytes)?;
    Ok(numbers(&bytes, first))
}

/// Converts the bytes of numbers of any float type.
pub(super) fn numbers(bytes: &[u8], kind: FloatKind) -> Vec<f64> {
    match kind {
        FloatKind::F64 => bytes.as_chunks().0.iter().map(|&number| f64::from_le_bytes(number)).collect(),
        FloatKind::F32 => {
            bytes.as_chunks().0.iter().map(|&number| f64::from(f32::from_le_bytes(number))).collect()
        }
        FloatKind::F16 => {
            bytes.as_chunks().0.iter().map(|&number| f16::from_le_bytes(number).to_f64()).collect()
        }
        FloatKind::Bf16 => {
            bytes.as_chunks().0.iter().map(|&number| bf16::from_le_bytes(number).to_f64()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_a_half_is_read_from_every_kind() {
        let one_and_a_half: [(&[u8], FloatKind); 4] = [
            (&1.5_f64.to_le_bytes(), FloatKind::F64),
            (&1.5_f32.to_le_bytes(), FloatKind::F32),
            (&[0x00, 0x3e], FloatKind::F16),
            (&[0xc0, 0x3f], FloatKind::Bf16),
        ];
        for (bytes, kind) in one_and_a_half {
            assert_eq!(numbers(bytes, kind), [1.5], "{kind:?}");
        }
    }
}
