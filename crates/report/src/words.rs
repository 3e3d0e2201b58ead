//! The sentences of a report, as plain text; page, Markdown and terminal say the same.

use cliptune_experiment::{Split, SplitBy, TaskKind};
use cliptune_store::DatasetRecord;
use cliptune_terminal::format::{self, counted};

use crate::data::{
    Board, BoardRow, Difference, Entry, Gallery, Lineage, ReportData, State, Stratum, Verdict,
};

/// The name of an objective.
pub(crate) fn objective(word: &str) -> String {
    format!("{word} objective")
}

/// The metric that a kind of item is judged by.
pub(crate) fn metric(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Choice => "accuracy",
        TaskKind::Pairs => "recall@1",
    }
}

/// The metric, with what it measures.
pub(crate) fn metric_long(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Choice => "accuracy, right text chosen",
        TaskKind::Pairs => "recall@1, image to text",
    }
}

/// The finding in one line: the title of the page.
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
    format!("{}: {}{}", data.entries[row.entry].name, reached(board, row), compared(data, board, row))
}

fn reached(board: &Board, row: &BoardRow) -> String {
    match board.task {
        TaskKind::Choice => format!("{:.2} of held-out items matched with the right text", row.score.value),
        TaskKind::Pairs => format!("the own text ranks first for {:.2} of held-out images", row.score.value),
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
        _ => format!(", chance is {}", chance(board)),
    }
}

fn chance(board: &Board) -> String {
    if board.chance < 0.1 { format!("{:.3}", board.chance) } else { format!("{:.2}", board.chance) }
}

/// The finding in paragraphs, one for each board.
pub(crate) fn finding(data: &ReportData) -> Vec<String> {
    let paragraphs = data.boards.iter().map(|board| board_finding(data, board).join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect()
}

/// How the finding came about, in paragraphs: what was chosen on which split, how intervals were made, what leaks.
pub(crate) fn method(data: &ReportData) -> Vec<String> {
    let mut paragraphs: Vec<String> = data.boards.iter().filter_map(|board| named(data, board)).collect();
    if !data.boards.is_empty() {
        paragraphs.push(test_use(data));
    }
    paragraphs.extend(leaks(data));
    paragraphs.extend(data.boards.iter().filter_map(|board| board.lineage.map(seen)));
    paragraphs
}

/// What the starting weights have seen of the test split.
fn seen(lineage: Lineage) -> String {
    let datasets = counted(lineage.datasets as u64, "dataset");
    match (lineage.seen_images, lineage.unknown) {
        (0, 0) => format!(
            "The weights they start from were trained on {datasets}, with no image of this test split."
        ),
        (0, _) => format!(
            "The weights they start from were trained on {datasets}; whether with images of this test split is not \
             known, because not all of them are part of this report."
        ),
        (images, _) => format!(
            "Caution: the weights they start from were trained with {} of this test split, so the test score is partly \
             memory.",
            counted(images as u64, "image")
        ),
    }
}

/// Why this entry is the one in the title.
fn named(data: &ReportData, board: &Board) -> Option<String> {
    let row = board.headline_row().filter(|_| board.rows.len() > 2)?;
    Some(format!(
        "Of {} experiments, {} is named because it scored best on the validation split, not on the test split.",
        board.rows.len(),
        data.entries[row.entry].name
    ))
}

fn board_finding(data: &ReportData, board: &Board) -> Vec<String> {
    let Some(row) = board.headline_row().or(board.rows.first()) else { return Vec::new() };
    let entry = &data.entries[row.entry];
    let score = format::estimate(row.score.value, row.score.low, row.score.high);
    let what = match board.task {
        TaskKind::Choice => "picks the right text for",
        TaskKind::Pairs => "ranks an image's own text first for",
    };
    let mut sentences = vec![format!(
        "{} {what} {score} of {} from {} that training never saw; guessing reaches {}. {}",
        entry.name,
        counted(board.n_items as u64, "test item"),
        counted(board.n_groups as u64, "group"),
        chance(board),
        seeds(entry, row),
    )];
    if let (Some(difference), Some(baseline)) = (&row.difference, board.baseline_row()) {
        let name = &data.entries[baseline.entry].name;
        sentences.push(against(difference, name, baseline));
    }
    sentences
}

fn seeds(entry: &Entry, row: &BoardRow) -> String {
    match row.per_seed.as_slice() {
        _ if !entry.is_trained() => "Nothing was trained here, so there is no seed to vary.".to_owned(),
        [_] => "That is one seed: how much another seed would change it is not known.".to_owned(),
        several => format!("That is the mean of {} seeds.", several.len()),
    }
}

fn against(difference: &Difference, name: &str, baseline: &BoardRow) -> String {
    let delta = &difference.delta;
    let change = format::difference(delta.value, delta.low, delta.high);
    let mid_p = difference.mid_p.map(|p| format!(", McNemar mid-p {}", p_value(p))).unwrap_or_default();
    let verdict = match difference.verdict {
        Verdict::Improved => "It improved",
        Verdict::Worse => "It got worse",
        Verdict::NoChange => "No change was detected",
    };
    format!(
        "{verdict}: {change} compared with {name} ({}) on the same items{mid_p}.",
        format::number(baseline.score.value)
    )
}

/// A p-value that does not pretend to be zero.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

fn test_use(data: &ReportData) -> String {
    let trained: Vec<&Entry> = data.entries.iter().filter(|entry| entry.is_trained()).collect();
    let chosen = match trained.is_empty() {
        true => String::new(),
        false => "Epochs were chosen on the validation split. ".to_owned(),
    };
    let rows = data.boards.iter().filter_map(|board| board.headline_row().or(board.rows.first()));
    let mut methods: Vec<&str> = rows.map(|row| row.score.method.as_str()).collect();
    methods.dedup();
    let method = format!(" Intervals are 95 %: {}.", methods.join("; and "));
    let comparisons =
        data.boards.iter().flat_map(|board| &board.rows).filter(|row| row.difference.is_some()).count();
    let several = match comparisons {
        0 | 1 => String::new(),
        n => {
            format!(" The {n} differences were tested one by one; they are not corrected for being several.")
        }
    };
    format!("{chosen}The test split was used only for these numbers.{method}{several}")
}

fn leaks(data: &ReportData) -> Vec<String> {
    data.datasets.iter().filter_map(|dataset| dataset_leaks(dataset, data.datasets.len() > 1)).collect()
}

fn dataset_leaks(dataset: &DatasetRecord, several: bool) -> Option<String> {
    let leaks = &dataset.leaks;
    let parts = [(leaks.groups, "group"), (leaks.images, "image"), (leaks.texts, "text")];
    let found: Vec<_> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| counted(n, what)).collect();
    if found.is_empty() {
        return Some(format!(
            "No group, image or text {}stands in two splits.",
            of_dataset(dataset, several)
        ));
    }
    // An image that training has seen is worse than a text that two images share.
    let consequence = match leaks.groups + leaks.images {
        0 => "items with these texts may be easier than unseen ones",
        _ => "the test score is partly memory",
    };
    Some(format!(
        "Caution: {} {}stand in more than one split ({}); {consequence}.",
        found.join(", "),
        of_dataset(dataset, several),
        split_rule(dataset)
    ))
}

fn of_dataset(dataset: &DatasetRecord, several: bool) -> String {
    if several { format!("of the {} dataset ", kind(dataset.task)) } else { String::new() }
}

/// The name of a kind of item.
pub(crate) fn kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Choice => "choice",
        TaskKind::Pairs => "pairs",
    }
}

/// How a dataset was split.
pub(crate) fn split_rule(dataset: &DatasetRecord) -> String {
    let seed = dataset.plan.split.seed;
    match &dataset.plan.split.by {
        SplitBy::Component { across } if across.is_empty() => {
            format!("split by connected component of groups and the texts they share, seed {seed}")
        }
        SplitBy::Component { across } => {
            format!("split by connected component of groups and shared {}, seed {seed}", across.join(", "))
        }
        SplitBy::Group => format!("split by group, seed {seed}"),
        SplitBy::Row => format!("split by row, seed {seed}"),
        SplitBy::Column(column) => format!("split as the column {column} says"),
    }
}

/// The title of the accuracy chart.
pub(crate) fn accuracy_title(data: &ReportData) -> String {
    match data.boards.as_slice() {
        [board] => format!("Held-out {}", metric_long(board.task)),
        _ => "Scores on held-out items".to_owned(),
    }
}

/// How to read the accuracy chart.
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

/// A heading for a board's panel.
pub(crate) fn board_heading(board: &Board) -> String {
    match board.task {
        TaskKind::Choice => "Choice: right text chosen".to_owned(),
        TaskKind::Pairs => "Pairs: counterpart among the first k".to_owned(),
    }
}

/// How to read the loss chart.
pub(crate) fn loss_caption(weights: &[f64]) -> String {
    let mut distinct: Vec<String> = weights.iter().map(|weight| format!("{weight:.2}")).collect();
    distinct.dedup();
    format!(
        "Bold: mean over seeds, smoothed (debiased moving average, weight {}). Thin: seeds. Faint: raw. Rings: epochs kept.",
        distinct.join(" and ")
    )
}

/// How to read the validation chart.
pub(crate) fn validation_caption() -> &'static str {
    "Dots: mean over seeds; epoch 0 is before training. Thin: seeds. Rings: the epochs that were kept, chosen on this split."
}

/// Entries that have no result yet, in words.
pub(crate) fn missing(data: &ReportData) -> Vec<String> {
    let states = data.entries.iter().enumerate().filter_map(|(index, entry)| match entry.state() {
        State::NotRunYet => Some(format!("{}: not run yet", entry.name)),
        State::Incomplete => Some(format!("{}: {}", entry.name, unfinished(entry))),
        State::Done if data.row(index).is_none() => {
            Some(format!("{}: not scored on the test split{}", entry.name, on_training_items(entry)))
        }
        State::Done => None,
    });
    states.collect()
}

/// What a score on the train split is worth, if there is one.
fn on_training_items(entry: &Entry) -> String {
    match entry.score_on(Split::Train) {
        Some(score) if entry.is_trained() => format!(
            "; its {} of {score:.2} was measured on the items that it was trained on and says nothing about others",
            metric(entry.plan.data.columns.task.kind())
        ),
        _ => String::new(),
    }
}

fn unfinished(entry: &Entry) -> String {
    let done = entry.runs.iter().filter(|run| run.is_done()).count();
    let seeds = entry.runs.iter().filter(|run| !run.is_done()).map(|run| run.seed.to_string());
    format!("{done} of {} runs done, missing seed {}", entry.runs.len(), seeds.collect::<Vec<_>>().join(", "))
}

/// Damaged event logs, in words.
pub(crate) fn damage(data: &ReportData) -> Vec<String> {
    let runs = data.entries.iter().flat_map(|entry| entry.runs.iter().map(move |run| (entry, run)));
    let damaged = runs.filter(|(_, run)| run.damaged_lines > 0);
    damaged
        .map(|(entry, run)| {
            let lines = counted(run.damaged_lines as u64, "line");
            format!(
                "{}, seed {}: {lines} of the event log cannot be read; the curves do without",
                entry.name, run.seed
            )
        })
        .collect()
}

/// The name of a stratum, with the two entries it is about.
pub(crate) fn stratum(stratum: Stratum, headline: &str, baseline: Option<&str>) -> String {
    match (stratum, baseline) {
        (Stratum::Gained, Some(baseline)) => format!("{headline} right, {baseline} wrong"),
        (Stratum::Lost, Some(baseline)) => format!("{headline} wrong, {baseline} right"),
        (Stratum::BothRight, Some(_)) => "both right".to_owned(),
        (Stratum::BothWrong, Some(_)) => "both wrong".to_owned(),
        (Stratum::Gained | Stratum::BothRight, None) => format!("{headline} right"),
        (Stratum::Lost | Stratum::BothWrong, None) => format!("{headline} wrong"),
    }
}

/// How the gallery's items were chosen.
pub(crate) fn gallery_choice(data: &ReportData, gallery: &Gallery) -> String {
    let (headline, baseline) = gallery_names(data, gallery);
    let counts = gallery.strata.iter().filter(|(_, count)| count.items > 0).map(|(name, count)| {
        format!("{}: {} of {}", stratum(*name, headline, baseline), count.shown, count.items)
    });
    format!(
        "Nobody picked these: each outcome gives its first items in the order of their content hashes, at most one of \
         a group ({}). Numbers are the probability an experiment gave the text it chose.",
        counts.collect::<Vec<_>>().join("; ")
    )
}

/// The names that the gallery's strata are about.
pub(crate) fn gallery_names<'a>(data: &'a ReportData, gallery: &Gallery) -> (&'a str, Option<&'a str>) {
    let board = &data.boards[gallery.board];
    let name = |entry: usize| data.entries[entry].name.as_str();
    let headline = board.headline.or(board.rows.first().map(|row| row.entry)).map_or("", name);
    (headline, board.baseline.filter(|_| board.rows.len() > 1).map(name))
}

/// How much the report covers.
pub(crate) fn extent(data: &ReportData) -> String {
    let runs = data.entries.iter().flat_map(|entry| &entry.runs).filter(|run| run.is_done()).count();
    format!("{}, {}", counted(data.entries.len() as u64, "experiment"), counted(runs as u64, "finished run"))
}

/// The letter of a choice: A to Z, then numbers.
pub(crate) fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index) if index < 26 => char::from(b'A' + index).to_string(),
        _ => (index + 1).to_string(),
    }
}

/// What a dataset is, in a sentence.
pub(crate) fn dataset_sentence(dataset: &DatasetRecord) -> String {
    let items = &dataset.items;
    let leaks = &dataset.leaks;
    let crossing = match leaks.groups + leaks.images + leaks.texts {
        0 => "Nothing crosses a split border".to_owned(),
        _ => format!(
            "{}, {} and {} cross split borders",
            counted(leaks.groups, "group"),
            counted(leaks.images, "image"),
            counted(leaks.texts, "text")
        ),
    };
    format!(
        "{} from {}, {}. {crossing}.",
        counted(items.items, "item"),
        counted(items.groups, "group"),
        split_rule(dataset)
    )
}
