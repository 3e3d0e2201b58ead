//! The chart of what runs used of their machines over time, with a table of what they used all in all.

use std::time::Duration;

use cliptune_store::{Sample, Usage, energy};
use cliptune_terminal::format;

use super::chart::{Chart, DataTable, Width};
use super::panel::{CurveSet, Panel, draw};
use super::smooth::{Point, thin};
use super::theme;
use crate::data::{Entry, ReportData, RunSummary};
use crate::error::ReportError;
use crate::words;

/// The name of the chart.
pub(super) const NAME: &str = "machine";

/// The number of points of a curve; more could not be seen.
const POINTS: usize = 160;
/// The bytes of a gibibyte.
const GIBIBYTE: f64 = (1u64 << 30) as f64;

/// Something that is measured.
struct Measure {
    heading: &'static str,
    value: fn(&Usage) -> Option<f64>,
    /// What there is of it, if that is to be drawn.
    limit: fn(&Usage) -> Option<f64>,
}

const MEASURES: [Measure; 4] = [
    Measure {
        heading: "processors in use",
        value: |usage| usage.processors,
        limit: |usage| usage.processors_limit,
    },
    Measure { heading: "memory, GiB", value: |usage| Some(gibibytes(usage.memory?)), limit: |_| None },
    Measure { heading: "GPU in use, %", value: |usage| Some(usage.gpu? * 100.0), limit: |_| None },
    Measure {
        heading: "GPU memory, GiB",
        value: |usage| Some(gibibytes(usage.gpu_memory?)),
        limit: |_| None,
    },
];

fn gibibytes(bytes: u64) -> f64 {
    bytes as f64 / GIBIBYTE
}

/// A unit of time, with its seconds.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    seconds: f64,
}

/// Returns the chart of all runs, or `None` if nothing was recorded.
pub(crate) fn chart(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let longest =
        runs(data).flat_map(|(_, run)| &run.machine).map(|sample| sample.seconds).fold(0.0, f64::max);
    let unit = unit(longest);
    let panels: Vec<Panel> =
        MEASURES.iter().filter_map(|measure| panel(data, measure, unit, longest)).collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let rows = vec![panels];
    Ok(Some(Chart {
        name: NAME,
        title: "What the runs used of their machines".to_owned(),
        caption: format!("{}{}", words::machine_caption(), words::drawn_rule(data)),
        description: description(data),
        table: table(data),
        wide: draw(&rows, Width::Wide, false)?,
        narrow: draw(&rows, Width::Narrow, false)?,
    }))
}

/// Returns the runs of the entries that are drawn by name.
fn runs(data: &ReportData) -> impl Iterator<Item = (&Entry, &RunSummary)> {
    data.named().flat_map(|(_, entry)| entry.runs.iter().map(move |run| (entry, run)))
}

/// Returns the unit in which the longest run has a number that can be read.
fn unit(longest: f64) -> Unit {
    let units = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3600.0)];
    let (name, seconds) =
        units.into_iter().find(|(_, seconds)| longest < 120.0 * seconds).unwrap_or(units[2]);
    Unit { name, seconds }
}

fn panel(data: &ReportData, measure: &Measure, unit: Unit, longest: f64) -> Option<Panel> {
    let curves: Vec<CurveSet> = data
        .named()
        .filter_map(|(index, entry)| {
            let curves = entry.runs.iter().map(|run| curve(&run.machine, measure, unit));
            curves_of(data, index, curves.filter(|curve| !curve.is_empty()).collect())
        })
        .collect();
    let usages = runs(data).flat_map(|(_, run)| &run.machine).map(|sample| &sample.usage);
    let limit = usages.filter_map(measure.limit).max_by(f64::total_cmp);
    (!curves.is_empty()).then(|| Panel {
        heading: measure.heading.to_owned(),
        curves,
        others: Vec::new(),
        level: limit.map(|limit| ("all there are".to_owned(), limit)),
        axis: unit.name,
        last: longest / unit.seconds,
        is_amount: true,
    })
}

/// Returns what was measured over the time of a run. A value holds for the whole of its period.
fn curve(samples: &[Sample], measure: &Measure, unit: Unit) -> Vec<Point> {
    let at = |sample: &Sample| Some((sample.seconds / unit.seconds, (measure.value)(&sample.usage)?));
    let mut points: Vec<Point> = samples.iter().filter_map(at).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    let begun = samples.first().map_or(0.0, |sample| (sample.seconds - sample.over).max(0.0) / unit.seconds);
    if let Some(first) = points.first().copied() {
        points.insert(0, (begun.min(first.0), first.1));
    }
    thin(&points, POINTS)
}

fn curves_of(data: &ReportData, index: usize, runs: Vec<Vec<Point>>) -> Option<CurveSet> {
    let mean = mean(&runs)?;
    Some(CurveSet {
        name: data.entries[index].label.clone(),
        colour: theme::of_entry(data, index),
        mean,
        seeds: if runs.len() > 1 { runs } else { Vec::new() },
        raw: Vec::new(),
        dotted: false,
        kept: Vec::new(),
    })
}

/// Returns the mean of curves whose points lie at different times, up to the end of the shortest.
fn mean(runs: &[Vec<Point>]) -> Option<Vec<Point>> {
    if let [only] = runs {
        return Some(only.clone());
    }
    let end = runs.iter().filter_map(|run| Some(run.last()?.0)).min_by(f64::total_cmp)?;
    let at = |step: usize| {
        let x = end * step as f64 / POINTS as f64;
        let values: Vec<f64> = runs.iter().filter_map(|run| value_at(run, x)).collect();
        Some((x, crate::data::mean(values)?))
    };
    Some((0..=POINTS).filter_map(at).collect())
}

/// Returns the value of the period that a time lies in, or that ends last before it.
fn value_at(curve: &[Point], x: f64) -> Option<f64> {
    let next = curve.partition_point(|point| point.0 < x);
    curve.get(next).or(curve.last()).map(|point| point.1)
}

fn description(data: &ReportData) -> String {
    let sentence = |(entry, run): (&Entry, &RunSummary)| {
        let usage = run.usage()?;
        let memory = format::bytes(usage.memory?);
        let processors = usage.processors.map(|busy| format!(", {busy:.1} processors busy on average"));
        Some(format!("{}, {}: at most {memory}{}.", entry.name, run.label(), processors.unwrap_or_default()))
    };
    runs(data).filter_map(sentence).collect::<Vec<_>>().join(" ")
}

/// Returns the table of what each run used all in all. Columns that no machine told anything for are left out.
fn table(data: &ReportData) -> DataTable {
    let header = [
        "experiment",
        "run",
        "time",
        "processors",
        "memory",
        "GPU",
        "GPU memory",
        "energy of the machine",
        "disk read",
        "disk written",
    ];
    let rows: Vec<Vec<String>> = runs(data)
        .filter_map(|(entry, run)| {
            let ends = [entry.name.clone(), run.label(), time(run)];
            Some(ends.into_iter().chain(cells(&run.usage()?)).collect())
        })
        .collect();
    let is_told = |column: &usize| rows.iter().any(|row| row[*column] != MISSING);
    let kept: Vec<usize> = (0..header.len()).filter(is_told).collect();
    DataTable {
        header: kept.iter().map(|column| header[*column].to_owned()).collect(),
        rows: rows.iter().map(|row| kept.iter().map(|column| row[*column].clone()).collect()).collect(),
    }
}

/// The text for what a machine did not tell.
const MISSING: &str = "–";

fn time(run: &RunSummary) -> String {
    let end = run.record.as_ref().and_then(|record| record.end.as_ref());
    let time = end.and_then(|end| Duration::try_from_secs_f64(end.seconds).ok());
    time.map_or_else(|| MISSING.to_owned(), format::duration)
}

fn cells(usage: &Usage) -> [String; 7] {
    let bytes = |bytes: Option<u64>| bytes.map(format::bytes);
    let processors = usage.processors.map(|busy| match usage.processors_limit {
        Some(limit) => format!("{busy:.1} of {limit}"),
        None => format!("{busy:.1}"),
    });
    let cells = [
        processors,
        bytes(usage.memory_peak.or(usage.memory)),
        usage.gpu.map(format::percent),
        bytes(usage.gpu_memory),
        usage.all_joules().map(energy),
        bytes(usage.read),
        bytes(usage.written),
    ];
    cells.map(|cell| cell.unwrap_or_else(|| MISSING.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: f64, over: f64, memory: u64) -> Sample {
        Sample {
            seconds,
            over,
            usage: Usage { memory: Some(memory << 30), ..Usage::default() },
            ..Sample::default()
        }
    }

    #[test]
    fn a_value_holds_for_the_whole_of_its_period() {
        let samples = [sample(2.0, 2.0, 3), sample(4.0, 2.0, 5)];
        let unit = unit(4.0);
        assert_eq!(curve(&samples, &MEASURES[1], unit), [(0.0, 3.0), (2.0, 3.0), (4.0, 5.0)]);
        assert!(curve(&samples, &MEASURES[2], unit).is_empty(), "there is no GPU");
    }

    #[test]
    fn curves_with_different_times_have_a_mean_up_to_the_end_of_the_shortest() {
        let long = vec![(0.0, 1.0), (4.0, 1.0), (8.0, 9.0)];
        let short = vec![(0.0, 3.0), (4.0, 3.0)];
        let mean = mean(&[long, short]).unwrap();
        assert!(mean.iter().all(|point| point.1 == 2.0), "{mean:?}");
        assert_eq!(mean.last().map(|point| point.0), Some(4.0));
    }

    #[test]
    fn times_are_in_a_unit_that_can_be_read() {
        assert_eq!(
            [5.0, 119.0, 121.0, 7199.0, 7201.0, 1e7].map(|seconds| unit(seconds).name),
            ["seconds", "seconds", "minutes", "minutes", "hours", "hours"]
        );
    }
}
