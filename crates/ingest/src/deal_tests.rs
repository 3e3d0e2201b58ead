use cliptune_experiment::{Fraction, Seed, SplitBy, SplitShares};
use proptest::prelude::*;

use super::*;

fn shares(shares: [f64; 3]) -> Shares {
    let [train, validation, test] = shares.map(|share| Fraction::try_from(share).unwrap());
    let shares = SplitShares { train, validation, test };
    Shares::of(&SplitPlan { by: SplitBy::Group, shares, folds: None, stratify: None, seed: Seed(0) })
}

/// Makes a unit whose name gives it an effectively random place on the line.
fn piece(name: usize, size: usize) -> Piece {
    Piece { anchor: *blake3::hash(name.to_string().as_bytes()).as_bytes(), size }
}

fn pieces(sizes: &[usize]) -> Vec<Piece> {
    sizes.iter().enumerate().map(|(name, size)| piece(name, *size)).collect()
}

fn loads(pieces: &[Piece], splits: &[Split]) -> [usize; 3] {
    Split::ALL.map(|split| {
        pieces.iter().zip(splits).filter(|(_, found)| **found == split).map(|(piece, _)| piece.size).sum()
    })
}

fn dealt(sizes: &[usize], declared: [f64; 3]) -> [usize; 3] {
    let pieces = pieces(sizes);
    loads(&pieces, &deal(&pieces, &shares(declared), &vec![None; sizes.len()]))
}

fn furthest(loads: [usize; 3], declared: [f64; 3]) -> f64 {
    let total: usize = loads.iter().sum();
    let off = loads.iter().zip(declared).map(|(load, share)| (*load as f64 - share * total as f64).abs());
    off.fold(0.0, f64::max)
}

#[test]
fn equal_units_fill_the_shares_exactly() {
    assert_eq!(dealt(&[100; 10], [0.7, 0.1, 0.2]), [700, 100, 200]);
    assert_eq!(dealt(&[1; 835], [0.8, 0.0, 0.2]), [668, 0, 167]);
}

#[test]
fn a_giant_goes_to_train_and_the_rest_is_shared() {
    let mut sizes = vec![1; 240];
    sizes.push(360);
    assert_eq!(dealt(&sizes, [0.8, 0.1, 0.1]), [480, 60, 60]);
    let pieces = pieces(&sizes);
    let splits = deal(&pieces, &shares([0.8, 0.1, 0.1]), &vec![None; sizes.len()]);
    assert_eq!(splits[240], Split::Train);
    assert!(missed(&pieces, &shares([0.8, 0.1, 0.1]), &splits).is_none());
}

#[test]
fn a_giant_that_leaves_too_little_for_the_others_is_told() {
    let mut sizes = vec![1; 36];
    sizes.push(564);
    let pieces = pieces(&sizes);
    let splits = deal(&pieces, &shares([0.8, 0.1, 0.1]), &vec![None; sizes.len()]);
    assert_eq!(loads(&pieces, &splits), [564, 18, 18]);
    assert_eq!(missed(&pieces, &shares([0.8, 0.1, 0.1]), &splits), Some((Split::Validation, 0.03)));
}

#[test]
fn few_units_still_give_every_split_one() {
    assert_eq!(dealt(&[2; 6], [0.8, 0.1, 0.1]), [8, 2, 2]);
    assert_eq!(dealt(&[1; 3], [0.8, 0.1, 0.1]), [1, 1, 1]);
    assert_eq!(dealt(&[7, 1, 1], [0.8, 0.1, 0.1]), [7, 1, 1]);
    assert_eq!(dealt(&[5, 4], [0.5, 0.0, 0.5]).map(|load| load > 0), [true, false, true]);
}

#[test]
fn what_whole_units_cannot_reach_is_no_fault_of_the_data() {
    let pieces = pieces(&[2; 6]);
    let splits = deal(&pieces, &shares([0.8, 0.1, 0.1]), &[None; 6]);
    assert!(missed(&pieces, &shares([0.8, 0.1, 0.1]), &splits).is_none());
}

/// Shares as users write them.
const DECLARED: [[f64; 3]; 4] = [[0.8, 0.1, 0.1], [0.7, 0.1, 0.2], [0.34, 0.33, 0.33], [0.5, 0.0, 0.5]];

proptest! {
    #[test]
    fn shares_of_many_small_units_are_within_one_unit(
        sizes in proptest::collection::vec(1_usize..6, 200..600),
        declared in proptest::sample::select(DECLARED.to_vec()),
    ) {
        let loads = dealt(&sizes, declared);
        prop_assert!(furthest(loads, declared) <= 5.0, "{loads:?}");
        prop_assert!(loads.iter().zip(declared).all(|(load, share)| (*load > 0) == (share > 0.0)));
    }

    #[test]
    fn one_unit_more_moves_at_most_a_unit_at_each_cut(count in 50_usize..400, new in 1000_usize..9000) {
        let declared = shares([0.8, 0.1, 0.1]);
        let mut units = pieces(&vec![1; count]);
        let before = deal(&units, &declared, &vec![None; count]);
        units.push(piece(new, 1));
        let after = deal(&units, &declared, &vec![None; count + 1]);
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        prop_assert!(moved <= 4, "{moved}");
    }

    #[test]
    fn what_is_kept_stays_and_the_shares_hold_while_units_come_and_go(
        steps in proptest::collection::vec((any::<bool>(), any::<u16>(), 1_usize..4), 1..120),
    ) {
        let declared = [0.8, 0.1, 0.1];
        let mut units: Vec<(usize, usize)> = (0..200).map(|name| (name, 1)).collect();
        let mut kept: Vec<Option<Split>> = vec![None; units.len()];
        let mut next = units.len();
        for (adds, which, size) in steps {
            let known: Vec<_> = units.iter().zip(&kept).map(|(unit, split)| (*unit, *split)).collect();
            if adds {
                units.push((next, size));
                kept.push(None);
                next += 1;
            } else {
                let gone = usize::from(which) % units.len();
                units.remove(gone);
                kept.remove(gone);
            }
            let pieces: Vec<Piece> = units.iter().map(|(name, size)| piece(*name, *size)).collect();
            let splits = deal(&pieces, &shares(declared), &kept);
            for (unit, split) in known {
                let at = units.iter().position(|other| *other == unit);
                prop_assert!(at.is_none_or(|at| split.is_none() || Some(splits[at]) == split));
            }
            kept = splits.into_iter().map(Some).collect();
        }
    }

    #[test]
    fn a_set_that_grows_unit_by_unit_keeps_its_shares(sizes in proptest::collection::vec(1_usize..4, 1..150)) {
        let declared = [0.7, 0.1, 0.2];
        let mut units = pieces(&[1; 100]);
        let mut kept: Vec<Option<Split>> = deal(&units, &shares(declared), &[None; 100]).into_iter().map(Some).collect();
        for (number, size) in sizes.into_iter().enumerate() {
            units.push(piece(100 + number, size));
            kept.push(None);
            kept = deal(&units, &shares(declared), &kept).into_iter().map(Some).collect();
        }
        let splits: Vec<Split> = kept.into_iter().flatten().collect();
        let off = furthest(loads(&units, &splits), declared);
        prop_assert!(off <= 3.0, "{off}");
    }

    #[test]
    fn the_order_of_units_changes_nothing(sizes in proptest::collection::vec(1_usize..9, 3..60)) {
        let forwards = pieces(&sizes);
        let backwards: Vec<Piece> = forwards.iter().rev().cloned().collect();
        let declared = shares([0.6, 0.2, 0.2]);
        let none = vec![None; sizes.len()];
        let mut reversed = deal(&backwards, &declared, &none);
        reversed.reverse();
        prop_assert_eq!(deal(&forwards, &declared, &none), reversed);
    }
}
