//! Notices when a process of a group is gone.
//!
//! A process that ends closes its connections, and whoever waits for it learns that at once; but a host that loses its power or its
//! network closes nothing. So every process counts up a number in the store each second. The leader looks at the numbers of all
//! others, and they at the leader's and at whether anybody has told of a fault. A number that stands still for [`LIMIT`] is that of a
//! process that is gone, by the clock of whoever looks; of processes of the same system, the kernel says so sooner.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use cliptune_terminal::{Diagnostic, end_now, fail_now};
use cliptune_torch_bridge::{KeyStore, TorchError};

use super::card::Card;
use super::error::JoinError;
use super::fault::Fault;
use super::line::{ENDED, FAULTS, Line, publish, published};
use super::relay::Relay;
use crate::group::Group;

/// The time between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// The time after which a process is gone that nothing was heard of.
const LIMIT: Duration = Duration::from_secs(15);
/// The time within which the training has noticed that its connections are closed; otherwise it is ended.
const GRACE: Duration = Duration::from_secs(8);
/// The time after which it is known whether a process is gone. With the grace, all have ended within 30 s.
pub(super) const DETECTED: Duration = Duration::from_secs(LIMIT.as_secs() + 4);
/// The number of looks in a row at which the store may fail to answer.
const FAILURES: usize = 3;

/// The threads that look after the others. They end when this is dropped.
pub(super) struct Lookout {
    group: Connected,
    _alive: SyncSender<()>,
}

/// The connections to the others, once there are any.
type Connected = Arc<OnceLock<Weak<Group>>>;

impl Lookout {
    /// Begins to look after the others, whose cards are in the order of their ranks. They may go before they are connected.
    ///
    /// # Errors
    ///
    /// Returns an error when the store cannot be reached again, or there can be no thread.
    pub(super) fn begin(line: &Arc<Line>, cards: &[Card]) -> Result<Self, JoinError> {
        let (alive, end) = sync_channel(0);
        let (tell, reports) = channel();
        let own = line.own().clone();
        let store = line.another_store()?;
        let watched = if own.rank == 0 { cards.get(1..) } else { cards.get(..1) };
        let seen = watched.unwrap_or_default().iter().cloned().map(Seen::new).collect();
        let place = format!("{}:{}", line.placement().host(), line.placement().port());
        let relay = Arc::clone(line.relay());
        let pulse = Pulse { own, store, seen, relay, place };
        let group = Connected::default();
        let judge = Judge { line: Arc::clone(line), group: Arc::clone(&group) };
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(JoinError::Lookout)
        };
        spawn("pulse", Box::new(move || pulse.beat(&end, &tell)))?;
        spawn("lookout", Box::new(move || judge.listen(&reports)))?;
        Ok(Self { group, _alive: alive })
    }

    /// Takes note of the connections to the others, which are closed when one of them is gone.
    pub(super) fn closes(&self, group: &Arc<Group>) {
        // It is told once.
        let _ = self.group.set(Arc::downgrade(group));
    }
}

/// What the thread that asks the store reports to the one that waits for it.
enum Report {
    /// Everybody is there.
    Fine,
    /// The training ends, and somebody else tells the person.
    Told(Fault),
    /// The training ends because of what this process has found.
    Found(Fault),
}

/// The thread that asks the store. It may hang when the store's host is gone.
struct Pulse {
    own: Card,
    store: KeyStore,
    seen: Vec<Seen>,
    relay: Arc<Relay>,
    place: String,
}

/// The number of a process, and since when it has been the same.
struct Seen {
    card: Card,
    number: i64,
    since: Instant,
}

impl Seen {
    fn new(card: Card) -> Self {
        Self { card, number: -1, since: Instant::now() }
    }

    /// Takes note of the number, and returns whether it has stood still for too long.
    fn stands_still(&mut self, number: i64) -> bool {
        if number != self.number {
            (self.number, self.since) = (number, Instant::now());
        }
        self.since.elapsed() >= LIMIT
    }
}

impl Pulse {
    fn beat(mut self, end: &Receiver<()>, tell: &Sender<Report>) {
        let mut failures = 0;
        loop {
            let report = match self.look() {
                Ok(report) => {
                    failures = 0;
                    Some(report)
                }
                Err(_) => {
                    failures += 1;
                    self.without_store(failures).map(Report::Found)
                }
            };
            let is_over = matches!(report, Some(Report::Told(_) | Report::Found(_)));
            let is_unheard = report.is_some_and(|report| tell.send(report).is_err());
            if is_over || is_unheard || end.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Shows that this process is there, and looks after the others.
    fn look(&mut self) -> Result<Report, TorchError> {
        self.store.add(&beats(self.own.rank), 1)?;
        if let Some(report) = self.told()? {
            return Ok(report);
        }
        self.relay.look(&self.store, self.own.rank)?;
        for seen in &mut self.seen {
            let number = self.store.add(&beats(seen.card.rank), 0)?;
            if seen.stands_still(number) {
                let fault = Fault::unheard(&seen.card, LIMIT.as_secs());
                return Ok(Report::Found(publish(&self.store, fault)));
            }
        }
        let gone = self.seen.iter().map(|seen| &seen.card).find(|card| card.is_gone(&self.own));
        let Some(gone) = gone else { return Ok(Report::Fine) };
        // Whoever has ended may have said why just before, or has done its work.
        match self.told()? {
            Some(report) => Ok(report),
            None if self.store.add(ENDED, 0)? > 0 => Ok(Report::Fine),
            None => Ok(Report::Found(publish(&self.store, Fault::silent(gone)))),
        }
    }

    /// Returns what a process has told of, if one has.
    fn told(&self) -> Result<Option<Report>, TorchError> {
        // Nothing is added: a key that may not be there would have to be waited for.
        if self.store.add(FAULTS, 0)? == 0 {
            return Ok(None);
        }
        Ok(published(&self.store).map(|fault| match fault.is_of(&self.own) {
            true => Report::Found(fault),
            false => Report::Told(fault),
        }))
    }

    /// Says why the store does not answer, once it is clear that it will not.
    fn without_store(&self, failures: usize) -> Option<Fault> {
        let gone = self.seen.iter().find(|seen| seen.card.is_gone(&self.own));
        match gone {
            Some(seen) => Some(Fault::silent(&seen.card)),
            None => (failures >= FAILURES).then(|| Fault::lost(&self.place)),
        }
    }
}

/// The key of a process's number.
fn beats(rank: usize) -> String {
    format!("beats/{rank}")
}

/// The thread that waits for reports, and ends the training when there are none or a bad one.
struct Judge {
    line: Arc<Line>,
    group: Connected,
}

impl Judge {
    fn listen(&self, reports: &Receiver<Report>) {
        loop {
            match reports.recv_timeout(LIMIT) {
                Ok(Report::Fine) => {}
                Ok(Report::Told(fault)) => {
                    self.line.leave_it_to_others();
                    return self.end(fault);
                }
                Ok(Report::Found(fault)) => return self.end(fault),
                Err(RecvTimeoutError::Timeout) => {
                    self.line.give_up_store();
                    let placement = self.line.placement();
                    return self.end(Fault::lost(&format!("{}:{}", placement.host(), placement.port())));
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Closes the connections, so that whatever the training waits for fails and it ends by itself. One that does not notice, because
    /// it waits for something else, is ended.
    fn end(&self, fault: Fault) {
        // Before anybody ends because of it.
        self.line.is_for_it_to_speak();
        self.line.fate().decide(fault.clone());
        self.close_connections();
        if self.line.fate().is_noticed(GRACE) {
            return;
        }
        if self.line.may_speak() {
            fail_now(&fault);
        }
        end_now(fault.exit());
    }

    /// Closes the connections on a thread of its own: while GPUs are being connected, that may have to wait without end.
    fn close_connections(&self) {
        let Some(group) = self.group.get().and_then(Weak::upgrade) else { return };
        // Where there can be no thread, the process is ended after the grace.
        let _ = thread::Builder::new().name("leave".to_owned()).spawn(move || group.leave());
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Looks after the first process, which has ended.
    fn pulse() -> Pulse {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let store = KeyStore::within_process(LIMIT).unwrap();
        let seen = vec![Seen::new(Card::of(0, child.id()))];
        let (own, relay, place) = (Card::of(1, std::process::id()), Arc::default(), "gpu-3:1".to_owned());
        Pulse { own, store, seen, relay, place }
    }

    #[test]
    fn a_process_that_has_ended_without_a_word_is_found_and_everybody_is_told() {
        let mut pulse = pulse();
        let silent = Fault::silent(&pulse.seen[0].card);
        assert!(matches!(pulse.look(), Ok(Report::Found(fault)) if fault == silent));
        pulse.own = Card::of(2, std::process::id());
        assert!(matches!(pulse.look(), Ok(Report::Told(fault)) if fault == silent));
    }

    #[test]
    fn a_process_that_has_ended_after_its_work_is_no_fault() {
        let mut pulse = pulse();
        pulse.store.add(ENDED, 1).unwrap();
        assert!(matches!(pulse.look(), Ok(Report::Fine)));
    }

    #[test]
    fn all_have_ended_within_half_a_minute() {
        assert!(DETECTED > LIMIT + 2 * PAUSE);
        assert!(LIMIT + PAUSE + GRACE < Duration::from_secs(30));
    }
}
