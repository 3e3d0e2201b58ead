//! The numbers of groups, arranged so that those of a drawn group are added at once.

use crate::draws::BLOCK;

/// The number of columns that are added at once.
const WIDE: usize = 4;

/// The number of groups whose numbers are added side by side, so that no addition waits for the one before.
const LANES: usize = 4;

/// Some columns with a number for each group. Up to four numbers of a group lie beside each other.
pub(crate) struct Columns {
    /// Full quadruples of columns, by quadruple and then by group.
    wide: Vec<Vec<[f64; WIDE]>>,
    /// The columns that are left over, by column and then by group.
    single: Vec<Vec<[f64; 1]>>,
}

impl Columns {
    pub(crate) fn new(columns: &[&[f64]]) -> Self {
        // Three columns are added as fast as four.
        let quadruples = (columns.len() + 1) / WIDE;
        let (wide, single) = columns.split_at(columns.len().min(quadruples * WIDE));
        Self {
            wide: wide.chunks(WIDE).map(beside).collect(),
            single: single.iter().map(|column| column.iter().map(|&number| [number]).collect()).collect(),
        }
    }

    /// Returns the number of sums that there have to be, of which the first ones are those of the columns.
    pub(crate) fn padded(&self) -> usize {
        self.wide.len() * WIDE + self.single.len()
    }

    /// Adds the numbers of the groups of a block, which are given by their places in it, to the sums.
    pub(crate) fn add(&self, block: usize, drawn: &[u8], sums: &mut [f64]) {
        let (wide, single) = sums.split_at_mut(self.wide.len() * WIDE);
        for (groups, sums) in self.wide.iter().zip(wide.chunks_exact_mut(WIDE)) {
            add(of_block(groups, block), drawn, sums);
        }
        for (groups, sum) in self.single.iter().zip(single.chunks_exact_mut(1)) {
            add(of_block(groups, block), drawn, sum);
        }
    }
}

/// Puts up to four columns beside each other, and zeros where there are fewer.
fn beside(columns: &[&[f64]]) -> Vec<[f64; WIDE]> {
    let groups = columns.first().map_or(0, |column| column.len());
    let of = |group: usize| std::array::from_fn(|at| columns.get(at).map_or(0.0, |column| column[group]));
    (0..groups).map(of).collect()
}

fn of_block<T>(groups: &[T], block: usize) -> &[T] {
    &groups[block * BLOCK..groups.len().min((block + 1) * BLOCK)]
}

/// Adds the numbers of drawn groups to the sums.
fn add<const WIDTH: usize>(groups: &[[f64; WIDTH]], drawn: &[u8], sums: &mut [f64]) {
    let mut lanes = [[0.0; WIDTH]; LANES];
    // A full block has a group for every byte, which spares the check of each index.
    match <&[[f64; WIDTH]; BLOCK]>::try_from(groups) {
        Ok(full) => add_lanes(&mut lanes, drawn, |place| &full[usize::from(place)]),
        Err(_) => add_lanes(&mut lanes, drawn, |place| &groups[usize::from(place)]),
    }
    for lane in lanes {
        sums.iter_mut().zip(lane).for_each(|(sum, number)| *sum += number);
    }
}

#[inline]
fn add_lanes<'a, const WIDTH: usize>(
    lanes: &mut [[f64; WIDTH]; LANES],
    drawn: &[u8],
    numbers: impl Fn(u8) -> &'a [f64; WIDTH],
) {
    let chunks = drawn.chunks_exact(LANES);
    let rest = chunks.remainder();
    for places in chunks {
        for (lane, &place) in lanes.iter_mut().zip(places) {
            lane.iter_mut().zip(numbers(place)).for_each(|(sum, number)| *sum += number);
        }
    }
    for (lane, &place) in lanes.iter_mut().zip(rest) {
        lane.iter_mut().zip(numbers(place)).for_each(|(sum, number)| *sum += number);
    }
}
