//! Follows Huffman codes without computing coefficients.

/// The number of bits that a look-up takes into account.
const BITS: u32 = 12;
const ENTRIES: usize = 1 << BITS;

/// A Huffman table as a file defines it (ITU-T T.81, annex C).
#[derive(Clone, Copy, PartialEq, Eq)]
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
        match self.short[(window >> (64 - BITS)) as usize] {
            0 => self.long_symbol(window),
            entry => Some(((entry >> 8) as u8, u32::from(entry & 0xFF))),
        }
    }

    fn long_symbol(&self, window: u64) -> Option<(u8, u32)> {
        (BITS + 1..=16).find_map(|length| {
            let code = (window >> (64 - length)) as u32;
            let (end, offset) = self.long[length as usize];
            let index = usize::try_from(code as i32 + offset).ok().filter(|_| code < end)?;
            Some((*self.symbols.get(index)?, length))
        })
    }
}

/// The codes of AC coefficients, and how to pass over several coefficients at once.
///
/// Whether a block can be decoded depends on the lengths of its codes and of the values after them, and on how far each
/// symbol moves through the block; not on the values themselves. So as many whole symbols as fit into twelve bits make
/// one step.
pub(super) struct Runs {
    codes: Codes,
    steps: Box<[u16; ENTRIES]>,
}

/// The number of bits of a step that hold its length. Those above hold its coefficients, so that a sum of steps holds the
/// sums of both, and a shift by a whole step is one by its length.
const PLACE: u32 = 6;
const LENGTH: u32 = (1 << PLACE) - 1;
/// The bits that tell that a sum of steps is beyond the 64 coefficients of a block.
const BEYOND: u32 = 0b11 << (PLACE + 6);
/// A step ends its block.
const END: u16 = 1 << 15;
/// A step that cannot be taken as a whole. It leads beyond any block.
const NO_STEP: u16 = 64 << PLACE;

impl Runs {
    /// Builds the table from the codes.
    pub(super) fn new(codes: Codes) -> Self {
        let mut steps = Box::new([NO_STEP; ENTRIES]);
        for (bits, step) in steps.iter_mut().enumerate() {
            *step = longest_step(&codes, bits as u32);
        }
        Self { codes, steps }
    }

    /// Passes over the AC coefficients of a block. Returns `None` if there is no such code or if the data end.
    #[inline(always)]
    pub(super) fn pass(&self, bits: &mut Bits<'_>) -> Option<()> {
        /// The number of steps for which a window has enough bits.
        const STEPS: u32 = Bits::LEAST / BITS;
        // The place in the block, where the sum of steps begins.
        let mut place = 1 << PLACE;
        'windows: loop {
            bits.refill()?;
            let (mut window, mut sum) = (bits.window, place);
            for _ in 0..STEPS {
                let step = u32::from(self.steps[(window >> (64 - BITS)) as usize]);
                let next = sum + step;
                if next & (BEYOND | u32::from(END)) == 0 {
                    window = window.wrapping_shl(step);
                    sum = next;
                } else if next & BEYOND == 0 {
                    bits.skip(next & LENGTH);
                    return Some(());
                } else {
                    // A step that may go beyond the end of the block is taken symbol by symbol.
                    bits.skip(sum & LENGTH);
                    place = self.pass_symbol(bits, sum & !LENGTH)?;
                    if place & BEYOND != 0 {
                        return Some(());
                    }
                    continue 'windows;
                }
            }
            bits.skip(sum & LENGTH);
            place = sum & !LENGTH;
        }
    }

    /// Passes over one symbol, and returns the place after it.
    fn pass_symbol(&self, bits: &mut Bits<'_>, place: u32) -> Option<u32> {
        bits.refill()?;
        let (symbol, length) = coefficient(&self.codes, bits.window)?;
        bits.skip(length);
        Some(place + (u32::from(advance(symbol).unwrap_or(64)) << PLACE))
    }
}

/// Returns the step for twelve bits: the number of bits, the number of coefficients shifted left by [`PLACE`], and [`END`].
fn longest_step(codes: &Codes, bits: u32) -> u16 {
    let (mut used, mut coefficients) = (0, 0);
    while let Some((symbol, length)) =
        coefficient(codes, u64::from(bits << used & (ENTRIES as u32 - 1)) << 52)
    {
        if used + length > BITS {
            break;
        }
        used += length;
        match advance(symbol) {
            None => return END | coefficients << PLACE | used as u16,
            Some(more) => coefficients += more,
        }
        if coefficients >= 63 {
            return NO_STEP;
        }
    }
    if used == 0 { NO_STEP } else { coefficients << PLACE | used as u16 }
}

/// Returns the symbol at the start of a window, and the number of bits of its code and of the value after it.
#[inline]
fn coefficient(codes: &Codes, window: u64) -> Option<(u8, u32)> {
    codes.symbol(window).map(|(symbol, length)| (symbol, length + u32::from(symbol & 0xF)))
}

/// Returns by how many coefficients a symbol moves on, or `None` if it ends the block. Symbols that the standard does
/// not define end the block as well, as in libjpeg.
fn advance(symbol: u8) -> Option<u16> {
    let ends = symbol & 0xF == 0 && symbol != 0xF0;
    (!ends).then(|| u16::from(symbol >> 4) + 1)
}

/// A position in data, with the bits that follow.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte that is not in the window.
    next: usize,
    /// The bits that follow, the first one the highest.
    pub(super) window: u64,
    /// The number of bits in the window that count as read from `next` on.
    count: u32,
}

impl<'a> Bits<'a> {
    /// The number of bits that a window has at least after it is filled.
    const LEAST: u32 = 56;

    /// Starts at a byte.
    pub(super) fn new(data: &'a [u8], start: usize) -> Self {
        Self { data, next: start, window: 0, count: 0 }
    }

    /// Fills the window. Returns `None` at the end of the data.
    #[inline(always)]
    pub(super) fn refill(&mut self) -> Option<()> {
        let bytes = self.data.get(self.next..)?.first_chunk()?;
        self.window |= u64::from_be_bytes(*bytes) >> self.count;
        self.next += ((63 - self.count) / 8) as usize;
        self.count |= Self::LEAST;
        Some(())
    }

    /// Passes over as many bits, at most as many as are in the window.
    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.count -= bits;
    }

    /// Returns the number of bits before the position.
    pub(super) fn position(&self) -> usize {
        8 * self.next - self.count as usize
    }
}
