//! Reads the tables and the geometry of a JPEG of the usual kind.

use super::codes::Definition;

/// A JPEG whose data are one scan of all components in Huffman codes.
pub(super) struct Layout<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The sampling factors of the first component; the others have one block for each of its groups.
    pub(super) sampling: (usize, usize),
    /// The components in the order of the scan.
    pub(super) components: Vec<Component<'a>>,
    /// The number of groups of blocks (minimum coded units) between two restart markers, or 0.
    pub(super) restart_interval: usize,
    /// The first value of the first component's quantisation table.
    pub(super) quantum: u16,
    /// The bytes after the scan's header.
    pub(super) data: &'a [u8],
}

/// The Huffman tables of a component.
pub(super) struct Component<'a> {
    pub(super) dc: Definition<'a>,
    pub(super) ac: Definition<'a>,
}

/// The tables that have been defined before the scan.
#[derive(Default)]
struct Tables<'a> {
    quanta: [Option<u16>; 4],
    dc: [Option<Definition<'a>>; 4],
    ac: [Option<Definition<'a>>; 4],
}

impl<'a> Layout<'a> {
    /// Reads everything up to the data of the scan.
    ///
    /// Returns `None` for every file in which anything is unusual: progressive and arithmetic coding, several scans,
    /// sampling other than 4:4:4, 4:2:2, 4:4:0 and 4:2:0, missing tables, stray bytes.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        const START: u8 = 0xD8;
        let mut rest = bytes.strip_prefix(&[0xFF, START])?;
        let mut tables = Tables::default();
        let mut frame = None;
        let mut restart_interval = 0;
        loop {
            let (marker, segment, after) = segment(rest)?;
            rest = after;
            match marker {
                0xC0 | 0xC1 if frame.is_none() => frame = Some(segment),
                0xC4 => tables.define_codes(segment)?,
                0xDB => tables.define_quanta(segment)?,
                0xDD => restart_interval = u16::from_be_bytes(segment.try_into().ok()?).into(),
                0xDA => return tables.layout(frame?, segment, restart_interval, rest),
                0xE0..=0xEF | 0xFE => {}
                _ => return None,
            }
        }
    }
}

impl Layout<'_> {
    /// Returns the number of blocks that each component has in a group.
    pub(super) fn blocks(&self) -> impl Iterator<Item = usize> {
        let (across, down) = self.sampling;
        (0..self.components.len()).map(move |component| if component == 0 { across * down } else { 1 })
    }

    /// Returns what tells the tables of the blocks of a group from those of other images: the same for the same tables.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = vec![self.sampling.0 as u8, self.sampling.1 as u8];
        for Component { dc, ac } in &self.components {
            for definition in [dc, ac] {
                key.extend(definition.counts);
                key.extend(definition.symbols);
            }
        }
        key
    }

    /// Returns the number of columns and rows of groups.
    pub(super) fn groups(&self) -> (usize, usize) {
        let (across, down) = self.sampling;
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }
}

/// Splits off a marker and its segment.
fn segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [0xFF, marker, high, low, rest @ ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2)?;
    let (segment, rest) = rest.split_at_checked(length)?;
    Some((*marker, segment, rest))
}

impl<'a> Tables<'a> {
    fn define_codes(&mut self, mut segment: &'a [u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(total)?;
            let tables = match kind >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(kind & 0xF))? = Some(Definition { counts, symbols });
            segment = rest;
        }
        Some(())
    }

    fn define_quanta(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let (first, length) = match (kind >> 4, rest) {
                (0, [first, ..]) => (u16::from(*first), 64),
                (1, [high, low, ..]) => (u16::from_be_bytes([*high, *low]), 128),
                _ => return None,
            };
            *self.quanta.get_mut(usize::from(kind & 0xF))? = Some(first);
            segment = rest.get(length..)?;
        }
        Some(())
    }

    /// Puts the frame's header and the scan's together.
    fn layout(
        &self,
        frame: &[u8],
        scan: &[u8],
        restart_interval: usize,
        data: &'a [u8],
    ) -> Option<Layout<'a>> {
        let [8, h0, h1, w0, w1, count, components @ ..] = frame else { return None };
        let [scanned, selectors @ ..] = scan else { return None };
        let (components, []) = components.as_chunks::<3>() else { return None };
        let (selectors, [0, 63, 0]) = selectors.split_at_checked(2 * components.len())? else { return None };
        let selectors = selectors.as_chunks::<2>().0;
        let [count, scanned] = [*count, *scanned].map(usize::from);
        if count != components.len() || scanned != count || selectors.len() != count {
            return None;
        }
        let sampling = sampling(components)?;
        let quanta = components.iter().map(|&[_, _, table]| *self.quanta.get(usize::from(table))?);
        let quanta: Vec<u16> = quanta.collect::<Option<_>>()?;
        let components = components.iter().zip(selectors).map(|(component, selector)| {
            let &[id, tables] = selector;
            let dc = (*self.dc.get(usize::from(tables >> 4))?)?;
            let ac = (*self.ac.get(usize::from(tables & 0xF))?)?;
            (component[0] == id).then_some(Component { dc, ac })
        });
        Some(Layout {
            width: u16::from_be_bytes([*w0, *w1]).into(),
            height: u16::from_be_bytes([*h0, *h1]).into(),
            sampling,
            components: components.collect::<Option<_>>()?,
            restart_interval,
            quantum: *quanta.first()?,
            data,
        })
    }
}

/// Returns the sampling factors of the first component if these are among the usual ones and the names of all
/// components differ.
fn sampling(components: &[[u8; 3]]) -> Option<(usize, usize)> {
    let factors = match components {
        [[_, 0x11, _]] => 0x11,
        [[a, factors @ (0x11 | 0x21 | 0x12 | 0x22), _], [b, 0x11, _], [c, 0x11, _]]
            if a != b && a != c && b != c =>
        {
            *factors
        }
        _ => return None,
    };
    Some((usize::from(factors >> 4), usize::from(factors & 0xF)))
}
