//! The graphs of model folders that no run has exported, in the cache of a store.
//!
//! ONNX Runtime refuses weights that are a link or lie outside of the folder of their graph, so that a folder of graphs has
//! weights of its own. The folder of the model is left as it is.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cliptune_clip::ModelFolder;
use cliptune_clip::model_folder::FolderLayout;
use cliptune_durable::{StagedFolder, discard};
use cliptune_store::{Store, file_hash, read_compact, write_compact};
use cliptune_terminal::Printer;
use fs_err as fs;

use crate::error::ApplyError;

/// The name of the folder in the cache.
const FOLDER: &str = "graphs";
/// The version of the folder, raised with every change in the graphs that are written.
const FORMAT: u32 = 1;
/// The file that says what the folder was made of.
const SEAL: &str = "sealed.bin";
/// The most folders that are kept, each as large as a model.
const MOST: usize = 4;
/// The number of hexadecimal digits of a hash in a folder's name.
const DIGITS: usize = 32;

/// Returns the folder with the graphs of a model folder with this hash. It is a model folder, too.
pub(crate) fn of(store: &Store, folder: &Path, hash: &str, printer: &Printer) -> Result<PathBuf, ApplyError> {
    let kept = store.cache_folder().join(FOLDER);
    let place = kept.join(&hash[..DIGITS.min(hash.len())]);
    if is_whole(store, &place) {
        return Ok(place);
    }
    discard(&place)?;
    let model = ModelFolder::open(folder)?;
    printer.status(&format!("writing the graphs of {} for the first time", folder.display()));
    let staged = StagedFolder::beside(&place)?;
    model.write(FolderLayout::HuggingFace, staged.path())?;
    cliptune_onnx::export(staged.path(), staged.path())?;
    let place = staged.commit()?;
    write_compact(&place.join(SEAL), FORMAT, &seal(store, &place)?);
    make_room(&kept, &place);
    Ok(place)
}

/// Returns what tells whether any file of a folder of graphs has changed: the hashes of its model and of its graphs. Weights
/// whose size and times are as they were are not read again.
fn seal(store: &Store, folder: &Path) -> Result<Vec<String>, ApplyError> {
    let mut hashes = vec![store.model_hash(folder)?];
    let mut graphs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        graphs.extend(path.extension().is_some_and(|extension| extension == "onnx").then_some(path));
    }
    graphs.sort_unstable();
    for graph in graphs {
        hashes.push(file_hash(&graph)?);
    }
    Ok(hashes)
}

fn is_whole(store: &Store, folder: &Path) -> bool {
    let sealed = read_compact::<Vec<String>>(&folder.join(SEAL), FORMAT);
    sealed.is_some_and(|sealed| seal(store, folder).is_ok_and(|now| now == sealed))
}

/// Removes the oldest folders but for a few. What cannot be removed stays.
fn make_room(kept: &Path, newest: &Path) {
    let Ok(entries) = fs::read_dir(kept) else { return };
    let made =
        |path: &Path| fs::metadata(path).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_graphs = |path: &PathBuf| path != newest && path.join(SEAL).is_file();
    let mut folders: Vec<(SystemTime, PathBuf)> =
        paths.filter(is_graphs).map(|path| (made(&path), path)).collect();
    folders.sort_unstable();
    let surplus = (folders.len() + 1).saturating_sub(MOST);
    folders.into_iter().take(surplus).for_each(|(_, path)| {
        let _ = discard(&path);
    });
}
