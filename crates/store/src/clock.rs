//! Measures the time that is spent on a run.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::event::{Event, Stamped};

/// The time between two ticks of a clock.
const TICK: Duration = Duration::from_secs(1);
/// The time between two ticks after which the process counts as stopped in between. A thread that only ever sleeps is not kept
/// waiting that long on a machine that works, however busy it is.
const PAUSE: Duration = Duration::from_secs(5);

/// Counts the seconds that are spent on a run, including those of earlier processes.
///
/// Pauses do not count: neither those between processes, nor those in which the process is stopped (SIGSTOP, Ctrl-Z, a frozen
/// container, a suspended machine). A clock ticks on a thread of its own, and ticks that are missing are a pause. It is the
/// machine's monotonic clock, which nobody can set.
#[derive(Clone, Debug)]
pub struct Clock {
    before: f64,
    begun: Instant,
    /// The ticks so far; `None` where there is nobody to count them.
    ticking: Option<Arc<Ticking>>,
}

#[derive(Debug)]
struct Ticking {
    ticks: Arc<Mutex<Ticks>>,
    /// The thread ends as soon as this is dropped.
    _alive: SyncSender<()>,
}

impl Clock {
    /// Starts a clock that continues from the seconds spent before.
    pub fn start(before: f64) -> Self {
        let begun = Instant::now();
        Self { before, begun, ticking: Ticking::begin(begun).map(Arc::new) }
    }

    /// Returns the seconds that have been spent so far.
    pub fn seconds(&self) -> f64 {
        let elapsed = self.begun.elapsed();
        let spent = self.ticking.as_ref().map_or(elapsed, |ticking| see(&ticking.ticks, elapsed));
        self.before + spent.as_secs_f64()
    }
}

impl Ticking {
    /// Starts the thread. A machine that gives none has a clock that knows no pauses.
    fn begin(begun: Instant) -> Option<Self> {
        let ticks = Arc::new(Mutex::new(Ticks::default()));
        let (alive, end) = sync_channel(0);
        let seen = Arc::clone(&ticks);
        thread::Builder::new().name("clock".to_owned()).spawn(move || tick(begun, &seen, &end)).ok()?;
        Some(Self { ticks, _alive: alive })
    }
}

fn tick(begun: Instant, ticks: &Mutex<Ticks>, end: &Receiver<()>) {
    while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        see(ticks, begun.elapsed());
    }
}

fn see(ticks: &Mutex<Ticks>, elapsed: Duration) -> Duration {
    ticks.lock().unwrap_or_else(PoisonError::into_inner).see(elapsed)
}

/// The ticks of a clock, as times since it began.
#[derive(Debug, Default)]
struct Ticks {
    last: Duration,
    paused: Duration,
}

impl Ticks {
    /// Notes that the process runs at this time, and returns the time without pauses. Of a pause, the time of a tick counts:
    /// nobody knows when in it the pause began.
    fn see(&mut self, now: Duration) -> Duration {
        let gap = now.saturating_sub(self.last);
        if gap > PAUSE {
            self.paused += gap - TICK;
        }
        // Two threads may come here in another order than they looked at the clock.
        self.last = self.last.max(now);
        self.last.saturating_sub(self.paused)
    }
}

/// Computes from a run's event log how many seconds its processes have spent, including one that crashed. Each
/// process begins with [`Event::Started`] or [`Event::Resumed`] and is taken to have worked until its last event.
///
/// Earlier versions did not stamp every event with the seconds spent. From the last stamp on, the times of the events count
/// there, which are those of a clock that somebody may have set.
pub(crate) fn seconds_spent(events: &[Stamped]) -> f64 {
    let begins = |stamped: &Stamped| matches!(stamped.event, Event::Started { .. } | Event::Resumed { .. });
    let processes = events.chunk_by(|_, next| !begins(next));
    processes.fold(0.0, |before, process| {
        let stamp = process.iter().enumerate().rev().find_map(|(at, stamped)| Some((at, stamped.seconds?)));
        let (at, spent) = stamp.unwrap_or((0, before));
        spent.max(before) + between_times(process.get(at..).unwrap_or_default())
    })
}

fn between_times(events: &[Stamped]) -> f64 {
    match events {
        [first, .., last] => (last.time - first.time).max(0.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: f64, event: Event) -> Stamped {
        Stamped { seq: 0, time, seconds: None, event }
    }

    fn stamped(time: f64, seconds: f64, event: Event) -> Stamped {
        Stamped { seconds: Some(seconds), ..at(time, event) }
    }

    fn started() -> Event {
        let device = "cpu".to_owned();
        Event::Started {
            epochs: 1,
            steps: 9,
            train_items: 1,
            validation_items: 1,
            parameters: 1,
            trainable: 1,
            device,
        }
    }

    #[test]
    fn pauses_between_processes_do_not_count_and_lost_work_does() {
        let step = |time, step| at(time, Event::Interrupted { step });
        let events = [
            at(100.0, started()),
            step(110.0, 1),
            // The run is resumed an hour later, after a crash, and once more a day later.
            at(3710.0, Event::Resumed { step: 0, processes: None }),
            step(3715.0, 1),
            step(3722.0, 2),
            at(90_000.0, Event::Resumed { step: 2, processes: None }),
        ];
        assert_eq!(seconds_spent(&events), 22.0);
        assert_eq!(seconds_spent(&[]), 0.0);
    }

    #[test]
    fn a_clock_that_was_set_back_costs_no_time() {
        let events = [at(100.0, started()), at(40.0, Event::Interrupted { step: 1 })];
        assert_eq!(seconds_spent(&events), 0.0);
    }

    #[test]
    fn a_clock_that_was_set_changes_nothing_where_events_have_the_seconds_spent() {
        let step = |time, seconds, step| stamped(time, seconds, Event::Interrupted { step });
        let events = [
            stamped(100.0, 0.5, started()),
            // In the year 9999, and then in 1970.
            step(253_370_764_800.0, 8.0, 1),
            stamped(0.0, 9.0, Event::Resumed { step: 1, processes: None }),
            step(253_370_764_800.0, 12.5, 2),
        ];
        assert_eq!(seconds_spent(&events), 12.5);
        assert_eq!(seconds_spent(&events[..2]), 8.0);
    }

    #[test]
    fn after_the_last_stamp_of_an_earlier_version_its_times_count() {
        let events = [
            at(100.0, started()),
            stamped(160.0, 50.0, Event::Interrupted { step: 1 }),
            at(170.0, Event::Interrupted { step: 2 }),
            at(500.0, Event::Resumed { step: 2, processes: None }),
            at(503.0, Event::Interrupted { step: 3 }),
        ];
        assert_eq!(seconds_spent(&events), 63.0);
    }

    #[test]
    fn a_process_that_was_stopped_spends_no_time_meanwhile() {
        let mut ticks = Ticks::default();
        let seconds = Duration::from_secs;
        assert_eq!(ticks.see(seconds(1)), seconds(1));
        assert_eq!(ticks.see(seconds(2)), seconds(2));
        // Stopped for an hour: one tick of it counts.
        assert_eq!(ticks.see(seconds(3602)), seconds(3));
        assert_eq!(ticks.see(seconds(3603)), seconds(4));
        // Again, for a day.
        assert_eq!(ticks.see(seconds(90_003)), seconds(5));
    }

    #[test]
    fn a_late_tick_is_no_pause() {
        let mut ticks = Ticks::default();
        for late in [1, 5, 10, 15] {
            assert_eq!(ticks.see(Duration::from_secs(late)), Duration::from_secs(late));
        }
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut ticks = Ticks::default();
        ticks.see(Duration::from_secs(100));
        let spent = ticks.see(Duration::from_secs(101));
        assert_eq!(ticks.see(Duration::from_millis(100_999)), spent);
    }

    #[test]
    fn a_clock_goes_on_from_what_was_spent_before() {
        let clock = Clock::start(50.0);
        let first = clock.seconds();
        let later = clock.clone().seconds();
        assert!(50.0 <= first && first <= later, "{first} {later}");
    }
}
