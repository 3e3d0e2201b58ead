//! Stores samples in rows.

use super::fit::Placement;

/// An image: rows of pixels with interleaved channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raster<T = u8> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The number of channels, from 1 to 4.
    pub(super) channels: usize,
    /// The values of all samples: `height × width × channels`.
    pub(super) samples: Vec<T>,
}

impl<T: Copy> Raster<T> {
    /// Returns the same image with every pixel of `FROM` channels converted to one of `TO` channels.
    pub(super) fn map_pixels<const FROM: usize, const TO: usize, U: Copy>(
        &self,
        convert: impl Fn([T; FROM]) -> [U; TO],
    ) -> Raster<U> {
        let (pixels, _) = self.samples.as_chunks::<FROM>();
        let samples = pixels.iter().flat_map(|&pixel| convert(pixel)).collect();
        Raster { width: self.width, height: self.height, channels: TO, samples }
    }

    /// Puts the image on a square of `size` pixels that is filled with `fill`.
    pub(super) fn on_canvas(self, placement: &Placement, size: usize, fill: T) -> Self {
        if (self.width, self.height) == (size, size) {
            return self;
        }
        let mut samples = vec![fill; size * size * self.channels];
        let rows = samples.chunks_exact_mut(size * self.channels).skip(placement.top);
        for (row, line) in rows.zip(self.lines()) {
            row[placement.left * self.channels..][..line.len()].copy_from_slice(line);
        }
        Self { width: size, height: size, channels: self.channels, samples }
    }

    /// Iterates over the rows from top to bottom.
    pub(super) fn lines(&self) -> std::slice::ChunksExact<'_, T> {
        self.samples.chunks_exact(self.width * self.channels)
    }
}
