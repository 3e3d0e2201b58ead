//! The verdicts of the parity gate that are remembered: a run whose files passed it passes it again.

use std::path::PathBuf;

use cliptune_encode::known;
use cliptune_encode::runtime::Runtime;
use cliptune_store::{Dataset, Parity, Run, StoreError, file_hash, make_room, read_compact, write_compact};

use crate::parity::TOLERANCE;
use crate::score::Recall;

/// The version of the gate, raised with every change in what it compares and in how a graph is checked before.
const GATE: u32 = 1;
/// The number of hexadecimal digits of a hash in a file's name.
const DIGITS: usize = 32;
/// The most verdicts that are remembered.
const MOST: usize = 1000;

/// The place of a verdict, `cache/verdicts/<hash>.bin`, which is named after everything that the gate looks at.
pub(crate) struct Verdict {
    file: PathBuf,
}

impl Verdict {
    /// Returns the place of the verdict on a run with these files, whose sample is of this dataset.
    pub(crate) fn of(
        recall: &Recall<'_>,
        runtime: &Runtime,
        run: &Run,
        dataset: &Dataset,
    ) -> Result<Self, StoreError> {
        let (tolerance, version) = (TOLERANCE.to_string(), known::version());
        let (dataset, sample) = (&dataset.record().hash, file_hash(&run.parity_file())?);
        // Texts in quotes, which no two different ones have in common.
        let all = format!("{:?}", ([runtime.build(), &tolerance, &version, dataset, &sample], recall.files));
        let name = format!("{}.bin", &blake3::hash(all.as_bytes()).to_hex()[..DIGITS]);
        Ok(Self { file: recall.cache.join("verdicts").join(name) })
    }

    /// Returns what the gate found, if the run has passed it.
    pub(crate) fn passed(&self) -> Option<Parity> {
        serde_json::from_str(&read_compact::<String>(&self.file, GATE)?).ok()
    }

    /// Remembers that the run has passed.
    pub(crate) fn remember(&self, parity: &Parity) {
        if let (Ok(text), Some(folder)) = (serde_json::to_string(parity), self.file.parent()) {
            write_compact(&self.file, GATE, &text);
            make_room(folder, u64::MAX, MOST);
        }
    }
}
