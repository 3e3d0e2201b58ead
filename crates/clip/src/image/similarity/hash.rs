//! Computes the hash of an image from its lowest frequencies.
//!
//! It is the `phash` of Python's ImageHash: the image in gray is resized to 32 × 32 pixels with Pillow's Lanczos filter;
//! of its discrete cosine transform the 8 × 8 lowest frequencies each give a bit, which says whether the coefficient is
//! above the median. Such a hash survives resizing, recompression and other changes of brightness, because these hardly
//! move low frequencies against each other. A hash of differences between neighbours (`dhash`) is cheaper but sees
//! line drawings on a plain background as much alike; hashes with more bits separate better and make the search for
//! pairs slower.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::super::coefficients::Kernel;
use super::super::raster::Raster;
use super::super::resample::{Target, resize_part};

/// A hash of how an image looks. Images that look alike have hashes that differ in few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerceptualHash(u64);

impl PerceptualHash {
    /// The largest distance at which two images count as near-duplicates.
    pub const NEAR: u32 = 4;

    /// Returns the hash with these bits. The first one, which belongs to the mean brightness, is the highest.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Returns the number of bits in which two hashes differ.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// Computes the hash of a gray image, of which the width and height `part` are looked at. Returns `None` if there is
    /// next to nothing to be seen: the hash of an even surface would consist of rounding errors, and all even surfaces are
    /// alike.
    pub(super) fn of(gray: &Raster, part: (f64, f64)) -> Option<Self> {
        let target = Target { width: SIDE, height: SIDE, columns: 0..SIDE, rows: 0..SIDE };
        let small = resize_part(gray, part, &target, Kernel::Lanczos);
        let low = lowest_frequencies(&small.samples);
        if low[1..].iter().all(|coefficient| coefficient.abs() < FAINT) {
            return None;
        }
        let mut sorted = low;
        sorted.sort_unstable();
        // Twice the median of 64 numbers.
        let middle = sorted[31] + sorted[32];
        let bits = low.iter().fold(0, |bits, &coefficient| bits << 1 | u64::from(2 * coefficient > middle));
        Some(Self(bits))
    }
}

impl fmt::Display for PerceptualHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// The side of the image that is transformed, and the number of frequencies along each side that are kept.
pub(super) const SIDE: usize = 32;
const KEPT: usize = 8;

/// The parts of a coefficient that count. Rounding to them keeps the last bits of sums from deciding anything.
const PARTS: f64 = 16.0;

/// A coefficient that a wave of half a level makes.
const FAINT: i64 = 512 * PARTS as i64;

/// Computes the lowest frequencies of a square of [`SIDE`] pixels, row by row.
fn lowest_frequencies(samples: &[u8]) -> [i64; KEPT * KEPT] {
    /// 2 cos(π frequency (2 pixel + 1) / 2 SIDE) for each pixel and frequency: the cosine transform of type II as SciPy
    /// scales it.
    static WAVES: LazyLock<[[f64; KEPT]; SIDE]> = LazyLock::new(|| {
        std::array::from_fn(|pixel| {
            std::array::from_fn(|frequency| {
                let angle = (frequency * (2 * pixel + 1)) as f64 / (2 * SIDE) as f64;
                2.0 * (std::f64::consts::PI * angle).cos()
            })
        })
    });
    let waves = &*WAVES;
    let mut coefficients = [[0.0; KEPT]; KEPT];
    for (down, line) in waves.iter().zip(samples.chunks_exact(SIDE)) {
        let mut across = [0.0; KEPT];
        for (wave, &sample) in waves.iter().zip(line) {
            add(&mut across, wave, f64::from(sample));
        }
        for (sums, &wave) in coefficients.iter_mut().zip(down) {
            add(sums, &across, wave);
        }
    }
    std::array::from_fn(|at| (coefficients[at / KEPT][at % KEPT] * PARTS).round() as i64)
}

/// Adds products with one factor to sums. All sums at once take no longer than one, which would wait for each addition.
fn add(sums: &mut [f64; KEPT], values: &[f64; KEPT], factor: f64) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * factor);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(draw: impl Fn(usize, usize) -> u8) -> Raster {
        let samples = (0..SIDE * SIDE).map(|at| draw(at % SIDE, at / SIDE)).collect();
        Raster { width: SIDE, height: SIDE, channels: 1, samples }
    }

    #[test]
    fn an_even_surface_has_no_hash() {
        for level in [0, 1, 100, 255] {
            assert_eq!(hash_of(&drawn(|_, _| level)), None);
        }
        assert_eq!(hash_of(&drawn(|x, y| 100 + u8::from((x, y) == (3, 4)))), None);
    }

    fn hash_of(gray: &Raster) -> Option<PerceptualHash> {
        PerceptualHash::of(gray, (gray.width as f64, gray.height as f64))
    }

    /// Python: `imagehash.phash(Image.fromarray(pixels))` of the same 32 × 32 pixels.
    #[test]
    fn a_hash_is_that_of_imagehash() {
        let hash = |draw: fn(usize, usize) -> u8| hash_of(&drawn(draw)).unwrap().to_string();
        assert_eq!(hash(|x, y| (x * 7 + y * y * 3 % 50) as u8), "81555f2a2a2a2b7f");
        assert_eq!(hash(|x, y| ((x * x + 5 * y) % 256) as u8), "830e381755376a7d");
        assert_eq!(hash(|x, y| if x > 11 && y < 20 { 230 } else { (9 * y % 31) as u8 }), "9c9c63639c63639c");
    }
}
