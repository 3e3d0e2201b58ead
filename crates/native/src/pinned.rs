//! The versions of the native libraries that cliptune is built against.

use std::path::Path;

/// The list that `scripts/setup` fetches, each line of which is a registry, a package, its version and a hash.
const LIST: &str = include_str!("../../../scripts/native-libraries.txt");

/// The places of a copy of the list, seen from a library: beside it where cliptune is installed, and in `native/` of a checkout.
const COPIES: [&str; 3] = ["native-libraries.txt", "../.complete", "../../.complete"];

/// A native library whose version is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// libtorch, which trains.
    Torch,
    /// ONNX Runtime, which scores and applies models.
    OnnxRuntime,
    /// DuckDB, which reads tables.
    DuckDb,
}

impl Pinned {
    /// Returns the version that cliptune is built against.
    pub fn version(self) -> &'static str {
        // A test holds the list to having all three.
        self.version_in(LIST).unwrap_or_default()
    }

    /// Returns the version of a library that lies where cliptune itself, or `scripts/setup`, has put it.
    pub(crate) fn version_beside(self, library: &Path) -> Option<String> {
        let folder = library.parent()?;
        COPIES.iter().find_map(|copy| {
            let list = std::fs::read_to_string(folder.join(copy)).ok()?;
            self.version_in(&list).map(str::to_owned)
        })
    }

    fn version_in(self, list: &str) -> Option<&str> {
        list.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
            let mut words = line.split_whitespace();
            let (_, package, version) = (words.next()?, words.next()?, words.next()?);
            // DuckDB's package is a revision of its library.
            self.is_in(package).then(|| version.split_once("-r.").map_or(version, |(library, _)| library))
        })
    }

    fn is_in(self, package: &str) -> bool {
        match self {
            Self::Torch => package == "torch",
            Self::OnnxRuntime => package == "onnxruntime",
            Self::DuckDb => package.starts_with("@duckdb/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_has_a_version() {
        for library in [Pinned::Torch, Pinned::OnnxRuntime, Pinned::DuckDb] {
            let version = library.version();
            let is_number = |part: &str| part.parse::<u32>().is_ok();
            assert!(
                version.split('.').count() == 3 && version.split('.').all(is_number),
                "{library:?}: {version}"
            );
        }
    }

    #[test]
    fn comments_and_other_packages_are_passed_over() {
        let list =
            "# torch 1\npypi torchvision 0.1.0 00\n\npypi torch 2.0.1 00\nnpm @duckdb/linux 1.5.6-r.1 00\n";
        assert_eq!(Pinned::Torch.version_in(list), Some("2.0.1"));
        assert_eq!(Pinned::DuckDb.version_in(list), Some("1.5.6"));
        assert_eq!(Pinned::OnnxRuntime.version_in(list), None);
    }
}
