//! Resizes 16-bit gray images as Pillow does: in double precision instead of fixed point.

use super::coefficients::{Coefficients, Resample};
use super::raster::Raster;
use super::resample::Target;

/// Resizes a 16-bit gray image, first horizontally, then vertically, in double precision with the intermediate image
/// rounded to 16 bits.
pub(super) fn resize_deep(source: &Raster<u16>, target: &Target, filter: Resample) -> Raster<u16> {
    let across = Coefficients::new(filter, source.width, target.width, target.columns.clone());
    let down = Coefficients::new(filter, source.height, target.height, target.rows.clone());
    let rows = down.reach();
    let narrow: Vec<Vec<u16>> = (source.lines().skip(rows.start).take(rows.len()))
        .map(|line| across.iter().map(|(first, weights)| mean(&line[first..], weights)).collect())
        .collect();
    let (width, height) = (target.columns.len(), target.rows.len());
    let mut samples = Vec::with_capacity(width * height);
    for (first, weights) in down.iter() {
        let rows = &narrow[first - rows.start..];
        samples.extend((0..width).map(|column| mean(rows.iter().map(|row| &row[column]), weights)));
    }
    Raster { width, height, channels: 1, samples }
}

/// Computes a weighted mean. Pillow stores the two bytes of the rounded sum separately and clamps each one, so a sum
/// over 65 535 keeps its low byte.
fn mean<'a>(samples: impl IntoIterator<Item = &'a u16>, weights: &[f64]) -> u16 {
    let sum: f64 =
        samples.into_iter().zip(weights).map(|(&sample, &weight)| f64::from(sample) * weight).sum();
    let rounded = (if sum >= 0.0 { sum + 0.5 } else { sum - 0.5 }) as i32;
    let byte = |value: i32| value.clamp(0, 255) as u8;
    u16::from_le_bytes([byte(rounded % 256), byte(rounded >> 8)])
}
