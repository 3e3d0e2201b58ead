//! Locates the native libraries: run-time search paths for binaries, and the ONNX Runtime to load.
//!
//! `scripts/setup` puts the pinned libraries into `native/` of a checkout; an installed cliptune has DuckDB beside its programs
//! and the others in the Python environment around them. A user's own `LIBTORCH`, `DUCKDB_LIB_DIR` or `ORT_DYLIB_PATH` takes
//! precedence. Only this crate knows these layouts. Build scripts of binaries call [`emit_rpath`]; whoever uses models calls
//! [`silence_onnx_runtime`] and [`onnx_runtime`]; `cliptune` asks the loader what it would take ([`Loaded`]) before it starts a
//! training, because the loader itself would answer in names of symbols.

mod duckdb;
mod environment;
mod installation;
mod libtorch;
mod loader;
mod onnx_runtime;
mod origin;
mod pinned;
#[cfg(test)]
mod scratch;
mod search_path;

pub use duckdb::{DUCKDB_ALLOCATOR, LIBDUCKDB, duckdb_allocator, duckdb_version};
pub use installation::Installation;
pub use libtorch::{LIBTORCH_CPU, Libtorch, NoLibtorch, path_to_named_libtorch};
pub use loader::{Library, Loaded};
pub use onnx_runtime::{onnx_runtime, onnx_runtime_is_silent, onnx_runtime_version, silence_onnx_runtime};
pub use origin::Origin;
pub use pinned::Pinned;
pub use search_path::emit_rpath;

/// The variable for the folder with libtorch (`lib/`, `include/`), which is needed to build and run `cliptune-train`.
pub const LIBTORCH: &str = "LIBTORCH";
/// The variable for the folder with `libduckdb.so`.
pub const DUCKDB_LIB_DIR: &str = "DUCKDB_LIB_DIR";
/// The variable for the ONNX Runtime library file itself.
pub const ORT_DYLIB_PATH: &str = "ORT_DYLIB_PATH";
/// The variable that turns ONNX Runtime's telemetry off if it is `1` before the library is loaded.
///
/// Since 1.29 the library sends telemetry on Linux, too. It looks up a host and writes into the user's cache as soon as
/// its environment is created, so no function of its interface could be called early enough.
pub const ORT_DISABLE_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// The variable with the folders that the loader searches before those that a program names.
const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";
