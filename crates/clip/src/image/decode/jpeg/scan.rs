//! Checks the data of a JPEG of the usual kind without computing its pixels.
//!
//! Once the headers are accepted, only the entropy-coded data can fail: a code that is in no table, or too few bits.
//! Both show without the inverse transform, the upsampling and the conversion of colours, which take most of the time
//! of decoding.

use std::cell::RefCell;
use std::rc::Rc;

use super::codes::{Bits, Codes, Definition, Runs};
use super::layout::Layout;
use crate::image::raster::Raster;

/// Checks the data of an image whose headers have been accepted. Returns the first component in an eighth of its size:
/// the mean of each block of 8 × 8 pixels, which is what libjpeg returns at a scale of 1/8.
///
/// Returns `None` if the data are damaged, or if the file is of another kind than [`Layout`] reads; the decoder
/// itself has to tell which. What passes here passes there.
pub(super) fn check(bytes: &[u8]) -> Option<Raster> {
    thread_local! {
        static WORKSPACE: RefCell<Workspace> = RefCell::default();
    }
    let layout = Layout::read(bytes)?;
    WORKSPACE.with_borrow_mut(|workspace| workspace.check(&layout))
}

/// What is kept from one image to the next.
#[derive(Default)]
struct Workspace {
    data: Vec<u8>,
    /// Most encoders write the same tables into all files.
    codes: Known<Codes>,
    runs: Known<Runs>,
}

impl Workspace {
    fn check(&mut self, layout: &Layout<'_>) -> Option<Raster> {
        let segments = unstuffed(layout.data, &mut self.data)?;
        let (dc, ac): (Vec<_>, Vec<_>) =
            layout.components.iter().map(|component| (component.dc, component.ac)).unzip();
        let dc = self.codes.get_all(&dc, Codes::new)?;
        let ac = self.runs.get_all(&ac, |definition| Codes::new(definition).map(Runs::new))?;
        let scan = Scan { layout, data: &self.data, tables: dc.into_iter().zip(ac).collect() };
        scan.check(&segments)
    }
}

/// Tables by their definitions, the latest last.
struct Known<T>(Vec<(Vec<u8>, Rc<T>)>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Known<T> {
    /// The number of tables that are kept: those of two images with tables of their own.
    const MOST: usize = 8;

    fn get_all(
        &mut self,
        definitions: &[Definition<'_>],
        build: impl Fn(Definition<'_>) -> Option<T>,
    ) -> Option<Vec<Rc<T>>> {
        definitions.iter().map(|&definition| self.get(definition, &build)).collect()
    }

    fn get(
        &mut self,
        definition: Definition<'_>,
        build: impl Fn(Definition<'_>) -> Option<T>,
    ) -> Option<Rc<T>> {
        let Definition { counts, symbols } = definition;
        let same = |(key, _): &&(Vec<u8>, Rc<T>)| key[..16] == *counts && key[16..] == *symbols;
        if let Some((_, known)) = self.0.iter().find(same) {
            return Some(Rc::clone(known));
        }
        let table = Rc::new(build(definition)?);
        if self.0.len() == Self::MOST {
            self.0.remove(0);
        }
        self.0.push(([counts, symbols].concat(), Rc::clone(&table)));
        Some(table)
    }
}

/// The end of a segment between restart markers, in bytes of the data without stuffing.
type End = usize;

/// Copies entropy-coded data without the zeros after 0xFF, and returns where each segment ends. The copy is followed by
/// as many zeros as a block may read beyond the end.
///
/// Returns `None` unless the data end with the end-of-image marker.
fn unstuffed(data: &[u8], copy: &mut Vec<u8>) -> Option<Vec<End>> {
    /// The bytes of the largest block, 64 codes of 16 bits with values of 15 bits, and of two windows.
    const BEYOND: usize = 64 * 31 / 8 + 16;
    copy.clear();
    copy.reserve(data.len() + BEYOND);
    let mut ends = Vec::new();
    let mut rest = data;
    loop {
        let at = memchr::memchr(0xFF, rest)?;
        let marker = *rest.get(at + 1)?;
        copy.extend_from_slice(&rest[..at + usize::from(marker == 0)]);
        rest = &rest[at + 2..];
        match marker {
            0 => {}
            0xD0..=0xD7 => ends.push(copy.len()),
            super::END => {
                ends.push(copy.len());
                copy.resize(copy.len() + BEYOND, 0);
                return Some(ends);
            }
            _ => return None,
        }
    }
}

/// The data of a scan with the tables of each component.
struct Scan<'a> {
    layout: &'a Layout<'a>,
    data: &'a [u8],
    tables: Vec<(Rc<Codes>, Rc<Runs>)>,
}

impl Scan<'_> {
    fn check(&self, ends: &[End]) -> Option<Raster> {
        let Layout { width, height, sampling: (across, down), .. } = *self.layout;
        let (columns, rows) = (width.div_ceil(8 * across), height.div_ceil(8 * down));
        let interval = match self.layout.restart_interval {
            0 => columns * rows,
            interval => interval,
        };
        if ends.len() != (columns * rows).div_ceil(interval) {
            return None;
        }
        let stride = columns * across;
        let mut means = vec![0; stride * rows * down];
        let mut start = 0;
        for (segment, &end) in ends.iter().enumerate() {
            let first = segment * interval;
            let mut reader = Reader { bits: Bits::new(self.data, start), end: 8 * end, dc: [0; 3] };
            for group in first..(first + interval).min(columns * rows) {
                let corner = group / columns * down * stride + group % columns * across;
                self.group(&mut reader, &mut means[corner..], stride)?;
            }
            start = end;
        }
        Some(trimmed(means, stride, width.div_ceil(8), height.div_ceil(8)))
    }

    /// Reads the blocks of one group: those of the first component row by row, and one of each other component.
    fn group(&self, reader: &mut Reader<'_>, means: &mut [u8], stride: usize) -> Option<()> {
        let (across, down) = self.layout.sampling;
        let (first, others) = self.tables.split_first()?;
        for row in 0..down {
            for mean in &mut means[row * stride..][..across] {
                *mean = mean_of(reader.block(0, first)?, self.layout.quantum);
            }
        }
        (1..).zip(others).try_for_each(|(component, tables)| reader.block(component, tables).map(|_| ()))
    }
}

/// The state of reading a segment.
struct Reader<'a> {
    bits: Bits<'a>,
    /// The end of the segment in bits.
    end: usize,
    /// The latest DC coefficient of each component.
    dc: [i16; 3],
}

impl Reader<'_> {
    /// Reads a block and returns its DC coefficient.
    #[inline(always)]
    fn block(&mut self, component: usize, (dc, ac): &(Rc<Codes>, Rc<Runs>)) -> Option<i16> {
        self.bits.refill()?;
        let (size, length) = dc.symbol(self.bits.window)?;
        let size = u32::from(size);
        if size > 15 {
            return None;
        }
        let difference = extended(self.bits.window << length, size);
        self.dc[component] = self.dc[component].wrapping_add(difference);
        self.bits.skip(length + size);
        ac.pass(&mut self.bits)?;
        (self.bits.position() <= self.end).then_some(self.dc[component])
    }
}

/// Reads a value of some bits at the start of a window: those that start with 0 are negative (ITU-T T.81, F.2.2.1).
#[inline]
fn extended(window: u64, size: u32) -> i16 {
    let value = (window >> 1 >> (63 - size)) as i32;
    let negative = size > 0 && window >> 63 == 0;
    (if negative { value - (1 << size) + 1 } else { value }) as i16
}

/// Computes the mean of a block, as libjpeg computes its only pixel at a scale of 1/8.
fn mean_of(dc: i16, quantum: u16) -> u8 {
    (((i32::from(dc) * i32::from(quantum) + 4) >> 3) + 128).clamp(0, 255) as u8
}

/// Drops the blocks that lie outside of the image.
fn trimmed(mut samples: Vec<u8>, stride: usize, width: usize, height: usize) -> Raster {
    if stride > width {
        for row in 0..height {
            samples.copy_within(row * stride..row * stride + width, row * width);
        }
    }
    samples.truncate(width * height);
    Raster { width, height, channels: 1, samples }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libjpeg_turbo_rs::{ColorSpace, Decoder, ScalingFactor};

    fn reference(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/references/images/jpeg-");
        fs_err::read(format!("{folder}{name}.jpg")).unwrap()
    }

    #[test]
    fn the_usual_kinds_need_no_pixels_and_give_libjpegs_image_at_an_eighth() {
        for name in ["gray", "rgb-444", "rgb-422", "rgb-440", "rgb-420", "rgb-restart", "rgb-rotated"] {
            let bytes = reference(name);
            let eighth = check(&bytes).unwrap();
            let mut decoder = Decoder::new(&bytes).unwrap();
            decoder.set_scale(ScalingFactor::try_new(1, 8).unwrap());
            decoder.set_output_colorspace(ColorSpace::Grayscale);
            let expected = decoder.decode_image().unwrap();
            assert_eq!((eighth.width, eighth.height), (expected.width, expected.height), "{name}");
            assert_eq!(eighth.samples, expected.data, "{name}");
        }
    }

    #[test]
    fn other_kinds_are_left_to_the_decoder() {
        for name in ["gray-progressive", "rgb-progressive", "cmyk", "ycck", "gray-sampled"] {
            assert!(check(&reference(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn values_have_the_sign_of_their_first_bit() {
        let value = |bits: u64, size: u32| extended(bits << 1 << (63 - size), size);
        assert_eq!(
            [value(0, 0), value(0, 1), value(1, 1), value(0b011, 3), value(0b100, 3)],
            [0, -1, 1, -4, 4]
        );
    }

    #[test]
    fn known_tables_are_found_again_and_there_are_few() {
        let mut known = Known::default();
        let counts: Vec<[u8; 16]> =
            (0..20).map(|at| std::array::from_fn(|length| u8::from(length == at % 16))).collect();
        for counts in counts.iter().chain(&counts) {
            let table =
                known.get(Definition { counts, symbols: &[7] }, |definition| Some(*definition.counts));
            assert_eq!(*table.unwrap(), *counts);
        }
        assert_eq!(known.0.len(), Known::<Codes>::MOST);
        let never = |_: Definition<'_>| -> Option<[u8; 16]> { unreachable!() };
        assert!(known.get(Definition { counts: &counts[19], symbols: &[7] }, never).is_some());
    }
}
