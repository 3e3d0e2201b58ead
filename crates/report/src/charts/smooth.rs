//! Makes curves readable: they are smoothed, averaged over seeds and thinned, in this order, so that thinning cannot
//! hide a spike from the average.

/// A point of a curve.
pub(crate) type Point = (f64, f64);

/// Returns the weight of the exponential moving average for curves of that many steps: the window is about a twentieth
/// of the longest curve. A single weight for all curves of a panel keeps them comparable.
pub(crate) fn weight(steps: usize) -> f64 {
    let window = (steps as f64 / 20.0).max(1.0);
    ((1.0 - 1.0 / window).clamp(0.0, 0.98) * 100.0).round() / 100.0
}

/// Smooths a curve as TensorBoard does: with an exponential moving average from zero, divided by its total weight so
/// far. Values that are not finite are passed on and leave the average unchanged.
pub(crate) fn ema(curve: &[Point], weight: f64) -> Vec<Point> {
    let (mut average, mut total) = (0.0, 0.0);
    let smoothed = curve.iter().map(|&(x, y)| {
        if !y.is_finite() {
            return (x, f64::NAN);
        }
        average = average * weight + (1.0 - weight) * y;
        total = total * weight + (1.0 - weight);
        (x, average / total)
    });
    smoothed.collect()
}

/// Returns the mean over seeds, up to the end of the shortest. Where a seed has no number, the mean has a gap.
pub(crate) fn mean(seeds: &[Vec<Point>]) -> Vec<Point> {
    let length = seeds.iter().map(Vec::len).min().unwrap_or(0);
    let at = |index: usize| {
        let sum: f64 = seeds.iter().map(|curve| curve[index].1).sum();
        (seeds[0][index].0, sum / seeds.len() as f64)
    };
    (0..length).map(at).collect()
}

/// Returns at most about `most` points, evenly spaced, which always include the last one.
pub(crate) fn thin(curve: &[Point], most: usize) -> Vec<Point> {
    let stride = curve.len().div_ceil(most.max(1)).max(1);
    let last = curve.len().saturating_sub(1);
    let kept = curve.iter().enumerate().filter(|(index, _)| index % stride == 0 || *index == last);
    kept.map(|(_, point)| *point).collect()
}

/// Returns at most about `most` points that keep the extremes of every stretch, for noise that should look like noise.
pub(crate) fn envelope(curve: &[Point], most: usize) -> Vec<Point> {
    let stride = (2 * curve.len()).div_ceil(most.max(1)).max(1);
    if stride <= 2 {
        return curve.to_vec();
    }
    curve.chunks(stride).flat_map(extremes).collect()
}

fn extremes(chunk: &[Point]) -> Vec<Point> {
    if chunk.iter().any(|(_, y)| !y.is_finite()) {
        return chunk.to_vec();
    }
    let low = chunk.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let high = chunk.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let mut both: Vec<Point> = low.into_iter().chain(high).copied().collect();
    both.sort_by(|a, b| a.0.total_cmp(&b.0));
    both
}

/// Returns the stretches of finite points, because a chart that draws a line through a gap invents data.
pub(crate) fn segments(curve: &[Point]) -> Vec<&[Point]> {
    curve.split(|(_, y)| !y.is_finite()).filter(|segment| !segment.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: &[f64]) -> Vec<Point> {
        values.iter().enumerate().map(|(index, &y)| (index as f64, y)).collect()
    }

    #[test]
    fn a_constant_stays_constant() {
        assert!(ema(&curve(&[3.0; 50]), 0.9).iter().all(|(_, y)| (y - 3.0).abs() < 1e-12));
    }

    #[test]
    fn the_first_point_is_the_first_value() {
        let first = ema(&curve(&[5.0, 1.0]), 0.9)[0].1;
        assert!((first - 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_hole_stays_a_hole_and_spoils_nothing_after_it() {
        let smoothed = ema(&curve(&[1.0, f64::NAN, f64::INFINITY, 1.0]), 0.9);
        assert_eq!(segments(&smoothed).len(), 2);
        assert!((smoothed[3].1 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn thinning_keeps_the_ends() {
        let thinned = thin(&curve(&(0..1000).map(f64::from).collect::<Vec<_>>()), 100);
        assert!(thinned.len() <= 101);
        assert_eq!((thinned[0].1, thinned[thinned.len() - 1].1), (0.0, 999.0));
    }

    #[test]
    fn an_envelope_keeps_a_spike() {
        let mut values = vec![0.0; 1000];
        values[437] = 9.0;
        assert!(envelope(&curve(&values), 100).iter().any(|(_, y)| *y == 9.0));
    }

    #[test]
    fn the_mean_ends_with_the_shortest_seed() {
        let mean = mean(&[curve(&[1.0, 2.0, 3.0]), curve(&[3.0, 4.0])]);
        assert_eq!(mean, [(0.0, 2.0), (1.0, 3.0)]);
    }
}
