//! The table of retrieval: recall and median rank of pairs in both directions, with what guessing reaches.

use cliptune_experiment::TaskKind;
use cliptune_terminal::format::{self, counted};

use crate::data::{Board, BoardRow, Measure, ReportData, main_metric};
use crate::overview;

/// The directions, as the names of metrics and as the headers have them.
const WAYS: [(&str, &str); 2] = [("image_to_text", "image to text"), ("text_to_image", "text to image")];

/// What there is of each direction, as the names of metrics and as the headers have it.
const MEASURES: [(&str, &str); 4] =
    [("recall@1", "@1"), ("recall@5", "@5"), ("recall@10", "@10"), (MEDIAN_RANK, "median rank")];

/// The name of the rank of the middle item, which is no share.
const MEDIAN_RANK: &str = "median_rank";

/// How to read the table.
pub(crate) const CAPTION: &str = "Recall@k is the share of test images (texts) for which an own text (image) is among the first k; the median \
     rank counts from 1, lower is better. Brackets are 95 % intervals. Chance is that of each k and direction.";

/// One line of the table.
pub(crate) struct Line {
    /// The entry, as an index into [`ReportData::entries`].
    pub(crate) entry: usize,
    /// The value of each column with its interval, where there are.
    pub(crate) cells: Vec<(String, Option<String>)>,
}

/// What guessing reaches on a test split.
pub(crate) struct Chance {
    /// What the line is called.
    pub(crate) name: String,
    /// The value of each column, where guessing has one.
    pub(crate) cells: Vec<String>,
}

/// Returns the headers of the columns after the name.
pub(crate) fn header() -> impl Iterator<Item = String> {
    WAYS.iter().flat_map(|(_, way)| MEASURES.iter().map(move |(_, measure)| format!("{way} {measure}")))
}

/// Returns the names of the metrics of the columns.
fn metrics() -> impl Iterator<Item = String> {
    WAYS.iter().flat_map(|(way, _)| MEASURES.iter().map(move |(measure, _)| format!("{way}_{measure}")))
}

fn boards(data: &ReportData) -> impl Iterator<Item = &Board> {
    data.boards.iter().filter(|board| board.task == TaskKind::Pairs)
}

/// Returns a line for each entry that was scored on pairs, in the order of the overview.
pub(crate) fn lines(data: &ReportData) -> Vec<Line> {
    let of = |entry: usize| {
        let row = boards(data).find_map(|board| board.row(entry))?;
        Some(Line { entry, cells: metrics().map(|metric| cell(row, &metric)).collect() })
    };
    overview::order(data).into_iter().filter_map(of).collect()
}

fn cell(row: &BoardRow, metric: &str) -> (String, Option<String>) {
    let score = Measure { value: row.score.value, interval: Some((row.score.low, row.score.high)) };
    let other = row.others.iter().find(|(name, _)| name == metric).map(|(_, measure)| measure);
    let is_score = metric == main_metric(TaskKind::Pairs);
    match if is_score { Some(&score) } else { other } {
        Some(Measure { value, interval }) if metric.ends_with(MEDIAN_RANK) => {
            (rank(*value), interval.map(|interval| bracketed(interval, rank)))
        }
        Some(Measure { value, interval }) => {
            (format::number(*value), interval.map(|interval| bracketed(interval, format::number)))
        }
        None => ("–".to_owned(), None),
    }
}

fn rank(rank: f64) -> String {
    format!("{rank:.1}")
}

fn bracketed(interval: (f64, f64), written: fn(f64) -> String) -> String {
    let [low, high] = <[f64; 2]>::from(interval).map(written);
    format!("[{low}, {high}]")
}

/// Returns what guessing reaches on each test split of pairs.
pub(crate) fn chances(data: &ReportData) -> Vec<Chance> {
    let several = boards(data).count() > 1;
    let chance = |board: &Board| {
        let of = |metric: String| {
            board.chances.get(&metric).map_or_else(|| "–".to_owned(), |chance| format::number(*chance))
        };
        let items = format!("chance among {}", counted(board.n_items as u64, "item"));
        Chance { name: if several { items } else { "chance".to_owned() }, cells: metrics().map(of).collect() }
    };
    boards(data).map(chance).collect()
}
