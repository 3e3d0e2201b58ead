//! Small multiples of curves: one panel per metric, a shared look, and names at the ends of lines.

use super::axes::{horizontal_grid, padded, vertical_grid, whole_ticks};
use super::chart::{Drawing, Width};
use super::figure::{Anchor, Figure, Frame, Stroke, Text};
use super::labels::spread;
use super::smooth::{Point, segments};
use super::text::{shorten, width as text_width};
use super::theme::{self, Colour};
use crate::error::ReportError;

/// Curves over epochs or time that share a scale.
pub(crate) struct Panel {
    /// The heading, which says what is plotted.
    pub(crate) heading: String,
    /// The curves, in the order of entries.
    pub(crate) curves: Vec<CurveSet>,
    /// The curves of other entries, which a page shows when a reader picks them.
    pub(crate) others: Vec<(usize, Vec<Point>)>,
    /// The name and value of a level to compare with, such as chance.
    pub(crate) level: Option<(String, f64)>,
    /// What the horizontal axis counts.
    pub(crate) axis: &'static str,
    /// The end of that axis.
    pub(crate) last: f64,
    /// Whether the vertical axis begins at 0, as it has to for amounts.
    pub(crate) is_amount: bool,
}

/// The curves of one entry.
pub(crate) struct CurveSet {
    /// The entry's name.
    pub(crate) name: String,
    /// The entry's colour.
    pub(crate) colour: Colour,
    /// The mean over seeds, which is drawn bold.
    pub(crate) mean: Vec<Point>,
    /// The curve of each seed, which is drawn thin; empty when there is only one seed.
    pub(crate) seeds: Vec<Vec<Point>>,
    /// The measured values before smoothing, which are drawn faint.
    pub(crate) raw: Vec<Vec<Point>>,
    /// Whether the mean has so few points that they are drawn as dots on a dashed line.
    pub(crate) dotted: bool,
    /// The points that get a ring: the epochs that were kept.
    pub(crate) kept: Vec<Point>,
}

const LABEL_SIZE: f64 = 12.5;
const LEFT: f64 = 42.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;
const GUTTER: f64 = 26.0;

/// Draws rows of panels, whose panels are beside each other where there is room and below each other where there is
/// not. The panels of a row share the vertical scale if `shared` is true.
pub(crate) fn draw(rows: &[Vec<Panel>], width: Width, shared: bool) -> Result<Drawing, ReportError> {
    let height = match width {
        Width::Wide => 300.0,
        Width::Narrow => 250.0,
    };
    let placed = places(rows, width, height);
    let bottom = placed.iter().map(|(_, _, place)| place.1 + height).fold(0.0, f64::max);
    let mut figure = Figure::new(width.pixels(), bottom);
    for (row, column, (left, top, panel_width)) in placed {
        let panel = &rows[row][column];
        let scale = if shared { rows[row].iter().collect() } else { vec![panel] };
        let frame = frame(panel, &scale, (left, top, panel_width, height));
        draw_panel(&mut figure, panel, &frame, left + panel_width)?;
    }
    Ok(figure.into())
}

/// Returns the row, column and place (left, top, width) of each panel.
fn places(rows: &[Vec<Panel>], width: Width, height: f64) -> Vec<(usize, usize, (f64, f64, f64))> {
    let mut top = 0.0;
    let mut placed = Vec::new();
    for (row, panels) in rows.iter().enumerate() {
        let columns = if width == Width::Wide { 2 } else { 1 };
        let panel_width = (width.pixels() - GUTTER * (columns - 1) as f64) / columns as f64;
        for (at, _) in panels.iter().enumerate() {
            let column = at % columns;
            let left = column as f64 * (panel_width + GUTTER);
            placed.push((row, at, (left, top, panel_width)));
            if column + 1 == columns || at + 1 == panels.len() {
                top += height + 14.0;
            }
        }
    }
    placed
}

fn frame(panel: &Panel, scale: &[&Panel], (left, top, width, height): (f64, f64, f64, f64)) -> Frame {
    let values = scale.iter().flat_map(|panel| panel.values());
    Frame {
        left: left + LEFT,
        right: left + width - panel.label_room(width),
        top: top + TOP,
        bottom: top + height - BOTTOM,
        x: 0.0..panel.last.max(1.0),
        y: padded(values),
    }
}

impl Panel {
    /// Returns the values that must be visible. Raw values are not among them, because one spike would flatten
    /// everything else.
    fn values(&self) -> impl Iterator<Item = f64> {
        let curves = self.curves.iter().flat_map(|set| set.mean.iter().chain(set.seeds.iter().flatten()));
        let values = curves.map(|point| point.1).chain(self.level.iter().map(|(_, value)| *value));
        // Of a curve that nobody has picked yet, the end is sure to be visible.
        let ends = self.others.iter().filter_map(|(_, curve)| Some(curve.last()?.1));
        values.chain(ends).chain(self.is_amount.then_some(0.0))
    }

    fn label_room(&self, width: f64) -> f64 {
        let widest = self.curves.iter().map(|set| text_width(&set.name, LABEL_SIZE)).fold(30.0, f64::max);
        widest.min(width * 0.34) + 22.0
    }
}

fn draw_panel(figure: &mut Figure, panel: &Panel, frame: &Frame, right: f64) -> Result<(), ReportError> {
    let heading = shorten(&panel.heading, 13.5, right - frame.left + LEFT);
    let heading = Text::new(&heading, (frame.left - LEFT, frame.top - 14.0));
    figure.text(&heading.size(13.5).strong().colour(theme::INK));
    horizontal_grid(figure, frame, 5);
    let most = if frame.right - frame.left > 180.0 { 8 } else { 5 };
    vertical_grid(figure, frame, &whole_ticks(&frame.x, most));
    let axis = Text::new(panel.axis, (frame.right, frame.bottom + 34.0));
    figure.text(&axis.anchor(Anchor::End).size(11.5));
    if let Some((name, value)) = &panel.level {
        level(figure, frame, name, *value);
    }
    let raw = panel.curves.iter().map(|set| set.raw.len()).sum::<usize>();
    for set in &panel.curves {
        background(figure, frame, set, raw)?;
    }
    for set in &panel.curves {
        foreground(figure, frame, set)?;
    }
    figure.pick_curves(frame, &panel.others);
    end_labels(figure, panel, frame, right);
    Ok(())
}

fn level(figure: &mut Figure, frame: &Frame, name: &str, value: f64) {
    let (_, y) = frame.at((0.0, value));
    figure.rule((frame.left, y), (frame.right, y), Stroke::solid(theme::MUTED, 1.2).dashed());
    figure.text(&Text::new(name, (frame.right - 4.0, y - 5.0)).anchor(Anchor::End).size(11.5));
}

/// Draws what lies behind: the raw values, which are fainter the more of them the panel has, and the single seeds.
fn background(figure: &mut Figure, frame: &Frame, set: &CurveSet, all_raw: usize) -> Result<(), ReportError> {
    let raw = set.raw.iter().flat_map(|curve| segments(curve));
    figure.lines(
        frame,
        raw,
        Stroke::solid(set.colour, 0.7).faint((0.6 / all_raw.max(1) as f64).clamp(0.07, 0.18)),
        true,
    )?;
    let seeds = set.seeds.iter().flat_map(|curve| segments(curve));
    figure.lines(frame, seeds, Stroke::solid(set.colour, 1.0).faint(0.45), true)
}

/// Draws what lies in front: the mean and the epochs that were kept.
fn foreground(figure: &mut Figure, frame: &Frame, set: &CurveSet) -> Result<(), ReportError> {
    let stroke = Stroke::solid(set.colour, 2.3);
    let stroke = if set.dotted { stroke.dashed() } else { stroke };
    figure.lines(frame, segments(&set.mean), stroke, false)?;
    if set.dotted {
        let dots: Vec<_> = set.mean.iter().copied().filter(|(_, y)| y.is_finite()).collect();
        figure.dots(frame, &dots, 3.2, set.colour, 1.0)?;
    }
    figure.rings(frame, &set.kept, 6.5, set.colour)
}

/// Writes the names at the right, each as near to the end of its curve as the others allow, and joins each to its
/// curve.
fn end_labels(figure: &mut Figure, panel: &Panel, frame: &Frame, right: f64) {
    let named = panel.curves.iter().filter_map(|set| {
        let last = set.mean.iter().rev().find(|(_, y)| y.is_finite())?;
        Some((set, frame.at(*last)))
    });
    let named: Vec<_> = named.collect();
    let wanted: Vec<f64> = named.iter().map(|(_, (_, y))| *y).collect();
    let placed = spread(&wanted, LABEL_SIZE + 3.0, frame.top, frame.bottom - 2.0);
    for ((set, end), y) in named.into_iter().zip(placed) {
        let start = frame.right + 16.0;
        figure.rule((end.0 + 5.0, end.1), (start - 3.0, y), Stroke::solid(set.colour, 0.9).faint(0.6));
        let name = shorten(&set.name, LABEL_SIZE, right - start);
        figure.text(&Text::new(&name, (start, y + 4.2)).size(LABEL_SIZE).strong().colour(set.colour));
    }
}
