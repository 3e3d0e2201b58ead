//! All entries of a board side by side, in the order of their scores: a dot and an interval each. Only levels have names; the few
//! entries that are named stand below it, one in a row.

use super::axes::{horizontal_grid, padded};
use super::chart::Width;
use super::figure::{Figure, Frame, Stroke, Text};
use super::labels::spread;
use super::text::shorten;
use super::theme::{self, Colour};
use crate::data::Role;
use crate::error::ReportError;

/// All entries of a board.
pub(crate) struct Field {
    /// The dots, from the highest score to the lowest.
    pub(crate) dots: Vec<Dot>,
    /// The levels to compare with, by name.
    pub(crate) levels: Vec<(String, f64, Colour)>,
}

/// One entry.
pub(crate) struct Dot {
    /// The entry, as an index into the report's entries.
    pub(crate) entry: usize,
    pub(crate) role: Role,
    pub(crate) colour: Colour,
    pub(crate) value: f64,
    pub(crate) interval: (f64, f64),
}

/// A dot with its place in the order.
type Placed<'a> = (usize, &'a Dot);

/// The height, in pixels.
pub(crate) const HEIGHT: f64 = 250.0;
const LEFT: f64 = 40.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 34.0;
/// The height of a line of text, in pixels.
const LINE: f64 = 15.5;

impl Field {
    fn frame(&self, top: f64, right: f64) -> Frame {
        let values = self.dots.iter().flat_map(|dot| [dot.value, dot.interval.0, dot.interval.1]);
        Frame {
            left: LEFT,
            right,
            top: top + TOP,
            bottom: top + HEIGHT - BOTTOM,
            x: 0.0..self.dots.len().max(1) as f64,
            y: padded(values.chain(self.levels.iter().map(|(_, value, _)| *value))),
        }
    }

    /// Draws the field.
    pub(crate) fn draw(&self, figure: &mut Figure, top: f64, width: Width) -> Result<(), ReportError> {
        let room = if width == Width::Wide { 150.0 } else { 84.0 };
        let frame = self.frame(top, width.pixels() - room);
        horizontal_grid(figure, &frame, 5);
        let heading = format!("all {}, by score", self.dots.len());
        figure.text(&Text::new(&heading, (0.0, top + 13.0)).size(13.0).strong().colour(theme::INK));
        self.levels(figure, &frame, room - 12.0);
        let x = |place: usize| place as f64 + 0.5;
        let (others, named): (Vec<Placed<'_>>, Vec<Placed<'_>>) =
            self.dots.iter().enumerate().partition(|(_, dot)| dot.role == Role::Other);
        let bar = |(place, dot): &Placed<'_>| {
            [dot.interval.0, dot.interval.1].map(|end| frame.at((x(*place), end)))
        };
        let width = (0.6 * (frame.right - frame.left) / self.dots.len() as f64).clamp(0.6, 2.5);
        figure.bars(&others.iter().map(bar).collect::<Vec<_>>(), width, theme::OTHER, 0.45);
        let points: Vec<_> = others.iter().map(|(place, dot)| frame.at((x(*place), dot.value))).collect();
        figure.specks(&points, 2.6, theme::OTHER, 1.0);
        for ((_, dot), point) in others.iter().zip(points) {
            figure.pick_dot(dot.entry, point);
        }
        // What is named lies over what is not.
        for one in &named {
            let (place, dot) = *one;
            figure.bars(&[bar(one)], width, dot.colour, 0.45);
            figure.dots(&frame, &[(x(place), dot.value)], 4.5, dot.colour, 1.0)?;
        }
        Ok(())
    }

    /// Draws the levels, with their names at the right, where there are no dots.
    fn levels(&self, figure: &mut Figure, frame: &Frame, room: f64) {
        let wanted: Vec<f64> = self.levels.iter().map(|(_, value, _)| frame.at((0.0, *value)).1).collect();
        let placed = spread(&wanted, LINE, frame.top, frame.bottom);
        for (((name, _, colour), y), label) in self.levels.iter().zip(wanted).zip(placed) {
            figure.rule((frame.left, y), (frame.right, y), Stroke::solid(*colour, 1.2).dashed());
            figure.rule((frame.right, y), (frame.right + 9.0, label), Stroke::solid(*colour, 0.9));
            let name = shorten(name, 12.0, room);
            figure.text(&Text::new(&name, (frame.right + 12.0, label + 4.0)).colour(*colour));
        }
    }
}
