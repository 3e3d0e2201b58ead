//! Spreads units over parts so that every stratum meets the shares.
//!
//! This is iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) with one label for each unit: the units of
//! the rarest stratum come first, because there is the least room to make up for them, and each goes where its stratum
//! lacks the most. With a single stratum the parts are as large as their shares say, as folds have to be.

use std::cmp::Reverse;

use crate::deal::{Piece, fill_empty};

/// The tolerance for rounding errors in sums of sizes.
const ROUNDING: f64 = 1e-6;

/// What the parts still lack, altogether and in each stratum.
struct Lacks {
    all: Vec<f64>,
    strata: Vec<Vec<f64>>,
}

impl Lacks {
    fn of(pieces: &[Piece], strata: &[usize], shares: &[f64]) -> Self {
        let mut sizes = vec![0.0; strata.iter().max().map_or(0, |last| last + 1)];
        for (piece, stratum) in pieces.iter().zip(strata) {
            sizes[*stratum] += piece.size as f64;
        }
        let wanted = |size: f64| shares.iter().map(|share| share * size).collect();
        Self { all: wanted(sizes.iter().sum()), strata: sizes.into_iter().map(wanted).collect() }
    }

    fn take(&mut self, part: usize, stratum: usize, size: usize) {
        self.all[part] -= size as f64;
        self.strata[stratum][part] -= size as f64;
    }

    /// Returns the part that lacks the most in a stratum. Among equals it is the one that lacks the most altogether, and
    /// then the first.
    fn most(&self, stratum: usize) -> usize {
        let lack = |part: usize| (self.strata[stratum][part], self.all[part]);
        let exceeds = |one: (f64, f64), other: (f64, f64)| {
            one.0 > other.0 + ROUNDING || (one.0 > other.0 - ROUNDING && one.1 > other.1 + ROUNDING)
        };
        (0..self.all.len()).fold(0, |best, part| if exceeds(lack(part), lack(best)) { part } else { best })
    }
}

/// Gives a part to every unit that has none in `kept`. `strata` is the stratum of each unit, counted from 0, and `shares`
/// are the shares of the parts. The result depends on nothing else, not even on the order of units.
pub(crate) fn spread(
    pieces: &[Piece],
    strata: &[usize],
    shares: &[f64],
    kept: &[Option<usize>],
) -> Vec<usize> {
    let mut lacks = Lacks::of(pieces, strata, shares);
    let mut places = kept.to_vec();
    for (unit, place) in kept.iter().enumerate() {
        place.iter().for_each(|place| lacks.take(*place, strata[unit], pieces[unit].size));
    }
    let mut frequencies = vec![0_usize; lacks.strata.len()];
    strata.iter().for_each(|stratum| frequencies[*stratum] += 1);
    let open: Vec<usize> = (0..pieces.len()).filter(|unit| kept[*unit].is_none()).collect();
    let mut order = open.clone();
    order.sort_by_key(|&unit| {
        let stratum = strata[unit];
        (frequencies[stratum], stratum, Reverse(pieces[unit].size), pieces[unit].anchor)
    });
    for unit in order {
        let place = lacks.most(strata[unit]);
        lacks.take(place, strata[unit], pieces[unit].size);
        places[unit] = Some(place);
    }
    fill_empty(pieces, shares.len(), &mut places, &open);
    places.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units of the given sizes, each with an anchor of its own.
    fn pieces(sizes: &[usize]) -> Vec<Piece> {
        let anchor = |at: usize| *blake3::hash(&at.to_le_bytes()).as_bytes();
        sizes.iter().enumerate().map(|(at, size)| Piece { anchor: anchor(at), size: *size }).collect()
    }

    fn filled(pieces: &[Piece], places: &[usize], parts: usize) -> Vec<usize> {
        let of = |part| pieces.iter().zip(places).filter(move |(_, place)| **place == part);
        (0..parts).map(|part| of(part).map(|(piece, _)| piece.size).sum()).collect()
    }

    #[test]
    fn folds_are_as_large_as_one_another() {
        let pieces = pieces(&[7, 1, 1, 3, 2, 2, 2, 5, 1, 1, 4, 1]);
        let places = spread(&pieces, &[0; 12], &[0.2; 5], &[None; 12]);
        let filled = filled(&pieces, &places, 5);
        assert!(filled.iter().all(|size| (5..=7).contains(size)), "{filled:?}");
    }

    #[test]
    fn every_stratum_meets_the_shares() {
        let strata: Vec<usize> =
            (0..300).map(|unit| usize::from(unit % 10 == 0) + usize::from(unit % 30 == 0)).collect();
        let pieces = pieces(&vec![1; 300]);
        let places = spread(&pieces, &strata, &[0.8, 0.1, 0.1], &[None; 300]);
        for (stratum, expected) in [(0, [216, 27, 27]), (1, [16, 2, 2]), (2, [8, 1, 1])] {
            let own: Vec<usize> =
                (0..300).filter(|unit| strata[*unit] == stratum).map(|unit| places[unit]).collect();
            let found = [0, 1, 2].map(|part| own.iter().filter(|place| **place == part).count());
            assert_eq!(found, expected, "{stratum}");
        }
    }

    #[test]
    fn what_was_dealt_before_stays_and_what_is_new_fills_up() {
        let pieces = pieces(&[1; 20]);
        let before = spread(&pieces[..10], &[0; 10], &[0.2; 5], &[None; 10]);
        let kept: Vec<Option<usize>> = before.iter().copied().map(Some).chain([None; 10]).collect();
        let after = spread(&pieces, &[0; 20], &[0.2; 5], &kept);
        assert_eq!(after[..10], before);
        assert_eq!(filled(&pieces, &after, 5), [4; 5]);
    }

    #[test]
    fn the_order_of_units_changes_nothing() {
        let pieces = pieces(&[3, 1, 4, 1, 5, 9, 2, 6]);
        let strata = [0, 1, 0, 1, 0, 1, 0, 1];
        let places = spread(&pieces, &strata, &[0.5, 0.25, 0.25], &[None; 8]);
        let reversed: Vec<Piece> = pieces.iter().rev().cloned().collect();
        let strata: Vec<usize> = strata.iter().rev().copied().collect();
        let mut backwards = spread(&reversed, &strata, &[0.5, 0.25, 0.25], &[None; 8]);
        backwards.reverse();
        assert_eq!(places, backwards);
    }
}
