//! Assigns items to splits.

use std::collections::HashMap;

use cliptune_experiment::{Split, SplitBy, SplitPlan};
use cliptune_store::Item;

use crate::components::{Components, Link, Unit};
use crate::deal::{self, Piece, Shares};
use crate::error::IngestError;
use crate::kept::{Kept, Known};
use crate::ties;

/// The plan of a split, and what it is applied to.
pub(crate) struct Subject<'a> {
    pub(crate) plan: &'a SplitPlan,
    pub(crate) links: &'a [Link<'a>],
    pub(crate) connected: &'a Components<'a>,
    /// The items of the previous dataset; empty for the first dataset.
    pub(crate) before: &'a [Item],
}

/// The result of an assignment, apart from the items' splits themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// The number of components that tie together items that were in several splits before.
    pub(crate) merges: u64,
    /// A split that misses its share by more than a quarter because units keep their splits.
    pub(crate) drifted: Option<Split>,
}

/// Assigns every item to a split.
///
/// Units are assigned as a whole. A unit that the previous dataset has keeps its split, and the others are dealt so
/// that the shares are met. The result depends on the joined rows, the seed and the previous dataset. Two datasets
/// over the same rows therefore get the same split, whatever texts they take from the rows.
pub(crate) fn assign(items: &mut [Item], subject: &Subject<'_>) -> Result<Assigned, IngestError> {
    match &subject.plan.by {
        SplitBy::Column(_) => Ok(Assigned::default()),
        SplitBy::Component { .. } => assign_groups(items, subject, subject.connected, "connected component"),
        SplitBy::Group => assign_groups(items, subject, &Components::groups(subject.links), "group"),
        SplitBy::Row => assign_rows(items, subject),
    }
}

fn assign_groups(
    items: &mut [Item],
    subject: &Subject<'_>,
    units: &Components<'_>,
    noun: &'static str,
) -> Result<Assigned, IngestError> {
    let known = Known::groups(units, subject.links);
    let kept = Kept::of(subject.before, units.units.len(), &known);
    let dealt = dealt(&units.units, subject.plan, &kept, noun)?;
    if let Some((split, share)) = dealt.unreachable {
        return Err(IngestError::UnevenSplit {
            split,
            share,
            declared: deal::declared(subject.plan, split),
            ties: ties::told(subject.links, units, noun),
        });
    }
    for item in items {
        // Every item comes from a joined row, and so does every group.
        if let Some(unit) = units.of(&item.group) {
            item.split = dealt.splits[unit];
        }
    }
    Ok(Assigned { merges: kept.merges, drifted: dealt.drifted })
}

fn assign_rows(items: &mut [Item], subject: &Subject<'_>) -> Result<Assigned, IngestError> {
    let units: Vec<Unit<'_>> =
        items.iter().map(|item| Unit { members: vec![item.item_id.as_str()], size: 1 }).collect();
    let numbers: HashMap<&str, usize> =
        items.iter().enumerate().map(|(unit, item)| (item.item_id.as_str(), unit)).collect();
    let kept = Kept::of(subject.before, units.len(), &Known::Rows(numbers));
    let dealt = dealt(&units, subject.plan, &kept, "item")?;
    items.iter_mut().zip(dealt.splits).for_each(|(item, split)| item.split = split);
    Ok(Assigned { merges: 0, drifted: dealt.drifted })
}

/// The split of every unit, and how well the shares are met.
struct Dealt {
    splits: Vec<Split>,
    /// A split that misses its share however the units are dealt, with the share that it gets.
    unreachable: Option<(Split, f64)>,
    /// A split that misses its share only because units keep their splits.
    drifted: Option<Split>,
}

fn dealt(
    units: &[Unit<'_>],
    plan: &SplitPlan,
    kept: &Kept,
    noun: &'static str,
) -> Result<Dealt, IngestError> {
    let shares = Shares::of(plan);
    if units.len() < shares.count() {
        return Err(IngestError::TooFewUnits {
            units: units.len() as u64,
            unit: noun,
            splits: shares.count(),
        });
    }
    let pieces: Vec<Piece> = units.iter().map(|unit| unit.piece(plan.seed)).collect();
    let splits = deal::deal(&pieces, &shares, &kept.splits(&shares));
    let missed = deal::missed(&pieces, &shares, &splits);
    let anew = missed.and_then(|_| {
        let anew = deal::deal(&pieces, &shares, &vec![None; pieces.len()]);
        deal::missed(&pieces, &shares, &anew)
    });
    Ok(Dealt {
        splits,
        unreachable: missed.filter(|_| anew.is_some()),
        drifted: missed.filter(|_| anew.is_none()).map(|(split, _)| split),
    })
}
