//! Picks the nearest pixels. This is what Pillow does to palette indices and bilevel images, whatever filter is asked
//! for.

use std::ops::Range;

use super::raster::Raster;
use super::resample::Target;

/// Picks the nearest pixels of a one-channel image.
pub(super) fn pick(source: &Raster, target: &Target) -> Raster {
    let columns = nearest(source.width, target.width, &target.columns);
    let rows = nearest(source.height, target.height, &target.rows);
    let line = |&row: &usize| &source.samples[row * source.width..][..source.width];
    let samples = rows.iter().map(line).flat_map(|line| columns.iter().map(|&column| line[column])).collect();
    Raster { width: columns.len(), height: rows.len(), channels: 1, samples }
}

/// Finds the input pixels under the centres of the output pixels `wanted` by adding up the scale, as Pillow does.
fn nearest(from: usize, to: usize, wanted: &Range<usize>) -> Vec<usize> {
    let scale = from as f64 / to as f64;
    let centres = std::iter::successors(Some(scale * 0.5), |centre| Some(centre + scale));
    let wanted = centres.skip(wanted.start).take(wanted.len());
    wanted.map(|centre| (centre as usize).min(from - 1)).collect()
}
