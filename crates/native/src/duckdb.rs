//! DuckDB's library.

use std::path::Path;

use crate::pinned::Pinned;

/// The name of DuckDB's library.
pub const LIBDUCKDB: &str = "libduckdb.so";

/// The variable with options for the allocator in DuckDB's library, which reads them when it is loaded.
pub const DUCKDB_ALLOCATOR: &str = "DUCKDB_JE_MALLOC_CONF";

/// Returns options for the allocator in DuckDB's library, for a process whose memory one thread after another uses.
///
/// DuckDB gives each processor an arena, and a thread touches new memory beside what another one has freed. Here two processors
/// share one. What has been free for 0.2 seconds goes back to the system and no longer counts as used.
pub fn duckdb_allocator() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!("narenas:{},dirty_decay_ms:200,muzzy_decay_ms:0", processors.div_ceil(2))
}

/// Returns the version of a DuckDB that came with cliptune, or that `scripts/setup` has fetched.
pub fn duckdb_version(library: &Path) -> Option<String> {
    Pinned::DuckDb.version_beside(library)
}
