//! Decides which split every unit goes to.

use cliptune_experiment::{FoldSource, Folds, Split, SplitBy, SplitPlan};

use crate::components::Components;
use crate::database::Database;
use crate::deal::{self, Piece, Shares};
use crate::error::{IngestError, SplitError};
use crate::identity::Anchor;
use crate::kept::{self, Before};
use crate::pipeline::items::{self, Places};
use crate::pipeline::{links, votes};
use crate::spread::spread;
use crate::ties;

/// The result of an assignment, apart from the items' splits themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// The number of components that tie together items that were in several splits before.
    pub(crate) merges: u64,
    /// A split that misses its share by more than a quarter because units keep their splits.
    pub(crate) drifted: Option<Split>,
}

/// What is split, and how.
pub(crate) struct Subject<'a> {
    pub(crate) database: &'a Database,
    pub(crate) plan: &'a SplitPlan,
    pub(crate) links: &'a links::Links,
    pub(crate) connected: &'a Components,
    /// Whether units keep the splits that they had in the view `before`.
    pub(crate) keeps: bool,
}

impl Subject<'_> {
    /// Gives every item its split.
    ///
    /// Units are assigned as a whole. A unit that the previous dataset has keeps its split, and the others are dealt so
    /// that the shares are met. The result depends on the joined rows, the seed and the previous dataset. Two datasets
    /// over the same rows therefore get the same split, whatever texts they take from the rows.
    pub(crate) fn assign(&self) -> Result<Assigned, IngestError> {
        match &self.plan.by {
            SplitBy::Column(_) => {
                links::number_units(self.database, self.connected, self.connected)?;
                items::place_as_they_are(self.database)?;
                Ok(Assigned::default())
            }
            SplitBy::Component { .. } => self.assign_groups(self.connected, "connected component"),
            SplitBy::Group => self.assign_groups(&self.links.groups(), "group"),
            SplitBy::Row => self.assign_rows(),
        }
    }

    fn assign_groups(&self, units: &Components, noun: &'static str) -> Result<Assigned, IngestError> {
        links::number_units(self.database, self.connected, units)?;
        let count = units.sizes.len();
        let before = match self.keeps {
            true => votes::of_groups(self.database, count)?,
            false => Before::nothing(count),
        };
        let strata = self.plan.stratify.as_ref().map(|_| links::strata(self.database, count));
        let anchors = links::anchors(self.database, units, self.plan.seed)?;
        let dealt = self.dealt(
            &Units { pieces: pieces(anchors, &units.sizes), strata: strata.transpose()?, before: &before },
            noun,
        )?;
        if let Some((split, share)) = dealt.unreachable {
            let declared = deal::declared(self.plan, split);
            let ties = ties::told(self.database, &self.plan.by, units, noun)?;
            return Err(SplitError::Uneven { split, share, declared, ties }.into());
        }
        items::place_by_unit(self.database, &dealt.places)?;
        Ok(Assigned { merges: kept::merges(&before.votes), drifted: dealt.drifted })
    }

    fn assign_rows(&self) -> Result<Assigned, IngestError> {
        links::number_units(self.database, self.connected, self.connected)?;
        let items = items::number(self.database)?;
        let before = match self.keeps {
            true => votes::of_items(self.database, items)?,
            false => Before::nothing(items),
        };
        let strata = self.plan.stratify.as_ref().map(|_| links::item_strata(self.database, items));
        let anchors = links::item_anchors(self.database, items, self.plan.seed)?;
        let units =
            Units { pieces: pieces(anchors, &vec![1; items]), strata: strata.transpose()?, before: &before };
        let dealt = self.dealt(&units, "item")?;
        items::place_by_item(self.database, &dealt.places)?;
        Ok(Assigned { merges: 0, drifted: dealt.drifted })
    }

    fn dealt(&self, units: &Units<'_>, noun: &'static str) -> Result<Dealt, IngestError> {
        let shares = Shares::of(self.plan);
        let parts = match &self.plan.folds {
            Some(Folds { of: FoldSource::Dealt(count), .. }) => *count as usize,
            _ => shares.count(),
        };
        if units.pieces.len() < parts {
            let units = units.pieces.len() as u64;
            return Err(SplitError::TooFewUnits { units, unit: noun, splits: parts }.into());
        }
        let places = self.places(units, &shares, true);
        let missed = deal::missed(&units.pieces, &shares, &places.splits);
        let anew = missed.and_then(|_| {
            let anew = self.places(units, &shares, false);
            deal::missed(&units.pieces, &shares, &anew.splits)
        });
        Ok(Dealt {
            places,
            unreachable: missed.filter(|_| anew.is_some()),
            drifted: missed.filter(|_| anew.is_none()).map(|(split, _)| split),
        })
    }

    /// Returns where the units go. `keeps` tells whether they stay where the previous dataset had them.
    fn places(&self, units: &Units<'_>, shares: &Shares, keeps: bool) -> Places {
        let Units { pieces, strata, before } = units;
        let alike = || strata.clone().unwrap_or_else(|| vec![0; pieces.len()]);
        if let Some(folds @ Folds { of: FoldSource::Dealt(count), .. }) = &self.plan.folds {
            let is_fold = |fold: &usize| keeps && *fold < *count as usize;
            let kept: Vec<Option<usize>> = before.folds.iter().map(|fold| fold.filter(is_fold)).collect();
            let equal = vec![1.0 / f64::from(*count); *count as usize];
            let numbers = spread(pieces, &alike(), &equal, &kept);
            let splits = numbers.iter().map(|fold| folds.split(*fold as u32, *count)).collect();
            return Places { splits, folds: Some(numbers) };
        }
        let mut kept = kept::splits(&before.votes, shares);
        if !keeps {
            kept.fill(None);
        }
        let splits = match strata {
            None => deal::deal(pieces, shares, &kept),
            Some(strata) => {
                let kept: Vec<Option<usize>> = kept.iter().map(|split| shares.place((*split)?)).collect();
                spread(pieces, strata, &shares.sizes(), &kept)
                    .into_iter()
                    .map(|at| shares.split(at))
                    .collect()
            }
        };
        Places { splits, folds: None }
    }
}

/// The units that go into a split as a whole.
struct Units<'a> {
    pieces: Vec<Piece>,
    /// The number of each unit's stratum, where all splits are to have the same share of every stratum.
    strata: Option<Vec<usize>>,
    before: &'a Before,
}

fn pieces(anchors: Vec<Anchor>, sizes: &[usize]) -> Vec<Piece> {
    anchors.into_iter().zip(sizes).map(|(anchor, size)| Piece { anchor, size: *size }).collect()
}

/// The place of every unit, and how well the shares are met.
struct Dealt {
    places: Places,
    /// A split that misses its share however the units are dealt, with the share that it gets.
    unreachable: Option<(Split, f64)>,
    /// A split that misses its share only because units keep their splits.
    drifted: Option<Split>,
}
