//! Work that is done several pieces at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::{Result, SourceError};
use crate::progress::{Event, Observer};

/// The number of files or parts of files that are fetched at a time. Each is in memory only piece by piece.
const AT_A_TIME: usize = 16;

/// Does one piece of work. The observer also tells it to stop when another one has failed.
pub(crate) type Work<'a> = &'a (dyn Fn(usize, &dyn Observer) -> Result<()> + Sync);

#[derive(Default)]
struct Crew {
    next: AtomicUsize,
    failure: Mutex<Option<SourceError>>,
    is_stopped: AtomicBool,
}

/// An observer that also stops when one of several pieces of work has failed.
struct Watching<'a> {
    observer: &'a dyn Observer,
    crew: &'a Crew,
}

impl Observer for Watching<'_> {
    fn report(&self, event: Event<'_>) {
        self.observer.report(event);
    }

    fn is_interrupted(&self) -> bool {
        self.crew.is_stopped.load(Ordering::Relaxed) || self.observer.is_interrupted()
    }
}

/// Does `count` pieces of work, begun in order. The first failure ends it and is returned.
pub(crate) fn each(observer: &dyn Observer, count: usize, work: Work<'_>) -> Result<()> {
    let crew = Crew::default();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            scope.spawn(|| crew.take(observer, count, work));
        }
    });
    crew.failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

impl Crew {
    /// Takes one piece after the other until there are none left or something has failed.
    fn take(&self, observer: &dyn Observer, count: usize, work: Work<'_>) {
        let watching = Watching { observer, crew: self };
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            if at >= count || self.is_stopped.load(Ordering::Relaxed) {
                return;
            }
            if let Err(error) = work(at, &watching) {
                let is_first = !self.is_stopped.swap(true, Ordering::Relaxed);
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                // What the others say is that they were stopped.
                if is_first || failure.is_none() {
                    *failure = Some(error);
                }
                return;
            }
        }
    }
}
