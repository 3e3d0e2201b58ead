//! By which rule a library was found.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::environment::{OWN_LIBRARIES, is_of_python};
use crate::{LIBRARY_PATH, LIBTORCH, ORT_DYLIB_PATH};

/// By which rule a library was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A variable names it, or a folder that it lies in.
    Variable(&'static str),
    /// It came with cliptune.
    Package,
    /// It belongs to a package of the Python environment that cliptune is installed in.
    Environment,
    /// `scripts/setup` has put it into the checkout.
    Checkout,
    /// It lies beside the program.
    Beside,
    /// It lies where the system has its libraries, or where cliptune was linked.
    System,
}

impl Origin {
    /// Tells by which rule a library was found for a program. Both are as the loader, or the search, has spelt them, because where
    /// a link leads says nothing of the rule.
    pub fn of(library: &Path, program: &Path) -> Self {
        Self::named(library).or_else(|| Self::placed(library, program)).unwrap_or(Self::System)
    }

    fn named(library: &Path) -> Option<Self> {
        let is_named = |folder: Option<PathBuf>| {
            folder.is_some_and(|folder| !folder.as_os_str().is_empty() && library.starts_with(folder))
        };
        let value = |name: &str| env::var_os(name).map(PathBuf::from);
        if let Some(name) = [ORT_DYLIB_PATH, LIBTORCH].into_iter().find(|name| is_named(value(name))) {
            return Some(Self::Variable(name));
        }
        let path = env::var_os(LIBRARY_PATH).unwrap_or_default();
        let is_searched = env::split_paths(&path).any(|folder| is_named(Some(folder)));
        is_searched.then_some(Self::Variable(LIBRARY_PATH))
    }

    fn placed(library: &Path, program: &Path) -> Option<Self> {
        let folder = program.parent()?;
        if library.parent() == Some(folder) {
            return Some(Self::Beside);
        }
        let above = folder.parent()?;
        // The loader writes bin/../lib, a search lib.
        let below = library.strip_prefix(folder.join("..")).or_else(|_| library.strip_prefix(above));
        match below {
            Ok(below) if below.starts_with(OWN_LIBRARIES) => Some(Self::Package),
            Ok(below) if is_of_python(below) => Some(Self::Environment),
            _ => library.components().any(|part| part.as_os_str() == "native").then_some(Self::Checkout),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable(name) => name,
            Self::Package => "came with cliptune",
            Self::Environment => "Python environment",
            Self::Checkout => "scripts/setup",
            Self::Beside => "beside the program",
            Self::System => "system",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_library_tells_whose_it_is() {
        let of = |library: &str| Origin::placed(Path::new(library), Path::new("/env/bin/cliptune-train"));
        assert_eq!(of("/env/bin/../lib/cliptune/libduckdb.so"), Some(Origin::Package));
        assert_eq!(
            of("/env/bin/../lib/python3.12/site-packages/torch/lib/libc10.so"),
            Some(Origin::Environment)
        );
        assert_eq!(of("/env/lib/python3.12/site-packages/onnxruntime/capi/x.so"), Some(Origin::Environment));
        assert_eq!(
            of("/env/bin/../lib64/python3.12/site-packages/torch/lib/libc10.so"),
            Some(Origin::Environment)
        );
        assert_eq!(of("/env/bin/libonnxruntime.so"), Some(Origin::Beside));
        assert_eq!(of("/env/bin/../../native/duckdb/libduckdb.so"), Some(Origin::Checkout));
        assert_eq!(of("/lib/x86_64-linux-gnu/libc.so.6"), None);
        assert_eq!(of("/env/lib/libduckdb.so"), None);
    }
}
