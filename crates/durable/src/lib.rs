//! Files and folders that are complete or absent, whatever happens while they are written.
//!
//! Everything that another process may read is written beside its final place, made durable and then renamed. A crash,
//! a kill or a full disk leaves what was there before. Whatever is unfinished has a name with a leading dot, which
//! nobody reads, and is removed later.
//!
//! | to write | use |
//! |---|---|
//! | a file from memory | [`write_atomic`] |
//! | a file too large for memory, or several that belong together | [`AtomicFile`] |
//! | a folder | [`StagedFolder`] |
//! | a file that lies elsewhere, complete | [`publish`], [`link_or_copy`] |

mod error;
mod file;
mod folder;
mod link;
mod names;

pub use error::{DurableError, advice};
pub use file::{AtomicFile, CompleteFile, publish, write_atomic};
pub use folder::StagedFolder;
pub use link::link_or_copy;
pub use names::{parent, remove_unfinished};
