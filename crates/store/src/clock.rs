//! Measures the time that is spent on a run.

use std::time::Instant;

use crate::event::{Event, Stamped};

/// Counts the seconds that are spent on a run, including those of earlier processes. Pauses between processes do not
/// count.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    before: f64,
    begun: Instant,
}

impl Clock {
    /// Starts a clock that continues from the seconds spent before.
    pub fn start(before: f64) -> Self {
        Self { before, begun: Instant::now() }
    }

    /// Returns the seconds that have been spent so far.
    pub fn seconds(&self) -> f64 {
        self.before + self.begun.elapsed().as_secs_f64()
    }
}

/// Computes from a run's event log how many seconds its processes have spent, including one that crashed. Each
/// process begins with [`Event::Started`] or [`Event::Resumed`] and is taken to have worked until its last event.
pub(crate) fn seconds_spent(events: &[Stamped]) -> f64 {
    let begins = |stamped: &Stamped| matches!(stamped.event, Event::Started { .. } | Event::Resumed { .. });
    let processes = events.chunk_by(|_, next| !begins(next));
    let spent = |process: &[Stamped]| match process {
        [first, .., last] => (last.time - first.time).max(0.0),
        _ => 0.0,
    };
    processes.map(spent).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: f64, event: Event) -> Stamped {
        Stamped { seq: 0, time, event }
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
            at(3710.0, Event::Resumed { step: 0 }),
            step(3715.0, 1),
            step(3722.0, 2),
            at(90_000.0, Event::Resumed { step: 2 }),
        ];
        assert_eq!(seconds_spent(&events), 22.0);
        assert_eq!(seconds_spent(&[]), 0.0);
    }

    #[test]
    fn a_clock_that_was_set_back_costs_no_time() {
        let events = [at(100.0, started()), at(40.0, Event::Interrupted { step: 1 })];
        assert_eq!(seconds_spent(&events), 0.0);
    }
}
