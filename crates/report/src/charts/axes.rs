//! Ranges, ticks and grid lines of axes.

use std::ops::Range;

use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;

use super::figure::{Anchor, Figure, Frame, Stroke, Text};
use super::text::width as text_width;
use super::theme;

/// The font size of numbers at an axis, in pixels.
const SIZE: f64 = 11.5;

/// Returns a range around the values that is a twentieth wider at both ends. It is never empty, whatever the values
/// are.
pub(crate) fn padded(values: impl IntoIterator<Item = f64>) -> Range<f64> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let (low, high) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match high - low {
        span if !span.is_finite() => 0.0..1.0,
        span => {
            let margin = (span * 0.05).max(0.01);
            low - margin..high + margin
        }
    }
}

/// Returns round numbers inside a range, about as many as asked for.
pub(crate) fn ticks(range: &Range<f64>, most: usize) -> Vec<f64> {
    let coordinate: RangedCoordf64 = range.clone().into();
    coordinate.key_points(most)
}

/// Returns whole numbers inside a range, at most as many as asked for and one more, whatever the range is.
pub(crate) fn whole_ticks(range: &Range<f64>, most: usize) -> Vec<f64> {
    let steps = (0..).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
    let span = range.end.floor() - range.start.ceil();
    // A step that is no number is the end of all steps.
    let step = steps.take_while(|step| step.is_finite()).find(|step| (span / step).floor() < most as f64);
    let Some(step) = step else { return Vec::new() };
    let first = (range.start / step).ceil();
    let ticks = (0..=most).map(|tick| (first + tick as f64) * step);
    ticks.take_while(|tick| *tick <= range.end).collect()
}

/// Returns a tick's text, with as many decimals as all ticks together need.
pub(crate) fn tick_text(value: f64, ticks: &[f64]) -> String {
    let is_enough = |decimals: &usize| {
        let scale = 10f64.powi(*decimals as i32);
        ticks.iter().all(|tick| ((tick * scale).round() - tick * scale).abs() < 1e-6)
    };
    let decimals = (0..6).find(is_enough).unwrap_or(6);
    let text = format!("{value:.decimals$}");
    // There is no negative zero on an axis.
    if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) {
        text.replace('-', "")
    } else {
        text
    }
}

/// Draws horizontal grid lines with their numbers at the left.
pub(crate) fn horizontal_grid(figure: &mut Figure, frame: &Frame, most: usize) {
    let ticks = ticks(&frame.y, most);
    for &tick in &ticks {
        let (_, y) = frame.at((frame.x.start, tick));
        figure.rule((frame.left, y), (frame.right, y), Stroke::solid(theme::GRID, 1.0));
        let label = tick_text(tick, &ticks);
        figure.text(&Text::new(&label, (frame.left - 7.0, y + 4.0)).anchor(Anchor::End).size(11.5));
    }
}

/// Draws vertical grid lines with their numbers below.
pub(crate) fn vertical_grid(figure: &mut Figure, frame: &Frame, ticks: &[f64]) {
    for &tick in ticks {
        let (x, _) = frame.at((tick, frame.y.start));
        figure.rule((x, frame.top), (x, frame.bottom), Stroke::solid(theme::GRID, 1.0));
    }
    below(figure, frame, ticks);
}

/// Draws numbers below the frame, with short marks instead of grid lines.
pub(crate) fn bottom_ticks(figure: &mut Figure, frame: &Frame, ticks: &[f64]) {
    for &tick in ticks {
        let (x, _) = frame.at((tick, frame.y.start));
        figure.rule((x, frame.bottom), (x, frame.bottom + 4.0), Stroke::solid(theme::MUTED, 1.0));
    }
    below(figure, frame, ticks);
    let baseline = Stroke::solid(theme::MUTED, 1.0);
    figure.rule((frame.left, frame.bottom), (frame.right, frame.bottom), baseline);
}

/// Writes the numbers below a frame, inside the figure, and as many of them as fit beside each other.
fn below(figure: &mut Figure, frame: &Frame, ticks: &[f64]) {
    let mut free = 0.0;
    for &tick in ticks {
        let label = tick_text(tick, ticks);
        let half = text_width(&label, SIZE) / 2.0;
        let x = frame.at((tick, frame.y.start)).0.min(figure.width() - half).max(half);
        if x - half >= free {
            figure.text(&Text::new(&label, (x, frame.bottom + 18.0)).anchor(Anchor::Middle).size(SIZE));
            free = x + half + 2.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_value_has_a_range() {
        let range = padded([0.5]);
        assert!(range.start < 0.5 && 0.5 < range.end);
    }

    #[test]
    fn nothing_finite_has_a_range() {
        assert_eq!(padded([f64::NAN, f64::INFINITY]), 0.0..1.0);
    }

    #[test]
    fn ticks_read_as_round_numbers() {
        let ticks = [0.2, 0.3, 0.4];
        assert_eq!(tick_text(0.3, &ticks), "0.3");
        assert_eq!(tick_text(0.5, &[0.25, 0.5]), "0.50");
        assert_eq!(tick_text(-0.0, &[-1.0, 0.0]), "0");
    }

    #[test]
    fn epochs_are_whole() {
        assert_eq!(whole_ticks(&(0.0..5.0), 6), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(whole_ticks(&(0.0..40.0), 6), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(whole_ticks(&(0.0..7.5), 8), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    fn a_range_that_nobody_meant_has_few_ticks_too() {
        for end in [1e6, 1e18, 1e300, f64::MAX, f64::INFINITY, f64::NAN] {
            assert!(whole_ticks(&(0.0..end), 8).len() <= 9, "{end}");
        }
        assert_eq!(whole_ticks(&(0.0..30_000.0), 5), [0.0, 10_000.0, 20_000.0, 30_000.0]);
    }
}
