//! Whether the machine has a driver for NVIDIA's GPUs, and which GPUs it drives.

use std::path::Path;

use fs_err as fs;

/// The folder in which the driver tells of itself.
const FOLDER: &str = "/proc/driver/nvidia";

/// NVIDIA's driver, as it tells of itself without a library being loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NvidiaDriver {
    /// The version, such as `580.65.06`, where it can be told.
    pub version: Option<String>,
    /// The names of the GPUs.
    pub gpus: Vec<String>,
}

impl NvidiaDriver {
    /// Looks whether this machine has the driver.
    pub fn of_this_machine() -> Option<Self> {
        Self::below(Path::new(FOLDER))
    }

    fn below(folder: &Path) -> Option<Self> {
        let version = version(&fs::read_to_string(folder.join("version")).ok()?);
        let entries = fs::read_dir(folder.join("gpus")).ok().into_iter().flatten();
        let mut folders: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        folders.sort();
        let gpus = folders.iter().filter_map(|folder| {
            let text = fs::read_to_string(folder.join("information")).ok()?;
            let model = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
            Some(model.trim().to_owned())
        });
        Some(Self { version, gpus: gpus.collect() })
    }
}

/// Returns the first word that is a version: numbers with dots between them.
fn version(text: &str) -> Option<String> {
    let is_version =
        |word: &&str| word.split('.').count() > 1 && word.split('.').all(|part| part.parse::<u32>().is_ok());
    text.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_the_driver_tell_their_version() {
        let closed =
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.182.03  Fri Feb 24 03:29:56 UTC 2023\n";
        assert_eq!(version(closed).as_deref(), Some("470.182.03"));
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\nGCC version: 12.2.0\n";
        assert_eq!(version(open).as_deref(), Some("580.65.06"));
        assert_eq!(version("nothing"), None);
    }

    #[test]
    fn the_gpus_are_named_in_the_order_of_their_places() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(NvidiaDriver::below(folder.path()), None, "there is no driver");
        fs::write(folder.path().join("version"), "NVRM version: 580.65.06\n").unwrap();
        for (place, model) in [("0000:41:00.0", "NVIDIA H200"), ("0000:01:00.0", "NVIDIA L4")] {
            let gpu = folder.path().join("gpus").join(place);
            fs::create_dir_all(&gpu).unwrap();
            fs::write(gpu.join("information"), format!("Model: \t\t {model}\nIRQ: 7\n")).unwrap();
        }
        let driver = NvidiaDriver::below(folder.path()).unwrap();
        assert_eq!(driver.version.as_deref(), Some("580.65.06"));
        assert_eq!(driver.gpus, ["NVIDIA L4", "NVIDIA H200"]);
    }
}
