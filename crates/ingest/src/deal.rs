//! Deals units to splits so that the declared shares are met.
//!
//! The content of each unit and the seed decide the unit's place on a line. The line is cut where the shares are met
//! best, so that one unit more or less moves a cut by one unit. Units that already have a split keep it, so that
//! nothing that was dealt before moves.

use cliptune_experiment::{Fraction, Split, SplitPlan};

/// The largest accepted difference between an achieved share and the declared one, relative to the declared one.
const TOLERANCE: f64 = 0.25;
/// The tolerance for rounding errors in sums of shares.
const ROUNDING: f64 = 1e-6;

/// A unit that goes into a split as a whole, as it is dealt.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The unit's place on the line.
    pub(crate) anchor: [u8; 32],
    /// The amount by which the unit fills its split.
    pub(crate) size: usize,
}

/// The splits that have a share, in order.
#[derive(Clone, Debug)]
pub(crate) struct Shares(Vec<(Split, f64)>);

impl Shares {
    pub(crate) fn of(plan: &SplitPlan) -> Self {
        let shares = [plan.shares.train, plan.shares.validation, plan.shares.test].map(Fraction::get);
        Self(Split::ALL.into_iter().zip(shares).filter(|(_, share)| *share > 0.0).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, split: Split) -> bool {
        self.place(split).is_some()
    }

    /// Returns the index of a split among those with a share.
    pub(crate) fn place(&self, split: Split) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == split)
    }

    /// Returns the split with an index.
    pub(crate) fn split(&self, place: usize) -> Split {
        self.0[place].0
    }

    /// Returns the shares in order.
    pub(crate) fn sizes(&self) -> Vec<f64> {
        self.0.iter().map(|(_, share)| *share).collect()
    }

    /// Returns the split that takes what is too large for the others: train, or else the one with the largest share.
    fn home(&self) -> usize {
        let largest = |best: usize, at: usize| if self.0[at].1 > self.0[best].1 { at } else { best };
        match self.0.first() {
            Some((Split::Train, _)) => 0,
            _ => (0..self.0.len()).fold(0, largest),
        }
    }
}

/// Returns the share that a plan declares for a split.
pub(crate) fn declared(plan: &SplitPlan, split: Split) -> f64 {
    let declared = Shares::of(plan).0.into_iter().find(|(known, _)| *known == split);
    declared.map_or(0.0, |(_, share)| share)
}

/// The units that are being dealt.
struct Table<'a> {
    pieces: &'a [Piece],
    shares: &'a Shares,
    /// The index of each unit's split among those with a share; `None` until it is dealt.
    places: Vec<Option<usize>>,
    total: f64,
}

/// Gives a split to every unit that has none in `kept`. A unit only loses the split that it has if another split
/// would stay empty.
///
/// There have to be at least as many units as there are splits with a share.
pub(crate) fn deal(pieces: &[Piece], shares: &Shares, kept: &[Option<Split>]) -> Vec<Split> {
    let places = kept.iter().map(|split| shares.place((*split)?)).collect();
    let mut table = Table { pieces, shares, places, total: total(pieces) };
    let open: Vec<usize> = (0..pieces.len()).filter(|unit| table.places[*unit].is_none()).collect();
    table.deal_large(&open);
    table.deal_small(&open);
    fill_empty(pieces, shares.count(), &mut table.places, &open);
    table.places.iter().map(|place| shares.split(place.unwrap_or(0))).collect()
}

/// Returns the first split that misses its share by more than whole units can explain, which is more than a quarter
/// of the share and more than the median unit. The number is the share that the split has achieved.
pub(crate) fn missed(pieces: &[Piece], shares: &Shares, splits: &[Split]) -> Option<(Split, f64)> {
    let (total, median) = (total(pieces), median(pieces));
    let achieved = |split: Split| {
        let own = pieces.iter().zip(splits).filter(|(_, found)| **found == split);
        own.map(|(piece, _)| piece.size as f64).sum::<f64>()
    };
    shares.0.iter().find_map(|(split, share)| {
        let (wanted, found) = (share * total, achieved(*split));
        let off = (found - wanted).abs() - ROUNDING;
        (off > TOLERANCE * wanted && off > median).then_some((*split, found / total))
    })
}

fn total(pieces: &[Piece]) -> f64 {
    pieces.iter().map(|piece| piece.size as f64).sum()
}

fn median(pieces: &[Piece]) -> f64 {
    let mut sizes: Vec<usize> = pieces.iter().map(|piece| piece.size).collect();
    sizes.sort_unstable();
    sizes.get(sizes.len().saturating_sub(1) / 2).map_or(0.0, |size| *size as f64)
}

impl Table<'_> {
    fn size(&self, unit: usize) -> f64 {
        self.pieces[unit].size as f64
    }

    /// Returns how much each split falls short of its share. The number is negative for a split that has too much.
    fn lacks(&self) -> Vec<f64> {
        let mut lacks: Vec<f64> = self.shares.0.iter().map(|(_, share)| share * self.total).collect();
        for (unit, place) in self.places.iter().enumerate() {
            if let Some(place) = place {
                lacks[*place] -= self.size(unit);
            }
        }
        lacks
    }

    /// Deals the units that could upset a split on their own. The largest come first. They go to train as long as
    /// they fit, and then to the split whose share they exceed least. A unit that is larger than the whole share of
    /// every other split always goes to train.
    fn deal_large(&mut self, open: &[usize]) {
        let whole: Vec<f64> = self.shares.0.iter().map(|(_, share)| share * self.total).collect();
        let smallest = whole.iter().copied().fold(self.total, f64::min);
        let limit = median(self.pieces).max(TOLERANCE * smallest);
        let mut large: Vec<usize> = open.iter().copied().filter(|unit| self.size(*unit) > limit).collect();
        large.sort_by_key(|&unit| (std::cmp::Reverse(self.pieces[unit].size), self.pieces[unit].anchor));
        let home = self.shares.home();
        for unit in large {
            let (lacks, size) = (self.lacks(), self.size(unit));
            let excess = |place: usize| size - lacks[place];
            let is_giant = (0..whole.len()).all(|place| place == home || size > whole[place]);
            let least =
                (0..lacks.len()).fold(home, |best, at| if excess(at) < excess(best) { at } else { best });
            let stays = is_giant || excess(home) <= ROUNDING;
            self.places[unit] = Some(if stays { home } else { least });
        }
    }

    /// Deals the remaining units, by cutting the line into runs.
    fn deal_small(&mut self, open: &[usize]) {
        let mut line: Vec<usize> = open.iter().copied().filter(|unit| self.places[*unit].is_none()).collect();
        line.sort_by_key(|&unit| self.pieces[unit].anchor);
        let sizes: Vec<f64> = line.iter().map(|&unit| self.size(unit)).collect();
        let cuts = cuts(&sizes, &self.lacks());
        for (at, unit) in line.into_iter().enumerate() {
            self.places[unit] = Some(cuts.iter().filter(|cut| **cut <= at).count());
        }
    }
}

/// Makes sure that every one of some parts gets a unit. Among the units that a part can spare, one that is dealt now is
/// preferred to one that keeps its place, and a small one to a large one. `open` are the units that are dealt now, in
/// order.
pub(crate) fn fill_empty(pieces: &[Piece], parts: usize, places: &mut [Option<usize>], open: &[usize]) {
    for empty in 0..parts {
        let mut held = vec![0_usize; parts];
        places.iter().flatten().for_each(|place| held[*place] += 1);
        if held[empty] > 0 {
            continue;
        }
        let spare = (0..pieces.len()).filter(|unit| places[*unit].is_some_and(|at| held[at] > 1));
        let cost =
            |unit: &usize| (open.binary_search(unit).is_err(), pieces[*unit].size, pieces[*unit].anchor);
        if let Some(unit) = spare.min_by_key(cost) {
            places[unit] = Some(empty);
        }
    }
}

/// Finds where to cut a line of units so that the pieces come as close as possible to what the splits lack. There is
/// one cut after each split except the last.
fn cuts(sizes: &[f64], lacks: &[f64]) -> Vec<usize> {
    let total: f64 = sizes.iter().sum();
    let short: f64 = lacks.iter().map(|lack| lack.max(0.0)).sum();
    let wanted: Vec<f64> =
        lacks.iter().map(|lack| if short > 0.0 { lack.max(0.0) / short * total } else { 0.0 }).collect();
    let mut sums = vec![0.0];
    sums.extend(sizes.iter().scan(0.0, |sum, size| {
        *sum += size;
        Some(*sum)
    }));
    // The cut is either just before or just after the unit in which the target lies.
    let mut target = 0.0;
    let around = wanted.iter().take(wanted.len().saturating_sub(1)).map(|want| {
        target += want;
        let before = sums.partition_point(|sum| *sum <= target + ROUNDING).saturating_sub(1);
        [before, (before + 1).min(sizes.len())]
    });
    let around: Vec<[usize; 2]> = around.collect();
    let choices = (0..1_usize << around.len())
        .map(|bits| around.iter().enumerate().map(|(at, ends)| ends[(bits >> at) & 1]).collect::<Vec<_>>());
    let possible = choices.filter(|cuts| cuts.is_sorted());
    possible.min_by(|a, b| error(a, &sums, &wanted).total_cmp(&error(b, &sums, &wanted))).unwrap_or_default()
}

/// Returns the largest difference between a piece of the cut line and the wanted size. It is given as a whole number
/// of millionths, so that rounding errors do not decide between cuts.
fn error(cuts: &[usize], sums: &[f64], wanted: &[f64]) -> f64 {
    let end = |at: usize| cuts.get(at).map_or(sums.last().copied().unwrap_or(0.0), |cut| sums[*cut]);
    let start = |at: usize| if at == 0 { 0.0 } else { end(at - 1) };
    let worst = wanted.iter().enumerate().map(|(at, want)| (end(at) - start(at) - want).abs());
    (worst.fold(0.0, f64::max) / ROUNDING).round()
}

#[cfg(test)]
#[path = "deal_tests.rs"]
mod tests;
