//! The pen, whose lines tremble and swell a little, as if drawn by hand.

use crate::canvas::Canvas;
use crate::curve::{Point, normal, resample, turn};
use cliptune_random::Random;

/// A pen and the hand that holds it.
#[derive(Clone, Debug)]
pub(crate) struct Pen {
    /// The width of the line in pixels.
    pub(crate) nib: f32,
    /// The distance in pixels that the hand strays.
    pub(crate) wobble: f32,
    /// The random numbers of the hand.
    pub(crate) hand: Random,
}

/// The distance in pixels between two points of a line. The tremble has one value for each point.
const GRAIN: f32 = 5.0;
/// The number of points between two knots of the tremble. A larger number is calmer.
const CALM: usize = 5;

impl Pen {
    /// Returns the path that the hand really takes along `points`.
    pub(crate) fn trace(&mut self, points: &[Point]) -> Vec<Point> {
        let straight = resample(points, GRAIN);
        let strays = self.tremble(straight.len(), self.wobble);
        let lifts = self.tremble(straight.len(), self.wobble);
        let moved = straight.iter().zip(strays.iter().zip(&lifts));
        moved.map(|(point, (dx, dy))| (point.0 + dx, point.1 + dy)).collect()
    }

    /// Draws a path that [`trace`](Self::trace) returned.
    pub(crate) fn ink(&mut self, canvas: &mut Canvas, way: &[Point], weight: f32, shade: u8) {
        let swell = self.tremble(way.len(), 0.28);
        let half = |index: usize| self.nib * weight * (1.0 + swell[index]) / 2.0;
        let mut pieces = Vec::with_capacity(way.len() * 2);
        for (index, &point) in way.iter().enumerate() {
            pieces.push(blot(point, half(index)));
            if let Some(&next) = way.get(index + 1) {
                pieces.push(ribbon(point, half(index), next, half(index + 1)));
            }
        }
        canvas.fill(pieces.iter().map(Vec::as_slice), shade);
    }

    /// Returns smooth noise in `[-reach, reach]`: straight lines between random knots.
    fn tremble(&mut self, count: usize, reach: f32) -> Vec<f32> {
        let knots = (0..count / CALM + 2).map(|_| self.hand.between_f32(-reach, reach)).collect::<Vec<_>>();
        let at = |index: usize| {
            let (knot, part) = (index / CALM, (index % CALM) as f32 / CALM as f32);
            knots[knot] + (knots[knot + 1] - knots[knot]) * part
        };
        (0..count).map(at).collect()
    }
}

fn blot(centre: Point, radius: f32) -> Vec<Point> {
    const CORNERS: u8 = 8;
    let corner = |index: u8| {
        let (cosine, sine) = turn(f32::from(index) / f32::from(CORNERS));
        (centre.0 + radius * cosine, centre.1 + radius * sine)
    };
    (0..CORNERS).map(corner).collect()
}

fn ribbon(from: Point, half_from: f32, to: Point, half_to: f32) -> Vec<Point> {
    let (nx, ny) = normal(from, to);
    vec![
        (from.0 + nx * half_from, from.1 + ny * half_from),
        (to.0 + nx * half_to, to.1 + ny * half_to),
        (to.0 - nx * half_to, to.1 - ny * half_to),
        (from.0 - nx * half_from, from.1 - ny * half_from),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hand_strays_but_not_far() {
        let mut pen = Pen { nib: 2.0, wobble: 1.5, hand: Random::at(1, &[]) };
        let way = pen.trace(&[(0.0, 50.0), (200.0, 50.0)]);
        assert!(way.iter().any(|point| (point.1 - 50.0).abs() > 0.1));
        assert!(way.iter().all(|point| (point.1 - 50.0).abs() <= 1.5));
    }

    #[test]
    fn an_inked_line_is_dark_along_its_way() {
        let mut canvas = Canvas::new(100, 20).unwrap();
        let mut pen = Pen { nib: 4.0, wobble: 0.0, hand: Random::at(1, &[]) };
        let way = pen.trace(&[(10.0, 10.0), (90.0, 10.0)]);
        pen.ink(&mut canvas, &way, 1.0, 0);
        assert!((15..85).all(|x| canvas.luminance()[10 * 100 + x] < 10));
    }
}
