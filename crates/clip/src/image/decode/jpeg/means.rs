//! Computes the means of blocks.

use std::hint::select_unpredictable;

use super::codes::Codes;
use super::layout::Layout;
use super::walk::{Slot, window};
use crate::image::raster::Raster;

/// The first component of an image in an eighth of its size: the mean of each block of 8 × 8 pixels, which is what libjpeg
/// returns at a scale of 1/8.
pub(super) struct Means {
    samples: Vec<u8>,
    /// The number of samples in a line.
    stride: usize,
}

impl Means {
    pub(super) fn new(layout: &Layout<'_>) -> Self {
        let ((across, down), (columns, rows)) = (layout.sampling, layout.groups());
        Self { samples: vec![0; columns * across * rows * down], stride: columns * across }
    }

    /// Reads the values of the blocks of a segment, of which it is known where each block ends.
    ///
    /// `groups` is the number of groups before it, `position` its start in bits.
    pub(super) fn read(
        &mut self,
        layout: &Layout<'_>,
        groups: usize,
        segment: &[Slot],
        mut source: Source<'_>,
    ) -> Option<()> {
        let ((across, down), (columns, _)) = (layout.sampling, layout.groups());
        let count = layout.blocks().sum();
        let (mut row, mut column) = (groups / columns, groups % columns);
        for group in segment.chunks_exact(count) {
            let corner = row * down * self.stride + column * across;
            let mut slots = group.iter();
            for line in 0..down {
                let means = &mut self.samples[corner + line * self.stride..][..across];
                for (mean, slot) in means.iter_mut().zip(&mut slots) {
                    *mean = mean_of(source.next(slot)?, layout.quantum);
                }
            }
            slots.last().inspect(|slot| source.position = slot.end);
            column += 1;
            if column == columns {
                (row, column) = (row + 1, 0);
            }
        }
        Some(())
    }

    /// Returns the image, without the blocks that lie outside of it.
    pub(super) fn image(mut self, layout: &Layout<'_>) -> Raster {
        let (width, height) = (layout.width.div_ceil(8), layout.height.div_ceil(8));
        if self.stride > width {
            for row in 0..height {
                let start = row * self.stride;
                self.samples.copy_within(start..start + width, row * width);
            }
        }
        self.samples.truncate(width * height);
        Raster { width, height, channels: 1, samples: self.samples }
    }
}

/// Reads the first value of blocks.
pub(super) struct Source<'a> {
    data: &'a [u8],
    codes: &'a Codes,
    /// The start of the next block in bits.
    position: u32,
    /// The latest value.
    dc: i16,
}

impl<'a> Source<'a> {
    pub(super) fn new(data: &'a [u8], codes: &'a Codes, position: u32) -> Self {
        Self { data, codes, position, dc: 0 }
    }

    /// Reads the value of the block that ends in a slot.
    #[inline(always)]
    fn next(&mut self, slot: &Slot) -> Option<i16> {
        let window = window(self.data, self.position)?;
        let (size, length) = self.codes.symbol(window)?;
        self.dc = self.dc.wrapping_add(extended(window << length, u32::from(size)));
        self.position = slot.end;
        Some(self.dc)
    }
}

/// Reads a value of less than 32 bits at the start of a window: those that start with 0 are negative (ITU-T T.81, F.2.2.1).
#[inline]
fn extended(window: u64, size: u32) -> i16 {
    let value = (window >> 1 >> (63 - size)) as i32;
    (value - select_unpredictable(window >> 63 == 0, (1 << size) - 1, 0)) as i16
}

/// Computes the mean of a block, as libjpeg computes its only pixel at a scale of 1/8.
fn mean_of(dc: i16, quantum: u16) -> u8 {
    (((i32::from(dc) * i32::from(quantum) + 4) >> 3) + 128).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_sign_of_their_first_bit() {
        let value = |bits: u64, size: u32| extended(bits << 1 << (63 - size), size);
        assert_eq!(
            [value(0, 0), value(0, 1), value(1, 1), value(0b011, 3), value(0b100, 3)],
            [0, -1, 1, -4, 4]
        );
    }
}
