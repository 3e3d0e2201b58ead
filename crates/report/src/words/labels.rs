//! Titles, captions and names in a report.

use cliptune_experiment::TaskKind;
use cliptune_terminal::format::counted;

use super::kind;
use crate::data::{Board, ReportData};

/// Returns the name of an objective.
pub(crate) fn objective(word: &str) -> String {
    format!("{word} objective")
}

/// Returns the name of the metric that a kind of item is judged by.
pub(crate) fn metric(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Choice | TaskKind::Classes => "accuracy",
        TaskKind::Pairs => "recall@1",
    }
}

/// Returns the name of the metric, with what it measures.
pub(crate) fn metric_long(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Choice => "accuracy, right text chosen",
        TaskKind::Pairs => "recall@1, image to text",
        TaskKind::Classes => "accuracy, right class chosen",
    }
}

/// Returns the title of the accuracy chart.
pub(crate) fn accuracy_title(data: &ReportData) -> String {
    match data.boards.as_slice() {
        [board] => format!("Held-out {}", metric_long(board.task)),
        _ => "Scores on held-out items".to_owned(),
    }
}

/// Returns the caption that says how to read the accuracy chart.
pub(crate) fn interval_caption(data: &ReportData) -> String {
    let several = data.boards.iter().flat_map(|board| &board.rows).any(|row| row.per_seed.len() > 1);
    let seeds = if several { " Small dots are single seeds." } else { "" };
    let size = |board: &Board| {
        let which = if data.boards.len() > 1 { format!("{}: ", kind(board.task)) } else { String::new() };
        let (items, groups) =
            (counted(board.n_items as u64, "item"), counted(board.n_groups as u64, "group"));
        format!("{which}{items} from {groups}")
    };
    let sizes: Vec<_> = data.boards.iter().map(size).collect();
    format!("Test split, {}. Lines are 95 % intervals.{seeds}", sizes.join("; "))
}

/// Returns the heading for a board's panel.
pub(crate) fn board_heading(board: &Board) -> String {
    match board.task {
        TaskKind::Choice => "Choice: right text chosen".to_owned(),
        TaskKind::Pairs => "Pairs: counterpart among the first k".to_owned(),
        TaskKind::Classes => "Classes: right class chosen".to_owned(),
    }
}

/// Returns the caption that says how to read the loss chart.
pub(crate) fn loss_caption(weights: &[f64]) -> String {
    let mut distinct: Vec<String> = weights.iter().map(|weight| format!("{weight:.2}")).collect();
    distinct.dedup();
    format!(
        "Bold: mean over seeds, smoothed (debiased moving average, weight {}). Thin: seeds. Faint: raw. Rings: epochs kept.",
        distinct.join(" and ")
    )
}

/// Returns the caption that says how to read the validation chart.
pub(crate) fn validation_caption() -> &'static str {
    "Dots: mean over seeds; epoch 0 is before training. Thin: seeds. Rings: the epochs that were kept, chosen on this split."
}

/// Returns the caption that says how to read the chart of what runs used of their machines.
pub(crate) fn machine_caption() -> &'static str {
    "Over the time spent, without pauses, in periods of two seconds or, in long runs, up to a minute. Bold: mean over seeds. \
     Thin: seeds."
}

/// Returns a description of how much the report covers.
pub(crate) fn extent(data: &ReportData) -> String {
    let runs = data.entries.iter().flat_map(|entry| &entry.runs).filter(|run| run.is_done()).count();
    format!("{}, {}", counted(data.entries.len() as u64, "experiment"), counted(runs as u64, "finished run"))
}
