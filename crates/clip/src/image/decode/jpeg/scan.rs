//! Checks the data of a JPEG of the usual kind without computing its pixels.
//!
//! Once the headers are accepted, only the entropy-coded data can fail: a code that is in no table, or too few bits.
//! Both show without the inverse transform, the upsampling and the conversion of colours, which take most of the time
//! of decoding.

use std::cell::RefCell;

use super::group::Group;
use super::lanes::{Segment, Slots};
use super::layout::Layout;
use super::means::{Means, Source};
use super::walk::Walk;
use crate::image::raster::Raster;

/// Checks the data of an image whose headers have been accepted. Returns the first component in an eighth of its size.
///
/// Returns `None` if the data are damaged or unusual; the decoder itself has to tell which. What passes here passes there.
pub(super) fn check(layout: &Layout<'_>) -> Option<Raster> {
    thread_local! {
        static WORKSPACE: RefCell<Workspace> = RefCell::default();
    }
    WORKSPACE.with_borrow_mut(|workspace| {
        let checked = workspace.check(layout);
        workspace.give_back();
        checked
    })
}

/// What is kept from one image to the next.
#[derive(Default)]
struct Workspace {
    data: Vec<u8>,
    /// Most encoders write the same tables into all files. The latest are the last.
    tools: Vec<Tools>,
}

/// What images with the same tables share.
struct Tools {
    /// What tells the tables from others.
    key: Vec<u8>,
    group: Group,
    slots: Slots,
}

impl Workspace {
    /// The number of sets of tables that are kept.
    const MOST: usize = 4;
    /// The number of bytes of data beyond which nothing is kept.
    const LARGE: usize = 1 << 24;
    /// The number of bytes whose bits can be counted.
    const LARGEST: usize = u32::MAX as usize / 16;

    fn check(&mut self, layout: &Layout<'_>) -> Option<Raster> {
        let ends = unstuffed(layout.data, &mut self.data)?;
        if self.data.len() > Self::LARGEST {
            return None;
        }
        let at = self.find(layout)?;
        let Tools { group, slots, .. } = &mut self.tools[at];
        Scan { layout, walk: Walk { group, data: &self.data } }.check(&ends, slots)
    }

    /// Finds the tools for an image, or makes them.
    fn find(&mut self, layout: &Layout<'_>) -> Option<usize> {
        let key = layout.key();
        if let Some(known) = self.tools.iter().rposition(|tools| tools.key == key) {
            return Some(known);
        }
        if self.tools.len() == Self::MOST {
            self.tools.remove(0);
        }
        self.tools.push(Tools { key, group: Group::new(layout)?, slots: Slots::default() });
        Some(self.tools.len() - 1)
    }

    /// Gives memory back that images usually do not take.
    fn give_back(&mut self) {
        if self.data.capacity() > Self::LARGE {
            *self = Self::default();
        }
    }
}

/// The end of a segment between restart markers, in bytes of the data without stuffing.
type End = usize;

/// Copies entropy-coded data without the zeros after 0xFF, and returns where each segment ends. The copy is followed by
/// as many zeros as a block may read beyond the end.
///
/// Returns `None` unless the data end with the end-of-image marker.
pub(super) fn unstuffed(data: &[u8], copy: &mut Vec<u8>) -> Option<Vec<End>> {
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

/// The data of a scan with their tables.
struct Scan<'a> {
    layout: &'a Layout<'a>,
    walk: Walk<'a>,
}

impl Scan<'_> {
    fn check(&self, ends: &[End], slots: &mut Slots) -> Option<Raster> {
        let Self { layout, walk } = *self;
        let (columns, rows) = layout.groups();
        let interval = match layout.restart_interval {
            0 => columns * rows,
            interval => interval.min(columns * rows),
        };
        if interval == 0 || ends.len() != (columns * rows).div_ceil(interval) {
            return None;
        }
        slots.prepare(walk.group, interval * walk.group.len());
        let mut means = Means::new(layout);
        let mut start = 0;
        for (first, &end) in (0..columns * rows).step_by(interval).zip(ends) {
            let blocks = interval.min(columns * rows - first) * walk.group.len();
            let bits = 8 * start as u32..8 * end as u32;
            let source = Source::new(walk.data, &walk.group.tables(0).dc, bits.start);
            walk.pass(&Segment { bits, blocks }, slots)?;
            means.read(layout, first, &slots.found()[..blocks], source)?;
            start = end;
        }
        Some(means.image(layout))
    }
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
            let eighth = check(&Layout::read(&bytes).unwrap()).unwrap();
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
            assert!(Layout::read(&reference(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn known_tables_are_found_again_and_there_are_few() {
        let names = ["gray", "rgb-444", "rgb-422", "rgb-440", "rgb-420", "rgb-restart"];
        let all: Vec<Vec<u8>> = names.map(reference).to_vec();
        let mut workspace = Workspace::default();
        for bytes in all.iter().chain(&all) {
            let layout = Layout::read(bytes).unwrap();
            let [first, second] = [(); 2].map(|()| workspace.find(&layout).unwrap());
            assert_eq!(first, second);
            assert_eq!(workspace.tools[first].key, layout.key());
        }
        assert_eq!(workspace.tools.len(), Workspace::MOST);
    }
}
