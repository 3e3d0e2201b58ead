//! The Huffman codes of a file.

/// The number of bits that a look-up takes into account.
pub(super) const BITS: u32 = 12;
pub(super) const ENTRIES: usize = 1 << BITS;

/// A Huffman table as a file defines it (ITU-T T.81, annex C).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Definition<'a> {
    /// The number of codes of each length, from 1 to 16 bits.
    pub(super) counts: &'a [u8; 16],
    /// The symbols in the order of their codes.
    pub(super) symbols: &'a [u8],
}

/// The codes of a Huffman table.
pub(super) struct Codes {
    /// For the first twelve bits: the symbol, shifted left by eight, and the length of its code. This is 0 where the
    /// code is longer, or where there is none.
    short: Box<[u16; ENTRIES]>,
    /// For each length: the code after the last one, and what turns a code into the index of its symbol.
    long: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Builds the table. Returns `None` if the lengths allow no such codes.
    pub(super) fn new(definition: Definition<'_>) -> Option<Self> {
        let mut codes =
            Self { short: Box::new([0; ENTRIES]), long: [(0, 0); 17], symbols: definition.symbols.to_vec() };
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(definition.counts) {
            let symbols = definition.symbols.get(index..index + usize::from(count))?;
            codes.long[length as usize] = (code + u32::from(count), index as i32 - code as i32);
            for &symbol in symbols {
                codes.insert(code, length, symbol)?;
                code += 1;
            }
            index += symbols.len();
            code <<= 1;
        }
        (index == definition.symbols.len()).then_some(codes)
    }

    fn insert(&mut self, code: u32, length: u32, symbol: u8) -> Option<()> {
        if code >> length != 0 {
            return None;
        }
        if length <= BITS {
            let first = (code << (BITS - length)) as usize;
            self.short[first..first + (1 << (BITS - length))].fill(u16::from(symbol) << 8 | length as u16);
        }
        Some(())
    }

    /// Returns the symbol at the start of a window, and the length of its code.
    #[inline]
    pub(super) fn symbol(&self, window: u64) -> Option<(u8, u32)> {
        let entry = (window >> (u64::BITS - BITS)) as usize;
        self.short_symbol(entry).or_else(|| self.long_symbol(window))
    }

    /// Returns the symbol that the first bits give, if its code is no longer than they are.
    #[inline]
    pub(super) fn short_symbol(&self, bits: usize) -> Option<(u8, u32)> {
        match self.short[bits & (ENTRIES - 1)] {
            0 => None,
            entry => Some(((entry >> 8) as u8, u32::from(entry & 0xFF))),
        }
    }

    #[cold]
    fn long_symbol(&self, window: u64) -> Option<(u8, u32)> {
        (BITS + 1..=16).find_map(|length| {
            let code = (window >> (64 - length)) as u32;
            let (end, offset) = self.long[length as usize];
            let index = usize::try_from(code as i32 + offset).ok().filter(|_| code < end)?;
            Some((*self.symbols.get(index)?, length))
        })
    }
}
