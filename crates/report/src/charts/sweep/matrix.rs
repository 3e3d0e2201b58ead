//! The points of a matrix, each with its place on every axis.

use std::cmp::Ordering;

use cliptune_experiment::spelled;
use serde_json::Value;

use crate::charts::theme::{self, Colour};
use crate::data::{Entry, ReportData};
use crate::words;

/// The matrix of an experiment.
pub(crate) struct Matrix {
    experiment: String,
    /// What the scores are.
    pub(crate) metric: &'static str,
    split: &'static str,
    /// The axes that have several values.
    pub(crate) axes: Vec<Axis>,
    pub(crate) points: Vec<Point>,
}

/// An axis of a matrix.
pub(crate) struct Axis {
    pub(crate) name: String,
    /// The values in order: numbers from the lowest, and others as they come.
    pub(crate) values: Vec<String>,
}

/// One point of a matrix.
pub(crate) struct Point {
    /// The entry, as an index into the report's entries.
    pub(crate) entry: usize,
    /// The number of its value on each axis.
    pub(crate) values: Vec<usize>,
    pub(crate) score: Option<f64>,
    pub(crate) colour: Colour,
}

impl Matrix {
    /// Returns the matrices of all experiments in which something varies and something was scored.
    pub(crate) fn all(data: &ReportData) -> Vec<Self> {
        let mut experiments: Vec<&str> = Vec::new();
        for entry in data.entries.iter().filter(|entry| !entry.plan.axes.is_empty()) {
            let experiment = entry.plan.experiment.as_str();
            if !experiments.contains(&experiment) {
                experiments.push(experiment);
            }
        }
        experiments.into_iter().filter_map(|experiment| Self::of(data, experiment)).collect()
    }

    fn of(data: &ReportData, experiment: &str) -> Option<Self> {
        let entries = data.entries.iter().enumerate();
        let entries: Vec<(usize, &Entry)> =
            entries.filter(|(_, entry)| entry.plan.experiment.as_str() == experiment).collect();
        let first = entries.first()?.1;
        // Validation is what one chooses by; where nothing was scored on it, the test split has to do.
        let by_validation = entries.iter().any(|(_, entry)| entry.validation_score().is_some());
        let score = |index: usize, entry: &Entry| match by_validation {
            true => entry.validation_score(),
            false => data.row(index).map(|row| row.score.value),
        };
        let named: Vec<(usize, String)> =
            first.plan.named_axes().map(|(name, _)| name.to_owned()).enumerate().collect();
        let columns: Vec<(String, Vec<&Value>)> = named
            .into_iter()
            .map(|(at, name)| {
                (name, entries.iter().filter_map(|(_, entry)| entry.plan.axes.values().nth(at)).collect())
            })
            .collect();
        let columns = columns.into_iter().filter(|(_, values)| values.len() == entries.len());
        let (axes, places): (Vec<Axis>, Vec<Vec<usize>>) = columns
            .map(|(name, values)| Axis::of(name, &values))
            .filter(|(axis, _)| axis.values.len() > 1)
            .unzip();
        let point = |(at, (index, entry)): (usize, &(usize, &Entry))| Point {
            entry: *index,
            values: places.iter().map(|places| places[at]).collect(),
            score: score(*index, entry).filter(|score| score.is_finite()),
            colour: theme::of_entry(data, *index),
        };
        let points: Vec<Point> = entries.iter().enumerate().map(point).collect();
        let has_scores = points.iter().filter(|point| point.score.is_some()).count() > 1;
        (has_scores && !axes.is_empty()).then(|| Self {
            experiment: experiment.to_owned(),
            metric: words::metric(first.task()),
            split: if by_validation { "validation" } else { "test" },
            axes,
            points,
        })
    }

    /// Returns what the matrix shows: `sweep, validation accuracy`.
    pub(crate) fn heading(&self) -> String {
        format!("{}, {} {}", self.experiment, self.split, self.metric)
    }

    /// Returns the point with the highest score.
    pub(crate) fn best(&self) -> Option<&Point> {
        let scored = self.points.iter().filter(|point| point.score.is_some());
        scored.max_by(|a, b| a.score.unwrap_or(0.0).total_cmp(&b.score.unwrap_or(0.0)))
    }

    /// Returns all scores.
    pub(crate) fn scores(&self) -> impl Iterator<Item = f64> {
        self.points.iter().filter_map(|point| point.score)
    }
}

impl Axis {
    /// Returns an axis, and the number of the value that each of some points has on it.
    fn of(name: String, values: &[&Value]) -> (Self, Vec<usize>) {
        let mut distinct: Vec<&Value> = Vec::new();
        for value in values {
            if !distinct.contains(value) {
                distinct.push(value);
            }
        }
        if distinct.iter().all(|value| value.is_number()) {
            distinct.sort_by(|a, b| numbers(a, b));
        }
        let place = |value: &&Value| distinct.iter().position(|one| one == value).unwrap_or_default();
        let places = values.iter().map(place).collect();
        (Self { name, values: distinct.into_iter().map(spelled).collect() }, places)
    }
}

fn numbers(a: &Value, b: &Value) -> Ordering {
    a.as_f64().unwrap_or(f64::NAN).total_cmp(&b.as_f64().unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_in_order_and_words_as_they_come() {
        let of = |values: &[Value]| Axis::of(String::new(), &values.iter().collect::<Vec<_>>());
        let (axis, places) = of(&[json!(1e-4), json!(1e-5), json!(1e-4), json!(2)]);
        assert_eq!(
            (axis.values, places),
            (["1e-5", "1e-4", "2"].map(str::to_owned).to_vec(), vec![1, 0, 1, 2])
        );
        let (axis, _) = of(&[json!("lora"), json!("full")]);
        assert_eq!(axis.values, ["lora", "full"]);
    }
}
