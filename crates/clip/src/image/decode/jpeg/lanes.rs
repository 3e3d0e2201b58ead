//! Finds the ends of all blocks, from several places at once.
//!
//! Where a block begins is only known by passing over all before it. But whoever starts to read codes anywhere soon reads
//! the same as whoever comes from the start. So the data are walked in several lanes, of which only the first one is
//! known to be right. It goes on until it ends a block where the next lane ended one, too, and both are at the same block
//! of a group: from there on it would see what the next lane has seen. What comes out is exactly what the first lane alone
//! would have found.

use std::ops::Range;

use super::group::Group;
use super::walk::{Lane, Slot, Turn, Walk};

/// The number of lanes. Two wait for each other, and four get in each other's way.
const LANES: usize = 3;

/// The length in bits of the shortest segment that is walked in several lanes.
const SHORTEST: usize = 8 * 512;

/// The number of bits after which lanes are compared again.
const STRETCH: u32 = 512;

/// The slots of each lane. Those of the first one have all blocks in the end.
#[derive(Default)]
pub(super) struct Slots([Vec<Slot>; LANES]);

impl Slots {
    /// Makes room for as many blocks, if need be.
    pub(super) fn prepare(&mut self, group: &Group, blocks: usize) {
        self.0.iter_mut().for_each(|slots| Slot::extend(slots, group, blocks));
    }

    /// Returns the slots of the first lane.
    pub(super) fn found(&self) -> &[Slot] {
        &self.0[0]
    }
}

/// A segment of the data, without restart markers.
pub(super) struct Segment {
    /// Where it lies, in bits.
    pub(super) bits: Range<u32>,
    /// The number of blocks in it, which is not 0.
    pub(super) blocks: usize,
}

impl Walk<'_> {
    /// Finds the ends of the blocks of a segment. Returns `None` if the data are damaged or end before.
    pub(super) fn pass(&self, segment: &Segment, slots: &mut Slots) -> Option<()> {
        self.pass_by(SHORTEST, segment, slots)
    }

    /// Does the same, in several lanes if the segment has so many bits.
    fn pass_by(&self, shortest: usize, segment: &Segment, slots: &mut Slots) -> Option<()> {
        let room = Slot::room(segment.blocks);
        let mut slots = slots.0.each_mut().map(|slots| &mut slots[..room]);
        let mut lane = match segment.bits.len() >= shortest {
            true => self.meet(&segment.bits, &mut slots)?,
            false => self.lane(segment.bits.start),
        };
        let [slots, ..] = slots;
        self.alone(&mut lane, self.data, slots)?;
        (lane.blocks >= segment.blocks && slots[segment.blocks - 1].end <= segment.bits.end).then_some(())
    }

    /// Walks all lanes at the same time, and returns the first one after it has met the others.
    fn meet(&self, bits: &Range<u32>, slots: &mut [&mut [Slot]; LANES]) -> Option<Lane> {
        let share = bits.len() as u32 / LANES as u32;
        let starts: [u32; LANES] = std::array::from_fn(|at| bits.start + at as u32 * share);
        let mut lanes = starts.map(|start| self.lane(start));
        self.together(&mut lanes, starts.map(|start| self.until(start + share)), slots)?;
        let [first, others @ ..] = slots;
        let [mut lane, other_lanes @ ..] = lanes;
        for (other, others) in other_lanes.iter().zip(others) {
            self.join(&mut lane, first, other, &others[..other.blocks])?;
        }
        Some(lane)
    }

    /// Walks all lanes until one of them is where the next one started.
    fn together(
        &self,
        lanes: &mut [Lane; LANES],
        data: [&[u8]; LANES],
        slots: &mut [&mut [Slot]; LANES],
    ) -> Option<()> {
        loop {
            for at in 0..LANES {
                match self.turn(&mut lanes[at], data[at], slots[at]) {
                    Turn::On => {}
                    Turn::Done => return Some(()),
                    Turn::Stuck if at == 0 => return None,
                    // It has not read the right codes yet.
                    Turn::Stuck => lanes[at] = self.lane(lanes[at].position + 1),
                }
            }
        }
    }

    /// Walks one lane until the data end or all its slots are filled.
    fn alone(&self, lane: &mut Lane, data: &[u8], slots: &mut [Slot]) -> Option<()> {
        loop {
            match self.turn(lane, data, slots) {
                Turn::On => {}
                Turn::Done => return Some(()),
                Turn::Stuck => return None,
            }
        }
    }

    /// Walks a lane until it has met another one or is beyond it. In the first case it goes on from where the other one is.
    fn join(&self, lane: &mut Lane, slots: &mut [Slot], other: &Lane, others: &[Slot]) -> Option<()> {
        let [Slot { end: begin, .. }, .., Slot { end, .. }] = *others else { return Some(()) };
        self.alone(lane, self.until(begin), slots)?;
        let mut compared = slots[..lane.blocks].partition_point(|slot| slot.end < begin);
        loop {
            if let Some((here, there)) = self.meeting(slots, compared..lane.blocks, others) {
                let known = (others.len() - there).min(slots.len() - here);
                slots[here..here + known].copy_from_slice(&others[there..there + known]);
                *lane = *other;
                lane.blocks = here + known;
                return Some(());
            }
            let before = lane.position;
            compared = lane.blocks;
            self.alone(lane, self.until(before + STRETCH), slots)?;
            if lane.position == before || before > end {
                return Some(());
            }
        }
    }

    /// Returns the first of some blocks of a lane at which another lane ended the same block of a group.
    fn meeting(&self, slots: &[Slot], blocks: Range<usize>, others: &[Slot]) -> Option<(usize, usize)> {
        let group = self.group.len();
        { blocks }.find_map(|here| {
            let there = others.binary_search_by_key(&slots[here].end, |slot| slot.end).ok()?;
            (here % group == there % group).then_some((here, there))
        })
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use proptest::prelude::*;

    use super::super::layout::Layout;
    use super::super::scan::unstuffed;
    use super::*;

    /// Returns the ends of all blocks of an image without restart markers, if it is of a usual kind and nothing is wrong.
    fn ends(bytes: &[u8], shortest: usize) -> Option<Vec<u32>> {
        let layout = Layout::read(bytes)?;
        let mut data = Vec::new();
        let [end] = unstuffed(layout.data, &mut data)?[..] else { return None };
        let group = Group::new(&layout)?;
        let (columns, rows) = layout.groups();
        let segment = Segment { bits: 0..8 * end as u32, blocks: columns * rows * group.len() };
        let mut slots = Slots::default();
        slots.prepare(&group, segment.blocks);
        Walk { group: &group, data: &data }.pass_by(shortest, &segment, &mut slots)?;
        Some(slots.found()[..segment.blocks].iter().map(|slot| slot.end).collect())
    }

    /// Walks an image in one lane and in several, and returns whether it is whole.
    fn assert_same_ends(bytes: &[u8]) -> bool {
        let (alone, met) = (ends(bytes, usize::MAX), ends(bytes, 0));
        assert_eq!(alone, met);
        alone.is_some()
    }

    /// Draws waves with noise, in colour or in gray.
    fn drawn(width: u32, height: u32, quality: u8, is_gray: bool) -> Vec<u8> {
        let image = image::RgbImage::from_fn(width, height, |x, y| {
            let noise =
                (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 27;
            image::Rgb([(x * y / 7 + noise) as u8, (x * 3 + noise) as u8, (y * 2) as u8])
        });
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        let image = image::DynamicImage::from(image);
        encoder.encode_image(&if is_gray { image.to_luma8().into() } else { image }).unwrap();
        bytes
    }

    fn references() -> Vec<Vec<u8>> {
        let names = ["gray", "rgb-444", "rgb-422", "rgb-440", "rgb-420", "rgb-rotated"];
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/references/images/jpeg-");
        names.iter().map(|name| fs_err::read(format!("{folder}{name}.jpg")).unwrap()).collect()
    }

    #[test]
    fn whole_images_have_the_same_ends_in_one_lane_and_in_several() {
        for bytes in references() {
            assert!(assert_same_ends(&bytes));
        }
        for (width, height) in [(8, 8), (1, 300), (150, 110), (403, 5), (640, 200)] {
            for quality in [1, 50, 90, 100] {
                for is_gray in [false, true] {
                    assert!(assert_same_ends(&drawn(width, height, quality, is_gray)));
                }
            }
        }
    }

    #[test]
    fn lanes_of_an_even_surface_never_read_the_same_codes_and_nothing_is_lost() {
        for level in [0, 7, 128, 255] {
            let mut bytes = Vec::new();
            let image = image::RgbImage::from_pixel(900, 700, image::Rgb([level, 90, 255 - level]));
            JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(&image).unwrap();
            assert!(assert_same_ends(&bytes));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn damaged_images_have_the_same_ends_in_one_lane_and_in_several(
            (width, height, quality, is_gray) in (1..120u32, 1..120u32, 1..=100u8, any::<bool>()),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
            keep in prop::option::of(0.3..=1.0f64),
        ) {
            let mut sources = references();
            sources.push(drawn(width, height, quality, is_gray));
            for bytes in sources {
                let start = bytes.len() - Layout::read(&bytes).unwrap().data.len();
                let mut damaged = bytes.clone();
                for (at, byte, kind) in &changes {
                    let at = start + at.index(damaged.len() - start);
                    match kind {
                        0 => damaged[at] = *byte,
                        1 => damaged[at] ^= 1 << (byte % 8),
                        2 => damaged.insert(at, *byte),
                        _ => drop(damaged.remove(at)),
                    }
                }
                if let Some(keep) = keep {
                    damaged.truncate(start + ((damaged.len() - start) as f64 * keep) as usize);
                }
                damaged.extend([0xFF, 0xD9]);
                assert_same_ends(&damaged);
            }
        }
    }
}
