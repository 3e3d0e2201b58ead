//! What the processes of a group tell each other in the store, whatever has become of their connections.

use std::net::ToSocketAddrs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use cliptune_launcher::{Keeper, Placement};
use cliptune_terminal::{Diagnostic, Exit};
use cliptune_torch_bridge::{Fault as TorchFault, KeyStore, Meeting, TorchError};

use super::card::Card;
use super::distributed::patience;
use super::error::JoinError;
use super::fate::Fate;
use super::fault::Fault;
use super::lookout::DETECTED;
use super::relay::Relay;
use crate::error::TrainError;

/// The number of processes that have claimed to be the first with a fault.
pub(super) const FAULTS: &str = "faults";
/// The fault of the first one.
const FAULT: &str = "fault";
/// The number of processes that have claimed to be the one that tells the person.
const SPOKEN: &str = "spoken";
/// The number of processes that have ended, or are about to.
pub(super) const ENDED: &str = "ended";
/// The time within which a process that has claimed to be the first writes down its fault.
const MOMENT: Duration = Duration::from_secs(5);
/// The time within which a store answers that is there.
const ANSWER: Duration = Duration::from_secs(8);
/// The time for which the process that holds the store stays for the others to learn how all ended, or the one that speaks without a
/// store stays to be seen.
const LINGER: Duration = Duration::from_secs(3);
/// The time for which others let the process speak that has failed.
const COURTESY: Duration = Duration::from_secs(1);
/// The time between two looks at how many have ended.
const PAUSE: Duration = Duration::from_millis(20);

/// A process's access to the store in which the processes of a training meet.
pub(crate) struct Line {
    placement: Placement,
    own: Card,
    store: Arc<KeyStore>,
    /// Whether the store has left a question unanswered.
    is_mute: AtomicBool,
    /// All processes, once they have met.
    cards: OnceLock<Vec<Card>>,
    /// Whether it is for this process to tell the person where the store is gone.
    speaks_alone: OnceLock<bool>,
    relay: Arc<Relay>,
    fate: Fate,
}

impl Line {
    /// Finds the store, or opens it if that is for this process to do.
    ///
    /// # Errors
    ///
    /// Returns an error when the host has no address, the port is in use, or nobody answers within the time to wait.
    pub(crate) fn open(placement: Placement) -> Result<Arc<Self>, TrainError> {
        let (host, port) = (placement.host(), placement.port());
        let no_host = |source| JoinError::NoHost { host: host.to_owned(), source };
        (host, port).to_socket_addrs().map(drop).map_err(no_host)?;
        let own = Card::of_this_process(&placement);
        let store = Arc::new(meet(&placement, placement.holds_store(), patience()?)?);
        let (is_mute, fate) = (AtomicBool::new(false), Fate::default());
        let (cards, speaks_alone) = (OnceLock::new(), OnceLock::new());
        let relay = Arc::default();
        Ok(Arc::new(Self { own, store, is_mute, cards, speaks_alone, relay, fate, placement }))
    }

    /// Opens another connection to the same store: one waits for one thing at a time.
    pub(super) fn another_store(&self) -> Result<KeyStore, JoinError> {
        meet(&self.placement, false, patience()?)
    }

    pub(super) fn placement(&self) -> &Placement {
        &self.placement
    }

    pub(super) fn own(&self) -> &Card {
        &self.own
    }

    pub(super) fn store(&self) -> &KeyStore {
        &self.store
    }

    pub(super) fn fate(&self) -> &Fate {
        &self.fate
    }

    pub(super) fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }

    /// Returns the other process that was told to stop and whose request this one, as the leader, heeds.
    pub(crate) fn stopped_by(&self) -> Option<usize> {
        self.relay.heeded()
    }

    /// Asks the store, unless it has not answered before: that of a host that is gone never does.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&KeyStore) -> Result<T, TorchError> + Send + 'static,
    ) -> Option<T> {
        if self.is_mute.load(Ordering::Relaxed) {
            return None;
        }
        let ((tell, answer), store) = (channel(), Arc::clone(&self.store));
        let asking = thread::Builder::new().name("store".to_owned()).spawn(move || {
            // Nobody listens any more where it took too long.
            let _ = tell.send(question(&store));
        });
        let answer = asking.ok().and_then(|_| answer.recv_timeout(ANSWER).ok()).and_then(Result::ok);
        if answer.is_none() {
            self.give_up_store();
        }
        answer
    }

    /// Asks the store nothing more.
    pub(super) fn give_up_store(&self) {
        self.is_mute.store(true, Ordering::Relaxed);
    }

    /// Returns what the training ends with when this process cannot go on: its own error, if it is the first one, or else the fault
    /// of the first.
    pub(super) fn cause(&self, error: TrainError) -> TrainError {
        self.fate.end();
        match error {
            // It is known already, or all processes find it at the same step.
            TrainError::Rank(_) | TrainError::Diverged(_) => error,
            TrainError::Lost(_) => match self.fate.reason(DETECTED) {
                Some(fault) => TrainError::Rank(Box::new(fault)),
                None => self.own_fault(error),
            },
            error => self.own_fault(error),
        }
    }

    fn own_fault(&self, error: TrainError) -> TrainError {
        let own = Fault::of(&self.own, &error);
        let told = own.clone();
        match self.ask(move |store| Ok(publish(store, told))).unwrap_or_else(|| own.clone()) {
            // The places in a file of experiments are laid out already.
            first if first == own && error.rendered().is_some() => error,
            first => TrainError::Rank(Box::new(first)),
        }
    }

    /// Ends the command: with its result where this process is the one to tell it, and otherwise without a word and with the same exit
    /// code.
    pub(crate) fn conclude(&self, ended: Result<Exit, TrainError>) -> Result<Exit, TrainError> {
        self.fate.end();
        let ended = ended.map_err(|error| self.cause(error));
        ended.as_ref().err().into_iter().for_each(|error| self.let_speak(error));
        let concluded = match ended {
            Err(error) if !self.may_speak() => Ok(error.exit()),
            told => told,
        };
        self.linger();
        if concluded.is_err() {
            self.be_seen();
        }
        concluded
    }

    /// Gives the process that has failed a moment to tell the person itself, which knows more than it has told the others.
    fn let_speak(&self, error: &TrainError) {
        let is_of_another = matches!(error, TrainError::Rank(fault) if !fault.is_of(&self.own));
        let begun = Instant::now();
        while is_of_another && begun.elapsed() < COURTESY && self.ask(|store| store.add(SPOKEN, 0)) == Some(0)
        {
            thread::sleep(PAUSE);
        }
    }

    /// Claims to be the one that tells the person. Where the store is gone, one process of each host does: what has become of the
    /// processes of another host, nobody knows.
    pub(super) fn may_speak(&self) -> bool {
        let claims = self.ask(|store| store.add(SPOKEN, 1));
        claims.map_or_else(|| self.is_for_it_to_speak(), |claims| claims == 1)
    }

    /// Takes note of all processes.
    pub(super) fn know(&self, cards: &[Card]) {
        // They meet once.
        let _ = self.cards.set(cards.to_vec());
    }

    /// Checks whether it is for this process to tell the person where the store is gone: whether no process of a lower rank is left on
    /// its host. The first answer counts, because processes end.
    pub(super) fn is_for_it_to_speak(&self) -> bool {
        *self.speaks_alone.get_or_init(|| !self.others_here().any(|card| card.rank < self.own.rank))
    }

    /// Takes note that a process that had the store tells the person, even if the store is gone afterwards.
    pub(super) fn leave_it_to_others(&self) {
        // The first answer counts.
        let _ = self.speaks_alone.set(false);
    }

    /// Returns the other processes that run on this host. Whoever holds the store is asked only where the store is gone, and is none
    /// of them, even if it stands still.
    fn others_here(&self) -> impl Iterator<Item = &Card> {
        let is_keeper = move |card: &Card| card.rank == 0 && self.placement.keeper() == Keeper::FirstRank;
        let is_other = move |card: &&Card| card.rank != self.own.rank && !is_keeper(card);
        self.cards.get().into_iter().flatten().filter(is_other).filter(move |card| card.is_here(&self.own))
    }

    /// Stays, where there is no store, until the others of this host have found that this process is the one that speaks.
    fn be_seen(&self) {
        let begun = Instant::now();
        while self.is_mute.load(Ordering::Relaxed)
            && begun.elapsed() < LINGER
            && self.others_here().next().is_some()
        {
            thread::sleep(PAUSE);
        }
    }

    /// Keeps the store, where this process holds it, until the others have ended or would have.
    fn linger(&self) {
        let (all, begun) = (i64::try_from(self.placement.world()).unwrap_or(i64::MAX), Instant::now());
        let mut ended = self.ask(|store| store.add(ENDED, 1)).unwrap_or(all);
        while self.placement.holds_store() && ended < all && begun.elapsed() < LINGER {
            thread::sleep(PAUSE);
            ended = self.ask(|store| store.add(ENDED, 0)).unwrap_or(all);
        }
    }
}

/// Tells all processes why the training ends, and returns the reason that counts: that of the first process that had one.
pub(super) fn publish(store: &KeyStore, fault: Fault) -> Fault {
    let is_first = store.add(FAULTS, 1).map_or(true, |claims| claims == 1);
    if is_first {
        // Where the store is gone, the others notice that.
        let _ = serde_json::to_vec(&fault).ok().map(|text| store.set(FAULT, &text));
        return fault;
    }
    published(store).unwrap_or(fault)
}

/// Returns the reason for which the training ends, once a process has claimed to have one.
pub(super) fn published(store: &KeyStore) -> Option<Fault> {
    let text = store.get(FAULT, MOMENT).ok().flatten()?;
    serde_json::from_slice(&text).ok()
}

fn meet(placement: &Placement, hosts_store: bool, timeout: Duration) -> Result<KeyStore, JoinError> {
    let (host, port, prefix) = (placement.host(), placement.port(), placement.prefix());
    let meeting = Meeting { host, port, hosts_store, world: placement.world(), prefix: &prefix, timeout };
    KeyStore::meet(&meeting).map_err(|error| match error.fault() {
        TorchFault::AddressInUse => JoinError::PortInUse { port },
        _ => JoinError::NoStore {
            rank: placement.rank(),
            world: placement.world(),
            host: host.to_owned(),
            port,
            seconds: timeout.as_secs(),
            said: error.to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;

    use cliptune_launcher::{Launch, Variables};

    use super::*;

    /// Processes that meet, as threads of this one would.
    fn lines(world: usize) -> Vec<Arc<Line>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let placement = |rank: usize| {
            let value = |name: &str| match name {
                "RANK" => Some(rank.to_string()),
                "WORLD_SIZE" => Some(world.to_string()),
                "MASTER_ADDR" => Some("127.0.0.1".to_owned()),
                "MASTER_PORT" => Some(port.to_string()),
                _ => None,
            };
            match Launch::of(Variables::new(&value)).unwrap() {
                Launch::Among(placement) => placement,
                Launch::Alone => panic!("there are several"),
            }
        };
        (0..world).map(|rank| Line::open(placement(rank)).unwrap()).collect()
    }

    fn no_dataset(experiment: &str) -> TrainError {
        TrainError::NoDataset { experiment: experiment.to_owned() }
    }

    #[test]
    fn the_first_process_that_fails_tells_why_and_all_end_alike() {
        let lines = lines(3);
        let told = lines[1].conclude(Err(no_dataset("tuned"))).unwrap_err();
        let text = told.to_string();
        assert!(
            text.starts_with("rank 1 of 3 (process ") && text.ends_with(": tuned has no dataset yet"),
            "{text}"
        );
        assert_eq!(told.hint(), no_dataset("tuned").hint());
        // What another one finds later is only a consequence.
        assert_eq!(lines[2].conclude(Err(no_dataset("base"))).unwrap(), Exit::Failed);
        // A lookout has found why the connections are closed.
        lines[0].fate().decide(published(lines[0].store()).unwrap());
        let lost = TrainError::Lost("Connection closed by peer".to_owned());
        assert_eq!(lines[0].cause(lost).to_string(), text);
        assert_eq!(lines[0].conclude(Err(no_dataset("base"))).unwrap(), Exit::Failed);
    }

    #[test]
    fn processes_that_have_done_their_work_end_with_what_they_are_told() {
        let lines = lines(2);
        assert_eq!(lines[1].conclude(Ok(Exit::Interrupted)).unwrap(), Exit::Interrupted);
        assert_eq!(lines[0].conclude(Ok(Exit::Interrupted)).unwrap(), Exit::Interrupted);
    }

    #[test]
    fn without_a_store_the_lowest_rank_that_is_left_on_a_host_speaks() {
        let lines = lines(4);
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        // The first one to do it has ended as well.
        let process = |rank| if rank == 1 { child.id() } else { std::process::id() };
        let cards: Vec<Card> = (0..4).map(|rank| Card::of(rank, process(rank))).collect();
        lines.iter().for_each(|line| line.know(&cards));
        lines.iter().for_each(|line| line.give_up_store());
        // The first process holds the store that is gone.
        assert_eq!([2, 3].map(|rank| lines[rank].may_speak()), [true, false]);
    }

    #[test]
    fn what_another_process_has_told_is_not_told_again_when_the_store_is_gone() {
        let lines = lines(2);
        lines[1].leave_it_to_others();
        lines[1].give_up_store();
        assert_eq!(lines[1].conclude(Err(no_dataset("tuned"))).unwrap(), Exit::Failed);
    }

    #[test]
    fn a_store_that_is_gone_holds_nobody_up() {
        let lines = lines(2);
        lines[1].give_up_store();
        let told = lines[1].conclude(Err(no_dataset("tuned"))).unwrap_err();
        assert!(told.to_string().ends_with(": tuned has no dataset yet"), "{told}");
    }
}
