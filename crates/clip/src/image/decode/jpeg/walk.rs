//! Walks from block to block.
//!
//! To look up a step takes the bits that the step before it leaves, so that a processor mostly waits. Hence the walk has
//! no branches that depend on the data, and several lanes, each at a place of its own, can be walked at the same time:
//! a processor reaches the next lane long before it has finished the turn of the one before.

use std::hint::select_unpredictable;

use super::group::{Group, Table};
use super::steps::{BEYOND, ENDS, LARGEST, LENGTH, PLACE, STEPS, advance};

/// Data with the tables that they are coded by.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub(super) group: &'a Group,
    pub(super) data: &'a [u8],
}

/// A place in the data. There are less than 2³² bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// The number of bits before it.
    pub(super) position: u32,
    /// The number of coefficients before it in its block, shifted left by [`PLACE`].
    place: u32,
    table: Table,
    /// The number of blocks that have been passed.
    pub(super) blocks: usize,
}

/// What is known of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// The end of the block in bits, once it has been passed.
    pub(super) end: u32,
    /// The tables for the step after one within the block, and for that after one that ends it.
    then: [Table; 2],
}

/// The number of slots that a turn may write to.
const AHEAD: usize = STEPS + 1;

impl Slot {
    /// Makes slots for as many blocks at least.
    pub(super) fn extend(slots: &mut Vec<Self>, group: &Group, blocks: usize) {
        let slot = |at| Self { end: 0, then: [group.within(at), group.start(at + 1)] };
        slots.extend((slots.len()..Self::room(blocks)).map(slot));
    }

    /// Returns the number of slots for as many blocks, with those that a turn may write to after them.
    pub(super) fn room(blocks: usize) -> usize {
        blocks + AHEAD - 1
    }
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is more to pass.
    On,
    /// All slots are filled, or the data end.
    Done,
    /// There is no such code.
    Stuck,
}

impl<'a> Walk<'a> {
    /// Returns a lane that starts at a position, with the first block of a group.
    pub(super) fn lane(&self, position: u32) -> Lane {
        Lane { position, place: 0, table: self.group.start(0), blocks: 0 }
    }

    /// Returns the data to walk on for a lane that stops soon after a position.
    pub(super) fn until(&self, position: u32) -> &'a [u8] {
        &self.data[..self.data.len().min(position as usize / 8 + size_of::<u64>())]
    }

    /// Takes as many steps as a window allows.
    #[inline(always)]
    pub(super) fn turn(&self, lane: &mut Lane, data: &[u8], slots: &mut [Slot]) -> Turn {
        let Some(mut window) = window(data, lane.position) else { return Turn::Done };
        let Some(ahead) = slots.get_mut(lane.blocks..).and_then(<[Slot]>::first_chunk_mut::<AHEAD>) else {
            return Turn::Done;
        };
        let (mut sum, mut table, mut passed) = (lane.place, lane.table, 0);
        for _ in 0..STEPS {
            let step = self.group.step(table, window);
            let next = sum + step;
            if next & BEYOND != 0 {
                // A step that may go beyond the end of the block is taken symbol by symbol.
                lane.moved(sum, table, passed);
                return self.symbol(lane, slots);
            }
            window = window.wrapping_shl(step);
            let (length, ends) = (next & LENGTH, (step >> ENDS) as usize);
            // What is written before the end of the block is written over.
            ahead[passed].end = lane.position + length;
            sum = select_unpredictable(ends != 0, length, next);
            table = ahead[passed].then[ends];
            passed += ends;
        }
        lane.moved(sum, table, passed);
        Turn::On
    }

    /// Passes over one symbol.
    #[cold]
    #[inline(never)]
    fn symbol(&self, lane: &mut Lane, slots: &mut [Slot]) -> Turn {
        if slots.len() < lane.blocks + AHEAD {
            return Turn::Done;
        }
        let Some((length, coefficients)) = self.length(lane) else { return Turn::Stuck };
        lane.position += length;
        lane.place += u32::from(coefficients.unwrap_or(64)) << PLACE;
        let slot = &mut slots[lane.blocks];
        let ends = lane.place & BEYOND != 0;
        lane.table = slot.then[usize::from(ends)];
        if ends {
            slot.end = lane.position;
            lane.place = 0;
            lane.blocks += 1;
        }
        Turn::On
    }

    /// Returns the length of the next symbol with its value, and by how many coefficients it moves on unless it ends the
    /// block.
    fn length(&self, lane: &Lane) -> Option<(u32, Option<u16>)> {
        let (window, tables) = (window(self.data, lane.position)?, self.group.tables(lane.blocks));
        if lane.place == 0 {
            let (size, length) = tables.dc.symbol(window)?;
            return (size <= LARGEST).then_some((length + u32::from(size), Some(1)));
        }
        let (symbol, length) = tables.ac.symbol(window)?;
        Some((length + u32::from(symbol & 0xF), advance(symbol)))
    }
}

impl Lane {
    #[inline(always)]
    fn moved(&mut self, sum: u32, table: Table, passed: usize) {
        self.position += sum & LENGTH;
        self.place = sum & !LENGTH;
        self.table = table;
        self.blocks += passed;
    }
}

/// Returns the bits from a position on, at least [`WINDOW`](super::steps::WINDOW) of them.
#[inline(always)]
pub(super) fn window(data: &[u8], position: u32) -> Option<u64> {
    let bytes = data.get(position as usize / 8..)?.first_chunk()?;
    Some(u64::from_be_bytes(*bytes) << (position % 8))
}
