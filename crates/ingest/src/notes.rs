//! Notes that tell the user how the sources were read.

use std::collections::BTreeMap;

use cliptune_experiment::LabelReading;
use cliptune_store::{Inputs, JoinSide, Reject, SourceNotes};

use crate::headers::Header;
use crate::join::Joined;

/// The number of sample keys from each side.
const SAMPLES: usize = 2;

/// Makes notes on how labels, files and images were read, and on the keys that matched nothing.
pub(crate) fn notes(
    inputs: &Inputs,
    headers: &[Header],
    joined: &Joined,
    label: Option<LabelReading>,
    rejects: &[Reject],
) -> SourceNotes {
    let images = || headers.iter().flatten();
    let lonely = joined.images_without_row.iter().filter_map(|&image| joined.image_keys[image].clone());
    let lost = joined.rows.iter().filter(|row| row.images == 0).filter_map(|row| row.key.clone());
    SourceNotes {
        label,
        passed_over: inputs.passed_over.clone(),
        rotated_images: images().filter(|image| image.rotated).count() as u64,
        deep_images: images().filter(|image| image.deep).count() as u64,
        reject_examples: examples(rejects),
        unmatched_image_keys: first_distinct(lonely),
        unmatched_row_keys: first_distinct(lost),
    }
}

/// Returns the first reject for each reason that comes with a value.
fn examples(rejects: &[Reject]) -> BTreeMap<String, String> {
    let mut examples = BTreeMap::new();
    for reject in rejects.iter().filter(|reject| !reject.detail.is_empty()) {
        let whose = match reject.side {
            JoinSide::Image => reject.key.clone(),
            JoinSide::Row => format!("row {}", reject.key),
        };
        let example = || format!("{whose}: {}", reject.detail);
        examples.entry(reject.reason.to_string()).or_insert_with(example);
    }
    examples
}

fn first_distinct(keys: impl Iterator<Item = String>) -> Vec<String> {
    let mut samples: Vec<String> = Vec::new();
    for key in keys {
        if samples.len() == SAMPLES {
            break;
        }
        if !samples.contains(&key) {
            samples.push(key);
        }
    }
    samples
}
