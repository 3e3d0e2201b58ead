//! What all targets need.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns a folder, in memory if there is one, that belongs to this process. `FUZZ_FOLDER` names another.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let own = || root.join(format!("cliptune-fuzz-{}", std::process::id()));
        let folder = std::env::var_os("FUZZ_FOLDER").map_or_else(own, PathBuf::from);
        std::fs::create_dir_all(&folder).expect("a folder for the files of the target");
        folder
    })
}

/// Writes a file into that folder and returns its path.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("a file of the target");
    path
}
