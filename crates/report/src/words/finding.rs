//! Describes what was found, in sentences.

use cliptune_compare::p_value;
use cliptune_experiment::TaskKind;
use cliptune_terminal::format::{self, counted};

use super::metric_in_words;
use crate::data::{AboveChance, Board, BoardRow, Difference, Entry, ReportData, Verdict};

/// Returns the finding in one line: the title of the page.
pub fn headline(data: &ReportData) -> String {
    let Some(board) = data.main_board() else {
        return match data.entries.as_slice() {
            [] => "Nothing to report: no experiments".to_owned(),
            _ => format!("{}: nothing was scored on a test split yet", data.name),
        };
    };
    let Some(row) = board.headline_row().or(board.rows.first()) else {
        return format!("{}: nothing was scored on a test split yet", data.name);
    };
    let [reached, compared, blind] = [reached(board, row), compared(data, board, row), blind(row)];
    format!("{}: {reached}{compared}{blind}", data.entries[row.entry].name)
}

/// Returns the words for what is above chance where looking at the images cannot help.
fn blind(row: &BoardRow) -> String {
    let controls = row.above_chance.iter();
    let said: Vec<String> = controls
        .map(|one| {
            format!("{} ({} {:.2})", one.control.described(), metric_in_words(&one.metric), one.score.value)
        })
        .collect();
    match said.is_empty() {
        true => String::new(),
        false => format!(" – but above chance with {}", said.join(" and with ")),
    }
}

fn reached(board: &Board, row: &BoardRow) -> String {
    match board.task {
        TaskKind::Choice => format!("{:.2} of held-out items matched with the right text", row.score.value),
        TaskKind::Pairs => format!("the own text ranks first for {:.2} of held-out images", row.score.value),
        TaskKind::Classes => format!("{:.2} of held-out images put into the right class", row.score.value),
    }
}

fn compared(data: &ReportData, board: &Board, row: &BoardRow) -> String {
    match (&row.difference, board.baseline) {
        (Some(difference), Some(baseline)) => {
            let baseline = &data.entries[baseline].name;
            match difference.verdict {
                Verdict::Improved => format!(", {:+.2} over {baseline}", difference.delta.value),
                Verdict::Worse => format!(", {:+.2} against {baseline}", difference.delta.value),
                Verdict::NoChange => format!(", no change detected from {baseline}"),
            }
        }
        _ => format!(", {}", baselines(board)),
    }
}

/// Returns the words for what is reached without looking at the images.
fn baselines(board: &Board) -> String {
    let chance = format!("chance is {}", share(board.chance));
    match board.majority {
        Some(majority) => format!("{chance}, always the most frequent answer {}", share(majority)),
        None => chance,
    }
}

fn share(value: f64) -> String {
    if value < 0.1 { format!("{value:.3}") } else { format!("{value:.2}") }
}

/// Returns the finding in paragraphs, one for each board.
pub(crate) fn finding(data: &ReportData) -> Vec<String> {
    let paragraphs = data.boards.iter().map(|board| board_finding(data, board).join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect()
}

fn board_finding(data: &ReportData, board: &Board) -> Vec<String> {
    let Some(row) = board.headline_row().or(board.rows.first()) else { return Vec::new() };
    let entry = &data.entries[row.entry];
    let score = format::estimate(row.score.value, row.score.low, row.score.high);
    let what = match board.task {
        TaskKind::Choice => "picks the right text for",
        TaskKind::Pairs => "ranks an image's own text first for",
        TaskKind::Classes => "finds the right class for",
    };
    let unseen = if entry.is_trained() { " that training never saw" } else { "" };
    let mut sentences = vec![format!(
        "{} {what} {score} of {} from {}{unseen}; {}. {}",
        entry.name,
        counted(board.n_items as u64, "test item"),
        counted(board.n_groups as u64, "group"),
        guessing(board),
        seeds(entry, row),
    )];
    sentences.extend(row.above_chance.iter().map(caution));
    sentences.extend(start_kept(entry));
    if let (Some(difference), Some(baseline)) = (&row.difference, board.baseline_row()) {
        let name = &data.entries[baseline.entry].name;
        sentences.push(against(difference, name, baseline));
    }
    sentences
}

/// Returns a sentence on a control in which the entry is above chance.
fn caution(above: &AboveChance) -> String {
    let AboveChance { control, metric, score, chance } = above;
    format!(
        "Caution: with {} its {} is {}, where guessing reaches {}; so much of its score needs no look at the image.",
        control.described(),
        metric_in_words(metric),
        format::estimate(score.value, score.low, score.high),
        share(*chance)
    )
}

fn guessing(board: &Board) -> String {
    let guessing = format!("guessing reaches {}", share(board.chance));
    match board.majority {
        Some(majority) => {
            format!("{guessing}, always giving the most frequent answer {}", share(majority))
        }
        None => guessing,
    }
}

/// Returns a sentence if training changed nothing for the entry that the title names.
fn start_kept(entry: &Entry) -> Option<String> {
    let kept = entry.runs.iter().filter(|run| run.kept_start()).count();
    match kept {
        0 => None,
        _ if kept == entry.runs.len() => {
            Some("Training kept the starting weights: no epoch was better.".to_owned())
        }
        _ => Some(format!(
            "Training kept the starting weights in {kept} of {} runs: no epoch was better.",
            entry.runs.len()
        )),
    }
}

fn seeds(entry: &Entry, row: &BoardRow) -> String {
    match folds(row) {
        Some(folds) => format!("{folds} {}", seeds_alone(entry, row)),
        None => seeds_alone(entry, row),
    }
}

/// Returns a sentence about the folds of a cross-validation, if the row is one.
fn folds(row: &BoardRow) -> Option<String> {
    let scores = || row.per_fold.iter().map(|(_, score)| *score);
    let (low, high) = (scores().fold(f64::INFINITY, f64::min), scores().fold(f64::NEG_INFINITY, f64::max));
    (!row.per_fold.is_empty()).then(|| {
        format!(
            "Each item is tested in one of {} folds; the score is the mean over the folds, which reach from {} to {}.",
            row.per_fold.len(),
            format::number(low),
            format::number(high)
        )
    })
}

fn seeds_alone(entry: &Entry, row: &BoardRow) -> String {
    match row.per_seed.as_slice() {
        _ if !entry.is_trained() => "Nothing was trained here, so there is no seed to vary.".to_owned(),
        [_] => "That is one seed: how much another seed would change it is not known.".to_owned(),
        several => format!("That is the mean of {} seeds.", several.len()),
    }
}

/// Returns how large a difference would have been found, where none was.
fn could_show(difference: &Difference) -> String {
    match (difference.verdict, difference.detectable) {
        (Verdict::NoChange, Some(smallest)) => {
            format!("; this test set could show {}", format::number(smallest))
        }
        _ => String::new(),
    }
}

fn against(difference: &Difference, name: &str, baseline: &BoardRow) -> String {
    let delta = &difference.delta;
    let change = format::difference(delta.value, delta.low, delta.high);
    let verdict = match difference.verdict {
        Verdict::Improved => "It improved",
        Verdict::Worse => "It got worse",
        Verdict::NoChange => "No change was detected",
    };
    format!(
        "{verdict}: {change} compared with {name} ({}) on the same items, {}{}.",
        format::number(baseline.score.value),
        p_value(difference),
        could_show(difference),
    )
}
