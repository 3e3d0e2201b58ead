//! How this cliptune came onto the machine, and so what brings a library that is missing.

use std::path::Path;

use crate::environment::{OWN_LIBRARIES, above_programs, packages_below};
use crate::pinned::Pinned;
use crate::{DUCKDB_LIB_DIR, LIBTORCH, ORT_DYLIB_PATH};

/// How this cliptune came onto the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installation {
    /// As a package of a Python environment.
    Environment,
    /// As a folder that was unpacked.
    Folder,
    /// It was compiled in a checkout.
    Checkout,
}

impl Installation {
    /// Tells how the program that is running came onto the machine.
    pub fn of_this_program() -> Self {
        above_programs().map_or(Self::Checkout, |above| Self::around(&above))
    }

    fn around(above: &Path) -> Self {
        if !above.join(OWN_LIBRARIES).is_dir() {
            Self::Checkout
        } else if packages_below(above).next().is_some() {
            Self::Environment
        } else {
            Self::Folder
        }
    }

    /// Returns what brings a library, in words that begin with a command where there is one.
    pub fn advice(self, library: Pinned) -> String {
        let version = library.version();
        match (self, library) {
            (Self::Environment, Pinned::Torch) => format!(
                "`pip install 'cliptune[train]'` brings torch {version} into this environment; with pipx it is `pipx inject cliptune \
                 torch=={version}`, with uv `uv tool install` of the wheel `--with torch=={version}`"
            ),
            (Self::Environment, Pinned::OnnxRuntime) => {
                format!("`pip install onnxruntime=={version}` brings it into the environment of cliptune")
            }
            (Self::Environment, Pinned::DuckDb) => {
                "`pip install --force-reinstall` of the wheel brings back what came with cliptune".to_owned()
            }
            (Self::Folder, Pinned::Torch) => format!(
                "set {LIBTORCH} to the folder above lib/{} of a libtorch {version}: `pip install torch=={version}` puts one into \
                 site-packages/torch",
                crate::LIBTORCH_CPU
            ),
            (Self::Folder, Pinned::OnnxRuntime) => format!(
                "set {ORT_DYLIB_PATH} to a libonnxruntime.so: `pip install onnxruntime=={version}` puts one into \
                 site-packages/onnxruntime/capi"
            ),
            (Self::Folder, Pinned::DuckDb) => {
                format!("unpack the whole archive of cliptune: {OWN_LIBRARIES} lies beside bin")
            }
            (Self::Checkout, _) => {
                format!("`scripts/setup` fetches it; {} names one of your own", variable(library))
            }
        }
    }

    /// Returns what brings back programs that are missing, or that are of several versions.
    pub fn advice_on_programs(self) -> String {
        let all = match self {
            Self::Environment => "`pip install --force-reinstall` of the wheel installs them again",
            Self::Folder => "unpack the whole archive of cliptune",
            Self::Checkout => {
                "`cargo build --workspace --bins` builds them, with `--release` those of target/release"
            }
        };
        format!("all programs belong into one folder; {all}")
    }
}

fn variable(library: Pinned) -> &'static str {
    match library {
        Pinned::Torch => LIBTORCH,
        Pinned::OnnxRuntime => ORT_DYLIB_PATH,
        Pinned::DuckDb => DUCKDB_LIB_DIR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_around_a_program_tell_how_it_came() {
        let root = crate::scratch::Scratch::new();
        let around = || Installation::around(root.path());
        assert_eq!(around(), Installation::Checkout);
        std::fs::create_dir_all(root.path().join("lib/cliptune")).unwrap();
        assert_eq!(around(), Installation::Folder);
        std::fs::create_dir_all(root.path().join("lib/python3.12/site-packages")).unwrap();
        assert_eq!(around(), Installation::Environment);
    }

    #[test]
    fn advice_for_an_environment_names_the_extra() {
        let advice = Installation::Environment.advice(Pinned::Torch);
        assert!(advice.contains("pip install 'cliptune[train]'"), "{advice}");
        let advice = Installation::Folder.advice(Pinned::Torch);
        assert!(advice.contains("LIBTORCH") && advice.contains(Pinned::Torch.version()), "{advice}");
    }
}
