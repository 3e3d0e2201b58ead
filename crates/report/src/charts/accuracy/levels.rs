//! What the dots are compared with: chance, the most frequent answer and the baseline, as vertical lines.

use super::{Layout, Panel, short};
use crate::charts::chart::Width;
use crate::charts::figure::{Anchor, Figure, Frame, Stroke, Text};
use crate::charts::text::{shorten, width as text_width};
use crate::charts::theme;

fn dashed() -> Stroke {
    Stroke::solid(theme::MUTED, 1.2).dashed()
}

/// Draws chance for each row alone, and says over all rows what the lines are.
pub(super) fn own_chances(figure: &mut Figure, layout: &Layout, frame: &Frame, panel: &Panel) {
    let chances: Vec<f64> = panel.rows.iter().filter_map(|row| row.chance).collect();
    let (least, most) = (
        chances.iter().copied().fold(f64::INFINITY, f64::min),
        chances.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let mut label = match short(least) == short(most) {
        true => format!("chance {}", short(least)),
        false => format!("chance of each, {} to {}", short(least), short(most)),
    };
    if let Some(majority) = panel.majority {
        label = format!("{label}; most frequent {}", short(majority));
    }
    // On a narrow screen the words of a row stand over its dot.
    let words = if layout.width == Width::Wide { 2.0 } else { layout.row_height / 2.0 };
    for (index, row) in panel.rows.iter().enumerate() {
        // The most frequent answer is that of the first measure.
        let levels = row.chance.into_iter().chain(panel.majority.filter(|_| index == 0));
        for level in levels {
            let top = frame.top + layout.row_height * index as f64;
            let (x, _) = frame.at((level, 0.0));
            figure.rule((x, top + words), (x, top + layout.row_height - 2.0), dashed());
        }
    }
    let (x, _) = frame.at((least, 0.0));
    let at = (x.min(figure.width() - text_width(&label, 12.0)).max(0.0), frame.top - 8.0);
    figure.text(&Text::new(&label, at).colour(theme::MUTED));
}

/// Draws the levels that all rows are to be compared with: chance, the most frequent answer and the baseline.
pub(super) fn common_levels(figure: &mut Figure, frame: &Frame, panel: &Panel) {
    let mut chance = format!("chance {}", short(panel.chance));
    if let Some(majority) = panel.majority {
        // Both lines share a label: they are often too close for two.
        chance = format!("{chance}, most frequent {}", short(majority));
        rule(figure, frame, majority, 8.0, dashed());
    }
    // The label stays on the side away from the baseline's line.
    let anchor = match &panel.baseline {
        Some((_, value)) if *value > panel.chance => Anchor::End,
        Some(_) => Anchor::Start,
        None => Anchor::Middle,
    };
    reference(figure, frame, (&chance, anchor), panel.chance, 8.0, dashed());
    if let Some((name, value)) = &panel.baseline {
        let label = format!("{} {}", shorten(name, 12.0, 150.0), short(*value));
        let stroke = Stroke::solid(theme::BASELINE, 1.2);
        reference(figure, frame, (&label, Anchor::Middle), *value, 24.0, stroke);
    }
}

/// Draws a vertical line over all rows and returns its place.
fn rule(figure: &mut Figure, frame: &Frame, value: f64, raise: f64, stroke: Stroke) -> f64 {
    let (x, _) = frame.at((value, 0.0));
    figure.rule((x, frame.top - raise + 4.0), (x, frame.bottom), stroke);
    x
}

/// Draws a vertical line over all rows, with a label at its upper end.
fn reference(
    figure: &mut Figure,
    frame: &Frame,
    (label, anchor): (&str, Anchor),
    value: f64,
    raise: f64,
    stroke: Stroke,
) {
    let x = rule(figure, frame, value, raise, stroke);
    let width = text_width(label, 12.0);
    let start = match anchor {
        Anchor::Start => x - 3.0,
        Anchor::Middle => x - width / 2.0,
        Anchor::End => x + 3.0 - width,
    };
    let start = start.clamp(0.0, (figure.width() - width).max(0.0));
    // Anchored like this, text in a font that is wider than expected grows away from the line.
    let at = match anchor {
        Anchor::Start => start,
        Anchor::Middle => start + width / 2.0,
        Anchor::End => start + width,
    };
    figure.text(&Text::new(label, (at, frame.top - raise)).anchor(anchor).colour(stroke.colour));
}
