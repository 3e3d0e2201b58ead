//! A file that is brought in by its parts, into a file with holes.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fs_err::{File, OpenOptions};

use crate::asking::Asking;
use crate::error::{Result, SourceError};
use crate::held::{Held, Present};
use crate::listing::Object;
use crate::part_download::{Outcome, PartDownload};
use crate::ranges::Ranges;
use crate::root::Root;
use crate::sparse::{Need, Needs, Sparse};

/// The size of the smallest file that is fetched in parts. A smaller one takes no longer than a question.
pub(crate) const SMALLEST: u64 = 1 << 20;
/// Ranges that are less than this apart are asked for together.
const GAP: u64 = 256 << 10;
/// The length of the longest range that is asked for at once.
const MOST: u64 = 16 << 20;
/// How often a file is asked what it needs before all of it is fetched.
const ROUNDS: usize = 8;

/// A file that is fetched in parts.
pub(crate) struct Parts<'a> {
    /// The object by its name in the listing.
    pub(crate) object: &'a Object,
    /// The path below the copy's files.
    pub(crate) name: String,
    /// The object by its name in the bucket.
    asked: Object,
    address: String,
    /// The file that the parts are written to.
    path: PathBuf,
    /// What the list of what is there calls that file.
    key: String,
    state: Mutex<State>,
    /// The number of ranges of the plan that are still to be fetched.
    left: AtomicUsize,
}

struct State {
    present: Ranges,
    plan: Plan,
    /// The number of bytes that are needed, as far as it is known.
    needed: u64,
    /// Whether the server does not send parts of this version.
    is_refused: bool,
    /// Whether nothing is left to be kept: the file is complete, or what has arrived is worthless.
    is_settled: bool,
}

/// How a file is fetched.
#[derive(Clone)]
pub(crate) enum Plan {
    /// As a whole.
    Whole,
    /// By these ranges, which are missing.
    Parts(Vec<Range<u64>>),
}

impl<'a> Parts<'a> {
    /// Checks whether parts of a file can be worth asking for, and can be told from those of another version. Two contents
    /// may have the same weak ETag.
    pub(crate) fn are_worthwhile(object: &Object) -> bool {
        object.size >= SMALLEST && !object.version.starts_with("W/")
    }

    /// Opens the file that has some parts of this version, or a new one that takes its place when it is complete. `asked`
    /// is the object by its name in the bucket.
    pub(crate) fn open(
        root: &Root,
        held: &Held,
        object: &'a Object,
        name: String,
        asked: Object,
        address: String,
    ) -> Result<Self> {
        let place = root.files().join(&name);
        let (sparse, sparse_key) = root.sparse(&name, object);
        let (path, key, present) = match held.present(&name, object, &place) {
            Some(Present::Parts(present)) => (place, name.clone(), Some(present)),
            _ => match held.present(&sparse_key, object, &sparse) {
                Some(Present::Parts(present)) => (sparse, sparse_key, Some(present)),
                _ => (sparse, sparse_key, None),
            },
        };
        match &present {
            Some(present) => held.note_growing(&key, object, present.clone())?,
            None => File::create(&path)?.set_len(object.size)?,
        }
        let present = present.unwrap_or_default();
        let state = State { present, plan: Plan::Whole, needed: 0, is_refused: false, is_settled: false };
        let (state, left) = (Mutex::new(state), AtomicUsize::new(0));
        Ok(Self { object, name, asked, address, path, key, state, left })
    }

    /// Finds out what is missing, for which some of it may have to be fetched.
    pub(crate) fn survey(&self, asking: &Asking<'_>, needs: Needs<'_>) -> Result<()> {
        let plan = self.find_plan(asking, needs)?;
        match &plan {
            Plan::Parts(missing) => self.left.store(missing.len().max(1), Ordering::Relaxed),
            Plan::Whole => self.discard(),
        }
        self.state().plan = plan;
        Ok(())
    }

    /// Returns what the survey has found.
    pub(crate) fn plan(&self) -> Plan {
        self.state().plan.clone()
    }

    /// Fetches a range of the plan, or an empty one if it has none, and returns whether it was the last one.
    pub(crate) fn fetch(
        &self,
        asking: &Asking<'_>,
        range: Range<u64>,
        on_bytes: &dyn Fn(u64),
    ) -> Result<bool> {
        self.receive(asking, range, on_bytes).map_err(|error| self.stopped(error))?;
        Ok(self.left.fetch_sub(1, Ordering::Relaxed) == 1)
    }

    /// Gives the file its place once everything that is needed is there. Returns false if all of the file is needed.
    pub(crate) fn complete(
        &self,
        asking: &Asking<'_>,
        needs: Needs<'_>,
        place: &Path,
        held: &Held,
    ) -> Result<bool> {
        for _ in 0..ROUNDS {
            let Plan::Parts(missing) = self.find_plan(asking, needs)? else { break };
            if missing.is_empty() {
                return self.publish(place, held).map(|()| true);
            }
            for range in missing {
                self.receive(asking, range, &|_| {})?;
            }
        }
        self.discard();
        Ok(false)
    }

    /// Keeps what has arrived for the next time. If that fails, it is only fetched again.
    pub(crate) fn keep(&self, held: &Held) {
        let State { present, is_settled, .. } = &*self.state();
        if !*is_settled && present.bytes() > 0 && self.settle().is_ok() {
            let _ = held.note(&self.key, self.object, &self.path, Some(present.clone()));
        }
    }

    fn find_plan(&self, asking: &Asking<'_>, needs: Needs<'_>) -> Result<Plan> {
        for _ in 0..ROUNDS {
            let present = self.state().present.clone();
            let need = needs(&Sparse::parts(&self.path, present.clone())?)?;
            match need {
                _ if self.state().is_refused => return Ok(Plan::Whole),
                Need::Parts(needed) if needed.bytes() <= self.object.size / 2 => {
                    self.state().needed = needed.bytes();
                    return Ok(self.plan_of(&needed, &present));
                }
                Need::First(range) if range.end <= self.object.size && !present.contains(&range) => {
                    for missing in Ranges::from(range).without(&present).requests(0, &present, MOST) {
                        self.receive(asking, missing, &|_| {})?;
                    }
                }
                Need::Whole | Need::Parts(_) | Need::First(_) => return Ok(Plan::Whole),
            }
        }
        Ok(Plan::Whole)
    }

    /// Plans to fetch what is missing, unless what lies between its ranges makes that most of the file.
    fn plan_of(&self, needed: &Ranges, present: &Ranges) -> Plan {
        let missing = needed.without(present).requests(GAP, present, MOST);
        match missing.iter().map(|range| range.end - range.start).sum::<u64>() <= self.object.size / 2 {
            true => Plan::Parts(missing),
            false => Plan::Whole,
        }
    }

    /// Fetches a range. What has arrived by the time that something fails is there.
    fn receive(&self, asking: &Asking<'_>, range: Range<u64>, on_bytes: &dyn Fn(u64)) -> Result<()> {
        if self.state().is_refused {
            return Ok(());
        }
        // Opened each time: there may be more files than one process may have open.
        let file = &OpenOptions::new().write(true).open(&self.path)?;
        let Self { asked: object, address, .. } = self;
        let mut download = PartDownload { asking, object, address, file, at: range.start, end: range.end };
        let outcome = download.run(on_bytes);
        let mut state = self.state();
        state.present = state.present.with(range.start..download.at);
        state.is_refused |= matches!(outcome, Ok(Outcome::Refused));
        drop(state);
        if matches!(outcome, Err(SourceError::Changed { .. } | SourceError::Size { .. })) {
            self.discard();
        }
        outcome.map(|_| ())
    }

    fn publish(&self, place: &Path, held: &Held) -> Result<()> {
        self.settle()?;
        if self.path != place {
            cliptune_durable::publish(&self.path, place)?;
        }
        let present = self.state().present.clone();
        held.note(&self.name, self.object, place, Some(present))?;
        self.state().is_settled = true;
        Ok(())
    }

    /// Removes what has arrived, unless it lies in its place, where somebody may be reading it.
    fn discard(&self) {
        self.state().is_settled = true;
        if self.key != self.name {
            let _ = fs_err::remove_file(&self.path);
        }
    }

    /// Puts what has arrived onto the disk, before the list says that it is there.
    fn settle(&self) -> Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.sync_all()?;
        let modified = self.object.modified.and_then(|seconds| u64::try_from(seconds).ok());
        if let Some(time) = modified.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        {
            file.file().set_modified(time)?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far the file was when a failure ended it.
    fn stopped(&self, error: SourceError) -> SourceError {
        if !error.is_transient() {
            return error.about(&self.address);
        }
        let State { present, needed, .. } = &*self.state();
        let (done, total) = (present.bytes(), (*needed).max(present.bytes()));
        SourceError::Stopped { address: self.address.clone(), done, total, source: Box::new(error) }
    }
}
