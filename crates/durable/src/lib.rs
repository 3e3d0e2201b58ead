//! Writes files and folders that are either complete or absent, whatever happens in the meantime, and reads files that are
//! files, whatever has their names.
//!
//! Everything that another process may read is written beside its final place, made durable and then renamed. A crash,
//! a kill or a full disk leaves what was there before. Unfinished files and folders have names with a leading dot,
//! which no reader looks at, and they are removed later.
//!
//! | to write | use |
//! |---|---|
//! | a file from memory | [`write_atomic`] |
//! | a file of a cache, with a checksum, or one in a staged folder | [`write_remade`] |
//! | a file too large for memory, or several that belong together | [`AtomicFile`] |
//! | a folder | [`StagedFolder`] |
//! | a file that lies elsewhere, complete | [`publish`], [`link_or_copy`] |
//!
//! [`move_folder`] and [`discard`] take away what is there. [`unfinished`] finds what killed processes have left, and
//! [`sweep`] and [`sweep_below`] remove it.
//!
//! | to read | use |
//! |---|---|
//! | a file of somebody else | [`open_regular`], [`read_whole`], [`read_whole_into`], [`read_regular`], [`read_regular_text`] |
//!
//! [`boot_id`] tells the boots of machines apart: a lock, and the number of a process, mean something on one of them alone.

mod boot;
mod error;
mod file;
mod folder;
mod link;
mod names;
mod regular;

pub use boot::boot_id;
pub use error::{DurableError, advice};
pub use file::{AtomicFile, CompleteFile, publish, write_atomic, write_remade};
pub use folder::{StagedFolder, discard, move_folder};
pub use link::link_or_copy;
pub use names::{
    UNFINISHED, Unfinished, parent, remove_unfinished, sweep, sweep_below, unfinished, unfinished_prefix,
};
pub use regular::{open_regular, read_regular, read_regular_text, read_whole, read_whole_into};
