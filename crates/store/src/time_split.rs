//! What the time of a run was spent on.

use serde::Serialize;

use crate::event::{Event, Stamped};

/// The seconds that were spent on the parts of a run. An event ends what it is about: the time before a step is that of the
/// step, the time before an epoch that of its evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TimeSplit {
    /// The seconds before the first step of each process: reading, decoding, tokenising, embedding what never changes.
    pub preparation: f64,
    /// The seconds of the optimiser steps, including those that were taken again.
    pub steps: f64,
    /// The seconds of the evaluations on the validation split.
    pub validation: f64,
    /// The seconds of the export.
    pub export: f64,
}

impl TimeSplit {
    /// Reads the split from a run's event log. It is `None` where events have no seconds, as in logs of earlier versions.
    pub fn of(events: &[Stamped]) -> Option<Self> {
        let is_stamped = !events.is_empty() && events.iter().all(|event| event.seconds.is_some());
        is_stamped.then(|| {
            let (mut split, mut before) = (Self::default(), 0.0);
            for Stamped { seconds, event, .. } in events {
                let now = seconds.unwrap_or(before);
                *split.part(event) += (now - before).max(0.0);
                before = now.max(before);
            }
            split
        })
    }

    fn part(&mut self, event: &Event) -> &mut f64 {
        match event {
            Event::Started { .. } | Event::Resumed { .. } => &mut self.preparation,
            Event::Step { .. } | Event::Diverged { .. } | Event::Interrupted { .. } => &mut self.steps,
            Event::Epoch { .. } | Event::Interpolated { .. } => &mut self.validation,
            Event::Finished { .. } => &mut self.export,
        }
    }

    /// Returns the parts that took any time, with their names, in the order of a run.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let parts = [
            ("preparation", self.preparation),
            ("steps", self.steps),
            ("validation", self.validation),
            ("export", self.export),
        ];
        parts.into_iter().filter(|(_, seconds)| *seconds > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: Option<f64>, event: Event) -> Stamped {
        Stamped { seq: 0, time: 0.0, seconds, event }
    }

    fn step(step: usize) -> Event {
        Event::Step {
            step,
            epoch: 1,
            loss: 1.0,
            learning_rate: 1.0,
            grad_norm: 1.0,
            logit_scale: 1.0,
            items_per_second: 1.0,
        }
    }

    fn epoch() -> Event {
        Event::Epoch { epoch: 0, step: 0, validation_loss: 1.0, validation_accuracy: 1.0, best: true }
    }

    #[test]
    fn an_event_ends_what_it_is_about_and_the_parts_are_the_whole() {
        let events = [
            at(Some(3.0), Event::Resumed { step: 0, processes: None }),
            at(Some(5.0), epoch()),
            at(Some(6.0), step(1)),
            // A crash: what is known of the process ends with its last event.
            at(Some(7.5), Event::Resumed { step: 0, processes: None }),
            at(Some(8.5), step(1)),
            at(Some(9.0), epoch()),
            at(Some(13.0), Event::Finished { best_epoch: 1, alpha: None }),
        ];
        let split = TimeSplit::of(&events).unwrap();
        let expected = TimeSplit { preparation: 4.5, steps: 2.0, validation: 2.5, export: 4.0 };
        assert_eq!(split, expected);
        assert_eq!(split.parts().map(|(_, seconds)| seconds).sum::<f64>(), 13.0);
    }

    #[test]
    fn logs_of_earlier_versions_tell_nothing() {
        assert_eq!(TimeSplit::of(&[at(Some(1.0), step(1)), at(None, step(2))]), None);
        assert_eq!(TimeSplit::of(&[]), None);
    }
}
