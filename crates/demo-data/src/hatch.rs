//! Hatching: parallel strokes inside a shape.

use crate::curve::Point;

/// Returns the parts of slanting lines, `gap` apart, that lie inside `polygon`. `rising` chooses the slant.
pub(crate) fn hatch(polygon: &[Point], gap: f32, rising: bool) -> Vec<[Point; 2]> {
    // In coordinates turned by 45 degrees, each stroke is a line of constant height.
    let slant = if rising { 1.0 } else { -1.0 };
    let turned = polygon.iter().map(|&(x, y)| (x - slant * y, x * slant + y)).collect::<Vec<_>>();
    let height = |pick: fn(f32, f32) -> f32, start| turned.iter().map(|point| point.1).fold(start, pick);
    let (top, bottom) = (height(f32::min, f32::INFINITY), height(f32::max, f32::NEG_INFINITY));
    let step = gap * std::f32::consts::SQRT_2;
    let lines = if bottom > top { ((bottom - top) / step) as u16 } else { 0 };
    let back = |u: f32, v: f32| ((u + slant * v) / 2.0, (v - slant * u) / 2.0);
    let mut strokes = Vec::new();
    for line in 0..=lines {
        let level = top + step * (f32::from(line) + 0.5);
        let crossings = crossings(&turned, level);
        strokes.extend(crossings.chunks_exact(2).map(|pair| [back(pair[0], level), back(pair[1], level)]));
    }
    strokes
}

/// Finds the positions where the outline crosses a height, from left to right.
fn crossings(polygon: &[Point], level: f32) -> Vec<f32> {
    let next = polygon.iter().cycle().skip(1);
    let mut found = polygon
        .iter()
        .zip(next)
        .filter(|(a, b)| (a.1 <= level) != (b.1 <= level))
        .map(|(a, b)| a.0 + (b.0 - a.0) * (level - a.1) / (b.1 - a.1))
        .collect::<Vec<_>>();
    found.sort_by(f32::total_cmp);
    found
}

#[cfg(test)]
mod tests {
    use super::hatch;

    #[test]
    fn strokes_stay_inside_the_shape() {
        let square = [(10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0)];
        for rising in [true, false] {
            let strokes = hatch(&square, 5.0, rising);
            assert!(strokes.len() >= 8);
            let inside = |value: f32| (9.9..=50.1).contains(&value);
            assert!(strokes.iter().flatten().all(|point| inside(point.0) && inside(point.1)));
        }
    }

    #[test]
    fn nothing_has_no_hatching() {
        assert!(hatch(&[], 5.0, true).is_empty());
    }
}
