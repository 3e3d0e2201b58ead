//! Shows the progress of a fetch to the user.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use cliptune_terminal::{Printer, Progress, format};

use crate::error::Result;
use crate::hub::{Hub, Snapshot};
use crate::id::HubId;
use crate::progress::{Event, Observer};

/// Fetches a model and shows a progress bar for each file. The fetch stops when the flag is set.
///
/// # Errors
///
/// Returns the errors of [`Hub::fetch`].
pub fn fetch_shown(hub: &Hub, id: &HubId, printer: &Printer, interrupted: &AtomicBool) -> Result<Snapshot> {
    hub.fetch(id, &Shown { id, printer, interrupted, bar: RefCell::new(None) })
}

struct Shown<'a> {
    id: &'a HubId,
    printer: &'a Printer,
    interrupted: &'a AtomicBool,
    /// The progress bar of the file that is being downloaded.
    bar: RefCell<Option<Progress>>,
}

impl Shown<'_> {
    fn downloading(&self, file: &str, done: u64, total: u64) {
        let mut bar = self.bar.borrow_mut();
        bar.get_or_insert_with(|| self.printer.progress(&format!("{}: {file}", self.id), total, "bytes"))
            .set(done);
    }
}

impl Observer for Shown<'_> {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Resolved { commit, files } => {
                let files = format::counted(files as u64, "file");
                self.printer.status(&format!("{}: commit {commit}, {files}", self.id));
            }
            Event::Cached { .. } => {}
            Event::Downloading { file, done, total } => self.downloading(file.as_str(), done, total),
            Event::Downloaded { .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish();
                }
            }
            Event::Notice(notice) => self.printer.warn(&notice.to_string()),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
