//! Points and curves, computed with additions and multiplications only, so that every machine gets the same bits.

/// A point of a drawing: x runs to the right, y downwards.
pub(crate) type Point = (f32, f32);

/// Computes the cosine and the sine of `turns` full turns. The standard library leaves both to the platform's maths
/// library, whose last bit differs from machine to machine.
pub(crate) fn turn(turns: f32) -> Point {
    let quarters = (turns - turns.floor()) * 4.0;
    let quarter = quarters.floor();
    let (cosine, sine) = first_quarter((quarters - quarter) * std::f32::consts::FRAC_PI_2);
    match quarter as u8 {
        0 => (cosine, sine),
        1 => (-sine, cosine),
        2 => (-cosine, -sine),
        _ => (sine, -cosine),
    }
}

/// Evaluates Taylor polynomials, which are accurate to five digits up to a quarter turn.
fn first_quarter(angle: f32) -> Point {
    let square = angle * angle;
    let cosine = 1.0 - square / 2.0 * (1.0 - square / 12.0 * (1.0 - square / 30.0 * (1.0 - square / 56.0)));
    let sine =
        angle * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0))));
    (cosine, sine)
}

/// Returns an ellipse as a polygon.
pub(crate) fn oval(centre: Point, radii: Point) -> Vec<Point> {
    arc(centre, radii, 0.0, 1.0)
}

/// Returns part of an ellipse; the angles are in turns, clockwise from three o'clock because y points downwards.
pub(crate) fn arc(centre: Point, radii: Point, from: f32, to: f32) -> Vec<Point> {
    const STEPS: u16 = 28;
    (0..=STEPS)
        .map(|step| {
            let (cosine, sine) = turn(from + (to - from) * f32::from(step) / f32::from(STEPS));
            (centre.0 + radii.0 * cosine, centre.1 + radii.1 * sine)
        })
        .collect()
}

/// Returns a smooth (Catmull-Rom) curve through `points`.
pub(crate) fn smooth(points: &[Point], closed: bool) -> Vec<Point> {
    const STEPS: u8 = 6;
    let count = points.len();
    if count < 3 {
        return points.to_vec();
    }
    let at = |index: isize| {
        let last = count as isize;
        let wrapped = if closed { index.rem_euclid(last) } else { index.clamp(0, last - 1) };
        points[wrapped as usize]
    };
    let spans = if closed { count } else { count - 1 };
    let mut curve = Vec::with_capacity(spans * usize::from(STEPS) + 1);
    for span in 0..spans as isize {
        let near = [at(span - 1), at(span), at(span + 1), at(span + 2)];
        curve.extend((0..STEPS).map(|step| on_span(near, f32::from(step) / f32::from(STEPS))));
    }
    curve.push(at(spans as isize));
    curve
}

fn on_span(near: [Point; 4], t: f32) -> Point {
    let blend = |a: f32, b: f32, c: f32, d: f32| {
        0.5 * (2.0 * b
            + t * ((c - a) + t * ((2.0 * a - 5.0 * b + 4.0 * c - d) + t * (3.0 * (b - c) + d - a))))
    };
    (blend(near[0].0, near[1].0, near[2].0, near[3].0), blend(near[0].1, near[1].1, near[2].1, near[3].1))
}

pub(crate) fn distance(a: Point, b: Point) -> f32 {
    ((a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1)).sqrt()
}

/// Returns the unit vector to the left of the way from `a` to `b`, or zero when the points coincide.
pub(crate) fn normal(a: Point, b: Point) -> Point {
    let length = distance(a, b);
    if length < 1e-4 { (0.0, 0.0) } else { ((b.1 - a.1) / length, (a.0 - b.0) / length) }
}

/// Returns points along `points` that are at most `step` apart. Corners are kept.
pub(crate) fn resample(points: &[Point], step: f32) -> Vec<Point> {
    let mut samples = Vec::new();
    for pair in points.windows(2) {
        let pieces = (distance(pair[0], pair[1]) / step).ceil().max(1.0) as u16;
        samples
            .extend((0..pieces).map(|piece| between(pair[0], pair[1], f32::from(piece) / f32::from(pieces))));
    }
    samples.extend(points.last());
    samples
}

pub(crate) fn between(a: Point, b: Point, t: f32) -> Point {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

/// Returns a tapering limb along `spine` as a polygon, `start` wide at its first point and `end` wide at its last.
pub(crate) fn limb(spine: &[Point], start: f32, end: f32) -> Vec<Point> {
    let spine = smooth(spine, false);
    let last = spine.len().saturating_sub(1);
    let side = |index: usize, sign: f32| {
        let (nx, ny) = normal(spine[index.saturating_sub(1)], spine[(index + 1).min(last)]);
        let half = sign * (start + (end - start) * index as f32 / last.max(1) as f32) / 2.0;
        (spine[index].0 + nx * half, spine[index].1 + ny * half)
    };
    let there = (0..=last).map(|index| side(index, 1.0));
    let back = (0..=last).rev().map(|index| side(index, -1.0));
    if spine.is_empty() { Vec::new() } else { there.chain(back).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_agrees_with_the_maths_library() {
        for step in -40..40 {
            let turns = step as f32 / 17.0;
            let angle = f64::from(turns) * std::f64::consts::TAU;
            let (cosine, sine) = turn(turns);
            assert!((f64::from(cosine) - angle.cos()).abs() < 1e-3, "cos of {turns} turns: {cosine}");
            assert!((f64::from(sine) - angle.sin()).abs() < 1e-3, "sin of {turns} turns: {sine}");
        }
    }

    #[test]
    fn a_smooth_curve_passes_through_its_points() {
        let points = [(0.0, 0.0), (10.0, 5.0), (20.0, 0.0)];
        let curve = smooth(&points, false);
        for point in points {
            assert!(curve.iter().any(|&other| distance(point, other) < 1e-3));
        }
    }

    #[test]
    fn resampling_leaves_no_long_gap() {
        let samples = resample(&[(0.0, 0.0), (100.0, 0.0), (100.0, 33.0)], 5.0);
        assert!(samples.windows(2).all(|pair| distance(pair[0], pair[1]) <= 5.001));
        assert_eq!(samples.last(), Some(&(100.0, 33.0)));
    }
}
