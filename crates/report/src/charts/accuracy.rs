//! The chart of held-out accuracy: a dot and an interval for each entry, sorted, with chance and the baseline to
//! compare with. Imported runs that answered the same items stand below.

mod levels;

use cliptune_experiment::TaskKind;
use cliptune_terminal::format;

use super::axes::{bottom_ticks, padded, ticks};
use super::chart::{Chart, DataTable, Drawing, Width};
use super::field::{self, Dot, Field};
use super::figure::{Anchor, Figure, Frame, Stroke, Text};
use super::text::{shorten, width as text_width};
use super::theme::{self, Colour};
use crate::data::{Board, BoardRow, ForeignEntry, ForeignScore, Measure, ReportData, Role};
use crate::error::ReportError;
use crate::words;

/// The most imported runs that a panel draws.
const IMPORTED: usize = 8;

/// The name of the chart.
pub(super) const NAME: &str = "accuracy";

/// One panel, whose dots share an axis.
struct Panel {
    heading: Option<String>,
    /// What guessing reaches in the score that all rows have in common.
    chance: f64,
    majority: Option<f64>,
    /// Whether each row is a measure of its own, with a chance of its own.
    has_measures: bool,
    baseline: Option<(String, f64)>,
    /// All entries, where there are too many for a row each.
    field: Option<Field>,
    /// The rows that are drawn: those of entries, and then those of imported runs.
    rows: Vec<Row>,
    /// The rows of the table, which leaves nothing out.
    all: Vec<Row>,
}

/// One dot with its interval.
#[derive(Clone)]
struct Row {
    name: String,
    colour: Colour,
    value: f64,
    interval: Option<(f64, f64)>,
    per_seed: Vec<f64>,
    /// What guessing reaches in what the row measures.
    chance: Option<f64>,
}

/// Returns the chart of all boards, or `None` if nothing was scored on a test split.
pub(crate) fn chart(data: &ReportData) -> Result<Option<Chart>, ReportError> {
    let panels: Vec<Panel> =
        data.boards.iter().enumerate().map(|(at, board)| panel(data, at, board)).collect();
    if panels.is_empty() {
        return Ok(None);
    }
    Ok(Some(Chart {
        name: NAME,
        title: words::accuracy_title(data),
        caption: caption(data),
        description: description(&panels),
        table: table(&panels),
        wide: draw(&panels, Width::Wide)?,
        narrow: draw(&panels, Width::Narrow)?,
    }))
}

fn caption(data: &ReportData) -> String {
    let rule = if data.has_many() { words::named_rule(data) } else { String::new() };
    let most = (0..data.boards.len()).map(|board| imported(data, board).count()).max().unwrap_or_default();
    let imported = match most {
        0 => String::new(),
        1..=IMPORTED => " Imported runs stand last, in the colour of the text.".to_owned(),
        _ => format!(
            " Imported runs stand last, in the colour of the text: the {IMPORTED} with the highest scores."
        ),
    };
    format!("{}{rule}{imported}", words::interval_caption(data))
}

/// Returns the imported runs that answered the items of a board, by its index, with what they reach.
fn imported(data: &ReportData, board: usize) -> impl Iterator<Item = (&ForeignEntry, &ForeignScore)> {
    let scored = data.foreign.iter().filter_map(|one| Some((one, one.scored.as_ref()?)));
    scored.filter(move |(_, scored)| scored.board == Some(board))
}

/// Returns the rows of the imported runs on a board, from the highest to the lowest score. None of them has the colour of an entry.
fn imported_rows(data: &ReportData, at: usize, board: &Board) -> Vec<Row> {
    let row = |(one, scored): (&ForeignEntry, &ForeignScore)| Row {
        name: one.name.clone(),
        colour: theme::INK,
        value: scored.score.value,
        interval: Some((scored.score.low, scored.score.high)),
        per_seed: Vec::new(),
        chance: Some(board.chance),
    };
    let mut rows: Vec<Row> = imported(data, at).map(row).collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    rows
}

/// Returns the panel of a board and its index.
fn panel(data: &ReportData, at: usize, board: &Board) -> Panel {
    let several = data.boards.len() > 1;
    let only = match board.rows.as_slice() {
        [only] if board.task == TaskKind::Pairs => Some(only),
        _ => None,
    };
    let mut all = match only {
        Some(only) => recalls(data, board, only),
        None => board.sorted().into_iter().map(|row| entry_row(data, board, row)).collect(),
    };
    let is_crowded = data.has_many();
    let is_named = |row: &&BoardRow| data.entries[row.entry].role != Role::Other;
    let mut rows = match is_crowded {
        true => board.sorted().into_iter().filter(is_named).map(|row| entry_row(data, board, row)).collect(),
        false => all.clone(),
    };
    let imported = imported_rows(data, at, board);
    rows.extend(imported.iter().take(IMPORTED).cloned());
    all.extend(imported);
    let baseline = board.baseline_row().filter(|_| board.rows.len() > 1);
    Panel {
        field: is_crowded.then(|| field(data, board)),
        all,
        heading: several.then(|| words::board_heading(board)),
        chance: board.chance,
        has_measures: only.is_some(),
        // Beside an equal number, another line would say nothing.
        majority: board.majority.filter(|majority| short(*majority) != short(board.chance)),
        baseline: baseline.map(|row| (data.entries[row.entry].label.clone(), row.score.value)),
        rows,
    }
}

/// Returns all entries of a board, for one drawing.
fn field(data: &ReportData, board: &Board) -> Field {
    let dot = |row: &BoardRow| Dot {
        entry: row.entry,
        role: data.entries[row.entry].role,
        colour: theme::of_entry(data, row.entry),
        value: row.score.value,
        interval: (row.score.low, row.score.high),
    };
    let baseline = board.baseline_row().map(|row| {
        let label = format!("{} {}", short(row.score.value), data.entries[row.entry].label);
        (label, row.score.value, theme::BASELINE)
    });
    let chance = (format!("{} chance", short(board.chance)), board.chance, theme::MUTED);
    Field {
        dots: board.sorted().into_iter().map(dot).collect(),
        levels: std::iter::once(chance).chain(baseline).collect(),
    }
}

fn entry_row(data: &ReportData, board: &Board, row: &BoardRow) -> Row {
    Row {
        name: data.entries[row.entry].label.clone(),
        colour: theme::of_entry(data, row.entry),
        value: row.score.value,
        interval: Some((row.score.low, row.score.high)),
        per_seed: row.per_seed.iter().map(|(_, value)| *value).collect(),
        chance: Some(board.chance),
    }
}

/// Returns a row for every recall, for a pairs board whose only entry has the panel to itself.
fn recalls(data: &ReportData, board: &Board, row: &BoardRow) -> Vec<Row> {
    let name = format!("image → text, {}", words::metric(TaskKind::Pairs));
    let first = Row { name, ..entry_row(data, board, row) };
    let colour = first.colour;
    let others = row.others.iter().filter_map(|(name, measure)| recall_row(board, name, measure, colour));
    std::iter::once(first).chain(others).collect()
}

fn recall_row(board: &Board, name: &str, measure: &Measure, colour: Colour) -> Option<Row> {
    let (way, k) = name.split_once("_recall@")?;
    let way = way.replace("_to_", " → ");
    Some(Row {
        name: format!("{way}, recall@{k}"),
        chance: board.chances.get(name).copied(),
        colour,
        value: measure.value,
        interval: measure.interval,
        per_seed: Vec::new(),
    })
}

/// The sizes that depend on the available room.
struct Layout {
    width: Width,
    name_column: f64,
    value_column: f64,
    /// The room of the widest interval.
    interval: f64,
    row_height: f64,
}

/// The height above a panel for the labels of chance and baseline, in pixels.
const HEAD: f64 = 40.0;
/// The height below a panel for its ticks, in pixels.
const FOOT: f64 = 34.0;
/// The height of the heading of a panel, in pixels.
const HEADING: f64 = 30.0;
/// The height between the field of all entries and the rows, in pixels.
const FIELD_GAP: f64 = 14.0;
const NAME_SIZE: f64 = 14.0;
const INTERVAL_SIZE: f64 = 13.0;

impl Layout {
    fn new(panels: &[Panel], width: Width) -> Self {
        let rows = || panels.iter().flat_map(|panel| &panel.rows);
        let intervals = rows().map(|row| text_width(&interval_of(row), INTERVAL_SIZE));
        let interval = intervals.fold(text_width("[0.00, 0.00]", INTERVAL_SIZE), f64::max);
        let names = panels.iter().flat_map(|panel| &panel.rows).map(|row| text_width(&row.name, NAME_SIZE));
        match width {
            Width::Wide => Self {
                width,
                name_column: names.fold(90.0, f64::max).min(260.0) + 16.0,
                value_column: interval + 78.0,
                interval,
                row_height: 40.0,
            },
            Width::Narrow => Self { width, name_column: 6.0, value_column: 6.0, interval, row_height: 56.0 },
        }
    }

    fn frame(&self, panel: &Panel, top: f64) -> Frame {
        let values = panel.rows.iter().flat_map(|row| {
            let (low, high) = row.interval.unwrap_or((row.value, row.value));
            [low, high].into_iter().chain(row.per_seed.iter().copied())
        });
        let chances = panel.rows.iter().filter_map(|row| row.chance);
        let x = padded(values.chain([panel.chance]).chain(chances).chain(panel.majority));
        Frame {
            left: self.name_column,
            right: self.width.pixels() - self.value_column,
            top,
            bottom: top + self.row_height * panel.rows.len() as f64,
            x: x.start.max(0.0)..x.end.min(1.02),
            y: 0.0..panel.rows.len() as f64,
        }
    }

    fn height(&self, panel: &Panel) -> f64 {
        let heading = if panel.heading.is_some() { HEADING } else { 0.0 };
        heading + field_height(panel) + HEAD + self.row_height * panel.rows.len() as f64 + FOOT
    }
}

fn field_height(panel: &Panel) -> f64 {
    panel.field.as_ref().map_or(0.0, |_| field::HEIGHT + FIELD_GAP)
}

fn draw(panels: &[Panel], width: Width) -> Result<Drawing, ReportError> {
    let layout = Layout::new(panels, width);
    let gap = 26.0;
    let height: f64 = panels.iter().map(|panel| layout.height(panel)).sum();
    let mut figure = Figure::new(width.pixels(), height + gap * (panels.len() - 1) as f64);
    let mut top = 0.0;
    for panel in panels {
        draw_panel(&mut figure, &layout, panel, top)?;
        top += layout.height(panel) + gap;
    }
    Ok(figure.into())
}

fn draw_panel(figure: &mut Figure, layout: &Layout, panel: &Panel, top: f64) -> Result<(), ReportError> {
    let mut top = top;
    if let Some(heading) = &panel.heading {
        figure.text(&Text::new(heading, (0.0, top + 15.0)).size(13.5).strong().colour(theme::INK));
        top += HEADING;
    }
    if let Some(field) = &panel.field {
        field.draw(figure, top, layout.width)?;
        top += field_height(panel);
    }
    let frame = layout.frame(panel, top + HEAD);
    bottom_ticks(figure, &frame, &ticks(&frame.x, if layout.width == Width::Wide { 9 } else { 5 }));
    match panel.has_measures {
        true => levels::own_chances(figure, layout, &frame, panel),
        false => levels::common_levels(figure, &frame, panel),
    }
    for (index, row) in panel.rows.iter().enumerate() {
        draw_row(figure, layout, &frame, row, panel.rows.len() - index)?;
    }
    Ok(())
}

/// Draws a row. `place` counts from the bottom, because rows read from top to bottom and values grow upwards.
fn draw_row(
    figure: &mut Figure,
    layout: &Layout,
    frame: &Frame,
    row: &Row,
    place: usize,
) -> Result<(), ReportError> {
    let narrow = layout.width == Width::Narrow;
    let y = place as f64 - if narrow { 0.66 } else { 0.5 };
    if let Some((low, high)) = row.interval {
        figure.lines(
            frame,
            [[(low, y), (high, y)].as_slice()],
            Stroke::solid(row.colour, 3.0).faint(0.55),
            false,
        )?;
    }
    if row.per_seed.len() > 1 {
        let below = y - 11.0 / layout.row_height;
        let seeds: Vec<_> = row.per_seed.iter().map(|&value| (value, below)).collect();
        figure.dots(frame, &seeds, 3.0, row.colour, 0.75)?;
    }
    figure.dots(frame, &[(row.value, y)], 6.5, row.colour, 1.0)?;
    row_words(figure, layout, frame.at((row.value, y)).1, row);
    Ok(())
}

fn row_words(figure: &mut Figure, layout: &Layout, y: f64, row: &Row) {
    let wide = layout.width == Width::Wide;
    let base = if wide { y + 5.0 } else { y - 17.0 };
    let right = layout.width.pixels();
    let room = if wide { layout.name_column - 16.0 } else { right - layout.interval - 60.0 };
    let name = shorten(&row.name, NAME_SIZE, room);
    figure.text(&Text::new(&name, (0.0, base)).size(NAME_SIZE).strong().colour(row.colour));
    let interval = interval_of(row);
    let numbers = Text::new(&interval, (right, base)).anchor(Anchor::End).size(INTERVAL_SIZE);
    let value = short(row.value);
    // Every interval gets the same room, so that the values line up in a column.
    let at = (right - layout.interval - 10.0, base);
    figure.text(&numbers);
    figure.text(&Text::new(&value, at).anchor(Anchor::End).size(NAME_SIZE).strong().colour(theme::INK));
}

/// Returns the interval of a row in words, if it has one.
fn interval_of(row: &Row) -> String {
    row.interval.map(|(low, high)| format!("[{}, {}]", short(low), short(high))).unwrap_or_default()
}

/// Returns a value with two decimals, which is what an interval of a few hundred items supports; small chances need a
/// third.
fn short(value: f64) -> String {
    if value.abs() < 0.095 && value != 0.0 { format!("{value:.3}") } else { format!("{value:.2}") }
}

fn description(panels: &[Panel]) -> String {
    let sentences = panels.iter().flat_map(|panel| {
        let majority =
            panel.majority.map(|majority| format!(" Always the most frequent answer: {}.", short(majority)));
        let majority = majority.unwrap_or_default();
        let chance = match panel.has_measures {
            true => majority.trim_start().to_owned(),
            false => format!("Chance is {}.{majority}", short(panel.chance)),
        };
        panel
            .heading
            .iter()
            .map(|heading| format!("{heading}."))
            .chain(Some(chance).filter(|chance| !chance.is_empty()))
            .chain(panel.field.iter().map(field_sentence))
            .chain(panel.rows.iter().map(|row| sentence(row, panel.has_measures)))
    });
    sentences.collect::<Vec<_>>().join(" ")
}

fn field_sentence(field: &Field) -> String {
    let ends = [field.dots.last(), field.dots.first()].map(|dot| dot.map_or(f64::NAN, |dot| dot.value));
    format!("{} experiments, from {} to {}.", field.dots.len(), short(ends[0]), short(ends[1]))
}

fn sentence(row: &Row, has_own_chance: bool) -> String {
    let interval =
        row.interval.map(|(low, high)| format!(", 95 % interval {} to {}", short(low), short(high)));
    let chance = row.chance.filter(|_| has_own_chance).map(|chance| format!("; chance is {}", short(chance)));
    let [interval, chance] = [interval, chance].map(Option::unwrap_or_default);
    format!("{}: {}{interval}{chance}.", row.name, short(row.value))
}

fn table(panels: &[Panel]) -> DataTable {
    let header = ["experiment", "score", "low", "high", "each seed", "chance"];
    let cells = |row: &Row| {
        let end = |pick: fn((f64, f64)) -> f64| format::number(row.interval.map_or(f64::NAN, pick));
        let seeds: Vec<_> = row.per_seed.iter().map(|&value| format::number(value)).collect();
        vec![
            row.name.clone(),
            format::number(row.value),
            end(|interval| interval.0),
            end(|interval| interval.1),
            seeds.join(", "),
            row.chance.map_or_else(|| "–".to_owned(), format::number),
        ]
    };
    let rows = panels.iter().flat_map(|panel| panel.all.iter().map(cells));
    DataTable { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}
