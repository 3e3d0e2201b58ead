//! The tables of the blocks of a scan.

use super::codes::{BITS, Codes, Definition, ENTRIES};
use super::layout::Layout;
use super::steps::{NO_STEP, Step, steps};

/// The blocks of one group (minimum coded unit) in their order, with the tables of each.
pub(super) struct Group {
    /// The tables that differ from each other.
    tables: Vec<Tables>,
    /// For each block the number of its tables.
    blocks: Vec<usize>,
    /// For each of the tables, the steps from the start of a block and those within it.
    steps: Box<[Step; MOST_STEPS]>,
}

/// The codes of a component.
pub(super) struct Tables {
    pub(super) dc: Codes,
    pub(super) ac: Codes,
}

/// Where the steps for something begin.
pub(super) type Table = u16;

const MOST_STEPS: usize = 1 << Table::BITS;
const _: () = assert!(2 * 3 * ENTRIES <= MOST_STEPS);

impl Group {
    /// Makes the tables. Returns `None` if there are no such codes.
    pub(super) fn new(layout: &Layout<'_>) -> Option<Self> {
        let mut definitions: Vec<(Definition<'_>, Definition<'_>)> = Vec::new();
        let mut blocks = Vec::new();
        for (component, count) in layout.components.iter().zip(layout.blocks()) {
            let pair = (component.dc, component.ac);
            let known = definitions.iter().position(|known| *known == pair);
            let number = known.unwrap_or(definitions.len());
            if known.is_none() {
                definitions.push(pair);
            }
            blocks.extend(std::iter::repeat_n(number, count));
        }
        let tables = |&(dc, ac): &(_, _)| Some(Tables { dc: Codes::new(dc)?, ac: Codes::new(ac)? });
        let tables: Vec<Tables> = definitions.iter().map(tables).collect::<Option<_>>()?;
        let mut all: Vec<Step> =
            tables.iter().flat_map(|tables| steps(&tables.dc, &tables.ac)).flatten().collect();
        all.resize(MOST_STEPS, NO_STEP);
        Some(Self { tables, blocks, steps: all.into_boxed_slice().try_into().ok()? })
    }

    /// Returns the number of blocks.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the codes of a block, counted from the start of any group.
    pub(super) fn tables(&self, block: usize) -> &Tables {
        &self.tables[self.number(block)]
    }

    /// Returns where the steps from the start of a block begin.
    pub(super) fn start(&self, block: usize) -> Table {
        (2 * self.number(block) * ENTRIES) as Table
    }

    /// Returns where the steps within a block begin.
    pub(super) fn within(&self, block: usize) -> Table {
        ((2 * self.number(block) + 1) * ENTRIES) as Table
    }

    fn number(&self, block: usize) -> usize {
        self.blocks[block % self.blocks.len()]
    }

    /// Returns the step of a table for the first bits of a window.
    #[inline(always)]
    pub(super) fn step(&self, table: Table, window: u64) -> u32 {
        u32::from(self.steps[usize::from(table) | (window >> (u64::BITS - BITS)) as usize])
    }
}
