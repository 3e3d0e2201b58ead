//! The chart of which class is taken for which: the confusion matrix, each row as shares of its items.

use cliptune_documents::both_ends;
use cliptune_store::{ClassScore, ClassScores};
use cliptune_terminal::format::{self, counted};

use super::chart::{Chart, DataTable, Drawing, Width};
use super::figure::{Anchor, Figure, Stroke, Text};
use super::text::{shorten, width as text_width};
use super::theme;
use crate::data::ReportData;
use crate::error::ReportError;

/// The name of the chart.
pub(super) const NAME: &str = "confusion";

/// The number of classes that can be told apart in a drawing.
const MOST: usize = 20;
/// The height of the line with the numbers of the columns, in pixels.
const HEAD: f64 = 24.0;
/// The largest side of a cell, in pixels.
const LARGEST: f64 = 38.0;
/// The side from which on a cell has room for its share in per cent, in pixels.
const READABLE: f64 = 26.0;
const NAME_SIZE: f64 = 12.5;
/// The height of a line of text, for each pixel of its size.
const LINE: f64 = 1.25;
/// The most letters of a class's name in texts.
const NAMED: usize = 100;

/// The part of a confusion matrix that is drawn.
struct Grid {
    /// The name of each row and column.
    names: Vec<String>,
    /// For each row, the share of its items that were answered with the class of each column.
    shares: Vec<Vec<f64>>,
}

/// Returns the chart of the first board with classes, or `None` if there is none.
pub(crate) fn chart(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let found = data.boards.iter().find_map(|board| Some((board, board.classes.as_ref()?)));
    let Some((board, scores)) = found else { return Ok(None) };
    let entry = board.headline.or(board.rows.first().map(|row| row.entry));
    let name = entry.map_or("", |entry| data.entries[entry].name.as_str());
    let shown = most_confused(scores);
    let grid = Grid::of(scores, &shown);
    Ok(Some(Chart {
        name: NAME,
        title: "Which class is taken for which".to_owned(),
        caption: caption(name, scores, &shown),
        description: description(scores),
        table: table(scores),
        wide: draw(&grid, Width::Wide),
        narrow: draw(&grid, Width::Narrow),
    }))
}

/// Returns the classes to draw, in their order: those that have items, or of many those with the most mistakes.
fn most_confused(scores: &ClassScores) -> Vec<usize> {
    let mut mistakes = vec![0; scores.classes.len()];
    for cell in scores.confusion.iter().filter(|cell| cell.class != cell.predicted) {
        mistakes[cell.class] += cell.n_items;
        mistakes[cell.predicted] += cell.n_items;
    }
    let mut classes: Vec<usize> =
        (0..mistakes.len()).filter(|&class| scores.classes[class].n_items > 0).collect();
    if classes.len() > MOST {
        classes.sort_by_key(|&class| std::cmp::Reverse(mistakes[class]));
        classes.truncate(MOST);
        classes.sort_unstable();
    }
    classes
}

impl Grid {
    fn of(scores: &ClassScores, shown: &[usize]) -> Self {
        let place = |class: usize| shown.binary_search(&class).ok();
        let mut shares = vec![vec![0.0; shown.len()]; shown.len()];
        for cell in &scores.confusion {
            if let (Some(row), Some(column)) = (place(cell.class), place(cell.predicted)) {
                shares[row][column] = cell.share;
            }
        }
        Self { names: shown.iter().map(|&class| scores.classes[class].name.clone()).collect(), shares }
    }
}

fn draw(grid: &Grid, width: Width) -> Drawing {
    let names = grid.names.iter().map(|name| text_width(name, NAME_SIZE) + 34.0);
    let most = match width {
        Width::Wide => 240.0,
        Width::Narrow => 120.0,
    };
    let left = names.fold(60.0, f64::max).min(most);
    let side = ((width.pixels() - left) / grid.names.len().max(1) as f64).min(LARGEST);
    let mut figure = Figure::new(width.pixels(), HEAD + side * grid.names.len() as f64);
    // Where columns are narrow, only some have room for their number.
    let step = (text_width("00", NAME_SIZE.min(side / LINE)) / side).ceil().max(1.0) as usize;
    for (row, (name, shares)) in grid.names.iter().zip(&grid.shares).enumerate() {
        let middle = HEAD + side * (row as f64 + 0.5);
        let (number, column) = ((row + 1).to_string(), left + side * (row as f64 + 0.5));
        let size = NAME_SIZE.min(side / LINE);
        if row % step == 0 {
            figure.text(&Text::new(&number, (column, HEAD - 8.0)).anchor(Anchor::Middle).size(size));
        }
        let name = format!("{number}  {}", shorten(name, size, left - 34.0));
        figure.text(&Text::new(&name, (0.0, middle + 4.0)).size(size).colour(theme::INK));
        for (column, &share) in shares.iter().enumerate() {
            cell(&mut figure, (left + side * column as f64, middle), side, share, row == column);
        }
    }
    figure.into()
}

/// Draws a cell as a line that is as thick as it is long.
fn cell(figure: &mut Figure, (left, middle): (f64, f64), side: f64, share: f64, is_right: bool) {
    let (from, to) = ((left + 1.0, middle), (left + side - 1.0, middle));
    figure.rule(from, to, Stroke::solid(theme::SHADE, side - 2.0));
    if share > 0.0 {
        let colour = if is_right { theme::RIGHT } else { theme::SERIES[1] };
        figure.rule(from, to, Stroke::solid(colour, side - 2.0).faint(0.12 + 0.73 * share));
    }
    if share > 0.0 && side >= READABLE {
        let text = format!("{:.0}", 100.0 * share);
        let at = (left + side / 2.0, middle + 4.0);
        figure.text(&Text::new(&text, at).anchor(Anchor::Middle).size(11.0).colour(theme::INK));
    }
}

fn caption(name: &str, scores: &ClassScores, shown: &[usize]) -> String {
    let which = match scores.classes.len() - shown.len() {
        0 => String::new(),
        left_out => {
            format!(" {} with fewer mistakes or without items left out.", counted(left_out as u64, "class"))
        }
    };
    format!(
        "{name}, test split. Rows are the images' classes, columns the answers; numbers are per cent of the row.{which}"
    )
}

fn description(scores: &ClassScores) -> String {
    let sentence = |class: &ClassScore| {
        let accuracy = class.accuracy.as_ref()?;
        let (name, items) = (both_ends(&class.name, NAMED), counted(class.n_items as u64, "item"));
        Some(format!("{name}: {:.2} of {items}.", accuracy.value))
    };
    scores.classes.iter().filter_map(sentence).take(MOST).collect::<Vec<_>>().join(" ")
}

fn table(scores: &ClassScores) -> DataTable {
    let header = ["class", "items", "answers", "accuracy", "low", "high", "most often taken for"];
    let row = |(class, score): (usize, &ClassScore)| {
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), format::number);
        let accuracy = score.accuracy.as_ref();
        vec![
            both_ends(&score.name, NAMED),
            format::count(score.n_items as u64),
            format::count(score.n_predicted as u64),
            number(accuracy.map(|accuracy| accuracy.value)),
            number(accuracy.map(|accuracy| accuracy.low)),
            number(accuracy.map(|accuracy| accuracy.high)),
            taken_for(scores, class),
        ]
    };
    DataTable {
        header: header.map(str::to_owned).to_vec(),
        rows: scores.classes.iter().enumerate().map(row).collect(),
    }
}

/// Returns the other class that most items of a class are taken for, with their number.
fn taken_for(scores: &ClassScores, class: usize) -> String {
    let mistakes = scores.confusion.iter().filter(|cell| cell.class == class && cell.predicted != class);
    let most = mistakes.max_by_key(|cell| (cell.n_items, std::cmp::Reverse(cell.predicted)));
    most.map_or_else(
        || "–".to_owned(),
        |cell| format!("{} ({})", both_ends(&scores.classes[cell.predicted].name, NAMED), cell.n_items),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliptune_store::Confusion;

    fn scores(classes: usize, confusion: &[(usize, usize, usize)]) -> ClassScores {
        let items =
            |class: usize| confusion.iter().filter(|cell| cell.0 == class).map(|cell| cell.2).sum::<usize>();
        let class = |class: usize| ClassScore {
            name: format!("class {class}"),
            n_items: items(class),
            n_predicted: confusion.iter().filter(|cell| cell.1 == class).map(|cell| cell.2).sum(),
            accuracy: None,
        };
        let cell = |&(class, predicted, n_items): &(usize, usize, usize)| {
            let share = n_items as f64 / items(class) as f64;
            Confusion { class, predicted, n_items, share }
        };
        ClassScores {
            classes: (0..classes).map(class).collect(),
            confusion: confusion.iter().map(cell).collect(),
        }
    }

    #[test]
    fn a_row_is_made_of_shares_of_its_items() {
        let scores = scores(3, &[(0, 0, 3), (0, 2, 1), (2, 0, 2)]);
        let grid = Grid::of(&scores, &most_confused(&scores));
        // No item is of class 1.
        assert_eq!(grid.names, ["class 0", "class 2"]);
        assert_eq!(grid.shares, [[0.75, 0.25], [1.0, 0.0]]);
        assert_eq!(taken_for(&scores, 0), "class 2 (1)");
        assert_eq!(taken_for(&scores, 1), "–");
    }

    #[test]
    fn of_many_classes_those_with_the_most_mistakes_are_drawn() {
        let right: Vec<(usize, usize, usize)> = (0..100).map(|class| (class, class, 9)).collect();
        let wrong: Vec<(usize, usize, usize)> = (0..10).map(|n| (10 * n, 10 * n + 5, 2)).collect();
        let scores = scores(100, &[right, wrong].concat());
        let expected: Vec<usize> = (0..20).map(|n| 5 * n).collect();
        assert_eq!(most_confused(&scores), expected);
        assert!(caption("tuned", &scores, &expected).contains("80 classes"));
        assert_eq!(table(&scores).rows.len(), 100, "the table leaves no class out");
    }
}
