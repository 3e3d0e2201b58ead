//! The metrics of choices and classes that the tables show beside the score. Those of pairs have a table of their own.

use std::fmt::Write as _;

use crate::data::{BoardRow, ReportData};

/// The metrics of choices and classes, in the order of the table.
const CHOICE: [(&str, &str, &str); 8] = [
    ("top5_accuracy", "top 5", "share of images whose class is among the five likeliest"),
    ("balanced_accuracy", "balanced", "mean over classes of the share that is answered rightly"),
    ("nll", "nll", "mean negative log-likelihood of the right text, lower is better"),
    ("mrr", "MRR", "mean reciprocal rank of the right text"),
    ("label_prob", "label prob", "mean probability of the right text"),
    (
        "brier",
        "Brier",
        "mean squared distance between the probabilities and the truth, from 0 to 2, lower is better",
    ),
    (
        "ece",
        "ECE",
        "expected calibration error in bins of equal mass, debiased, lower is better; a perfectly calibrated model is not at 0",
    ),
    (
        "aurc",
        "AURC",
        "mean share of wrong answers among the most confident ones, over all shares of the items, lower is better",
    ),
];

/// Returns the other metrics that at least one entry has, in the order in which they are shown.
pub(crate) fn metrics(data: &ReportData) -> Vec<String> {
    let rows: Vec<&BoardRow> = data.boards.iter().flat_map(|board| &board.rows).collect();
    let has = |name: &str| rows.iter().any(|row| row.others.iter().any(|(other, _)| other == name));
    CHOICE.iter().map(|(name, ..)| *name).filter(|name| has(name)).map(str::to_owned).collect()
}

/// Returns the name of a metric in a table's header.
pub(crate) fn metric_name(metric: &str) -> &str {
    CHOICE.iter().find(|(name, ..)| *name == metric).map_or(metric, |(_, shown, _)| shown)
}

/// Returns a metric of a row, or `–` where it does not exist.
pub(crate) fn measure(row: &BoardRow, metric: &str) -> String {
    let found = row.others.iter().find(|(name, _)| name == metric);
    found.map_or_else(|| "–".to_owned(), |(_, measure)| cliptune_terminal::format::number(measure.value))
}

/// Returns the interval of a metric of a row, if it has one.
pub(crate) fn interval(row: &BoardRow, metric: &str) -> Option<String> {
    let (_, measure) = row.others.iter().find(|(name, _)| name == metric)?;
    let [low, high] = <[f64; 2]>::from(measure.interval?).map(cliptune_terminal::format::number);
    Some(format!("[{low}, {high}]"))
}

/// Returns the legend, which says what the metrics mean.
pub(crate) fn legend(metrics: &[String]) -> String {
    let known = CHOICE.iter().filter(|(name, ..)| metrics.iter().any(|metric| metric == name));
    let mut legend = String::new();
    for (_, shown, meaning) in known {
        let _ = write!(legend, "{shown}: {meaning}. ");
    }
    legend.trim_end().to_owned()
}
