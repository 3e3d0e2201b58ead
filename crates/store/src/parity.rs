//! `onnx/parity.json`: the logits that libtorch computed when the run was exported.

use serde::{Deserialize, Serialize};

use crate::error::{Damage, StoreError};
use crate::record::{read_record, write_record};
use crate::regular::is_absent;
use crate::run::Run;
use crate::score_record::ParitySample;

/// The version of the record.
const FORMAT: u32 = 2;

/// The sample as the file holds it.
#[derive(Serialize, Deserialize)]
struct Record<S> {
    format_version: u32,
    #[serde(flatten)]
    sample: S,
}

/// Writes the sample beside the run's graphs.
pub fn write_parity(run: &Run, sample: &ParitySample) -> Result<(), StoreError> {
    write_record(&run.parity_file(), &Record { format_version: FORMAT, sample })
}

/// Reads the parity sample of a run that was exported.
///
/// # Errors
/// Returns an error when the sample is missing or damaged. It can be made again from the run's weights.
pub fn read_parity(run: &Run) -> Result<ParitySample, StoreError> {
    let path = run.parity_file();
    if is_absent(&path) {
        return Err(StoreError::damaged(&path, Damage::Missing));
    }
    read_record(&path, FORMAT).map(|record: Record<ParitySample>| record.sample)
}
