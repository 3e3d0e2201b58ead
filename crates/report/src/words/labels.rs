//! Titles, captions and names in a report.

use cliptune_experiment::TaskKind;
use cliptune_terminal::format::counted;

use super::kind;
use crate::data::{Board, ReportData, Role};

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

/// Returns the name of a metric of `scores.json` in a sentence: `recall@1 from image to text`.
pub(crate) fn metric_in_words(name: &str) -> String {
    match name.split_once("_recall@") {
        Some((way, k)) => format!("recall@{k} from {}", way.replace('_', " ")),
        None => name.replace('_', " "),
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

/// Returns the caption that says how to read the charts of matrices.
pub(crate) fn sweep_caption(has_maps: bool, has_strips: bool) -> String {
    let map = "A cell is a point of the matrix, darker the higher its score; the highest is outlined.";
    let strips = "A dot is a point of the matrix, in the line of its value whatever its other values are; bars and numbers are means.";
    [(has_maps, map), (has_strips, strips)]
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the caption that says how to read the reliability diagram.
pub(crate) fn reliability_caption() -> &'static str {
    "Test split. Dots: bins with equal numbers of answers, each with a 95 % interval as if items were independent. On the dashed line an \
     answer is right as often as its confidence says; below it the model is too sure. Columns: how many answers have which confidence."
}

/// Returns the caption that says how to read the risk–coverage curves.
pub(crate) fn risk_caption() -> &'static str {
    "Test split. Of the answers that a model is most confident of, as many as the axis says, this share is wrong: the risk–coverage \
     curve. If confidence told nothing, the curve would be level."
}

/// Returns the caption that says how to read the charts of places.
pub(crate) fn places_caption() -> &'static str {
    "Test split; places are counted from 1. A model that prefers a place gives its text as the answer more often, and is right more often where the right text stands there."
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

/// Returns the caption that says how to read the overview.
pub(crate) fn overview_caption(data: &ReportData) -> String {
    let order = match data.has_many() {
        true => {
            " Experiments come in the order of their test scores, which choose nothing: the one in the title did best on the \
             validation split. Only those that charts name have intervals over seeds of the metrics beside the score."
        }
        false => "",
    };
    format!(
        "Brackets are 95 % intervals; differences are paired on the same test items. Settings that all experiments share are left out.{order}"
    )
}

/// Returns a sentence on which experiments have a name in a chart of all.
pub(crate) fn named_rule(data: &ReportData) -> String {
    format!(" Of many experiments, {} and what they are compared with have names.", best(data))
}

/// Returns the words for those that are drawn by name.
fn best(data: &ReportData) -> String {
    let named = data.entries.iter().filter(|entry| matches!(entry.role, Role::Named(_))).count();
    format!("the best {named} on the validation split")
}

/// Returns a sentence on which experiments are drawn, where there are more of them.
pub(crate) fn drawn_rule(data: &ReportData) -> String {
    let others = data.others().count();
    match others {
        0 => String::new(),
        _ => format!(
            " Drawn are {} and what they are compared with; {} are not.",
            best(data),
            counted(others as u64, "other"),
        ),
    }
}

/// Returns a description of how much the report covers.
pub(crate) fn extent(data: &ReportData) -> String {
    let runs = data.entries.iter().flat_map(|entry| &entry.runs).filter(|run| run.is_done()).count();
    format!("{}, {}", counted(data.entries.len() as u64, "experiment"), counted(runs as u64, "finished run"))
}
