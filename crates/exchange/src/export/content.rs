//! What a run holds that other tools have a place for.

use std::collections::BTreeMap;

use cliptune_experiment::Split;
use cliptune_store::{
    AnyRun, Event, ForeignRun, Labels, Listed, OwnName, Run, Scores, Stamped, StoreError, read_events,
    read_scores,
};

/// A run with what is said about it and what was measured. Parts that are damaged are left out.
pub(super) struct Content {
    pub(super) run: Run,
    pub(super) labels: Labels,
    /// The scores of each split that was scored.
    pub(super) scores: Vec<Scores>,
    /// The curves by their names.
    pub(super) curves: BTreeMap<&'static str, Curve>,
}

/// An imported run with what is said about it, and with what its predictions reach. Parts that are damaged are left out.
pub(super) struct ForeignContent {
    pub(super) run: ForeignRun,
    pub(super) labels: Labels,
    /// The scores of each split of which there are predictions.
    pub(super) scores: Vec<Scores>,
}

/// What was measured at each step.
pub(super) type Curve = BTreeMap<usize, Point>;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// The moment, in seconds since the Unix epoch.
    pub(super) time: f64,
    /// The value, which may be infinite or not a number.
    pub(super) value: f64,
}

/// Reads runs one after the other, and remembers what is missing in them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The names of the runs that have no scores.
    pub(super) unscored: Vec<String>,
    /// The errors about what was left out because it is damaged.
    pub(super) damage: Vec<StoreError>,
}

impl Reader {
    pub(super) fn read(&mut self, run: &Run) -> Content {
        let content = Content::read(run, &mut self.damage);
        if content.scores.is_empty() {
            self.unscored.push(run.id());
        }
        content
    }

    /// Reads an imported run. What another tool told counts as scores, too.
    pub(super) fn read_foreign(&mut self, run: &ForeignRun) -> ForeignContent {
        let labels = intact(run.labels(), &mut self.damage).unwrap_or_default();
        let scores = scores_of(run, &mut self.damage);
        if scores.is_empty() && run.record().told.metrics.is_empty() {
            self.unscored.push(run.id());
        }
        ForeignContent { run: run.clone(), labels, scores }
    }

    /// Looks through a run for what is missing or damaged in it, where something else reads it.
    pub(super) fn look(&mut self, run: &AnyRun) {
        match run {
            AnyRun::Own(run) => drop(self.read(run)),
            AnyRun::Foreign(run) => drop(self.read_foreign(run)),
        }
    }
}

impl Content {
    /// Reads a run, and adds the errors about what is left out to a list.
    fn read(run: &Run, damage: &mut Vec<StoreError>) -> Self {
        let labels = intact(run.labels(), damage).unwrap_or_default();
        let scores = scores_of(run, damage);
        let has_log = intact(run.has_log(), damage).unwrap_or_default();
        let events = has_log.then(|| read_events(&run.events_file()));
        let events = events.and_then(|read| intact(read, damage)).unwrap_or_default();
        damage.extend(events.left_out().errors(&run.events_file()));
        Self { run: run.clone(), labels, scores, curves: curves(&events.events) }
    }

    /// Returns the name that a person calls the run by: its own, or that of its folder.
    pub(super) fn name(&self) -> &str {
        self.labels.name.as_ref().map_or(self.run.record().run.as_str(), OwnName::as_str)
    }

    /// Returns the scores by split, as [`metrics_by_split`] names them.
    pub(super) fn metrics(&self) -> impl Iterator<Item = (Split, Vec<(String, f64)>)> {
        metrics_by_split(&self.scores)
    }
}

impl ForeignContent {
    /// Returns the name that a person calls the run by: its own, or the one that it was imported by.
    pub(super) fn name(&self) -> &str {
        self.labels.name.as_ref().map_or(self.run.record().name.as_str(), OwnName::as_str)
    }
}

/// Returns scores by split, each with its name: the metrics with the ends of their intervals and with what guessing reaches
/// (`accuracy`, `accuracy.low`, `accuracy.high`, `accuracy.chance`), and the numbers of items and groups.
pub(super) fn metrics_by_split(scores: &[Scores]) -> impl Iterator<Item = (Split, Vec<(String, f64)>)> {
    scores.iter().map(|scores| (scores.split, metrics(scores)))
}

fn metrics(scores: &Scores) -> Vec<(String, f64)> {
    let mut metrics = Vec::new();
    for (name, estimate) in &scores.metrics.0 {
        metrics.push((name.clone(), estimate.value));
        metrics.push((format!("{name}.low"), estimate.low));
        metrics.push((format!("{name}.high"), estimate.high));
        metrics.extend(scores.chances.get(name).map(|chance| (format!("{name}.chance"), *chance)));
    }
    metrics.push(("n_items".to_owned(), scores.n_items as f64));
    metrics.push(("n_groups".to_owned(), scores.n_groups as f64));
    metrics
}

/// Reads the scores of each split that was scored.
fn scores_of(run: &impl Listed, damage: &mut Vec<StoreError>) -> Vec<Scores> {
    Split::ALL.into_iter().filter_map(|split| intact(read_scores(run, split), damage)?).collect()
}

/// Returns what was read, or puts the error where it is told.
fn intact<T>(read: Result<T, StoreError>, damage: &mut Vec<StoreError>) -> Option<T> {
    read.map_err(|error| damage.push(error)).ok()
}

/// Returns the curves of a log. Steps that were taken again after a crash count as they were taken last.
fn curves(events: &[Stamped]) -> BTreeMap<&'static str, Curve> {
    let mut curves: BTreeMap<&'static str, Curve> = BTreeMap::new();
    for Stamped { time, event, .. } in events {
        match event {
            Event::Started { .. } => curves.clear(),
            Event::Resumed { step, .. } => {
                curves.values_mut().for_each(|curve| drop(curve.split_off(&(step + 1))));
            }
            _ => {}
        }
        let Some((step, points)) = event.points() else { continue };
        for (name, value) in points {
            curves.entry(name).or_default().insert(step, Point { time: *time, value });
        }
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(seq: u64, event: Event) -> Stamped {
        Stamped { seq, time: seq as f64, seconds: None, event }
    }

    fn step(step: usize, loss: f64) -> Event {
        Event::Step {
            step,
            epoch: 1,
            loss,
            learning_rate: 0.1,
            grad_norm: 1.0,
            logit_scale: 100.0,
            items_per_second: 5.0,
        }
    }

    #[test]
    fn a_step_that_was_taken_again_counts_as_it_was_taken_last() {
        let events = [
            step(1, 1.0),
            step(2, 0.9),
            step(3, 0.8),
            Event::Resumed { step: 1, processes: None },
            step(2, 0.7),
        ];
        let events: Vec<Stamped> = (0..).zip(events).map(|(seq, event)| stamped(seq, event)).collect();
        let curves = curves(&events);
        let losses: Vec<(usize, f64)> =
            curves["train/loss"].iter().map(|(step, point)| (*step, point.value)).collect();
        assert_eq!(losses, [(1, 1.0), (2, 0.7)]);
        assert_eq!(curves["train/loss"][&2].time, 4.0);
    }
}
