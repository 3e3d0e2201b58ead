//! Decides which split every unit goes to.

use cliptune_experiment::{Split, SplitBy, SplitPlan};

use crate::components::Components;
use crate::database::Database;
use crate::deal::{self, Piece, Shares};
use crate::error::IngestError;
use crate::identity::Anchor;
use crate::kept::{self, Votes};
use crate::pipeline::{items, links, votes};
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
        let votes = match self.keeps {
            true => votes::of_groups(self.database, units.sizes.len())?,
            false => vec![[0; 3]; units.sizes.len()],
        };
        let anchors = links::anchors(self.database, units, self.plan.seed)?;
        let dealt = self.dealt(pieces(anchors, &units.sizes), &votes, noun)?;
        if let Some((split, share)) = dealt.unreachable {
            return Err(IngestError::UnevenSplit {
                split,
                share,
                declared: deal::declared(self.plan, split),
                ties: ties::told(self.database, &self.plan.by, units, noun)?,
            });
        }
        items::place_by_unit(self.database, &dealt.splits)?;
        Ok(Assigned { merges: kept::merges(&votes), drifted: dealt.drifted })
    }

    fn assign_rows(&self) -> Result<Assigned, IngestError> {
        links::number_units(self.database, self.connected, self.connected)?;
        let items = items::number(self.database)?;
        let votes = match self.keeps {
            true => votes::of_items(self.database, items)?,
            false => vec![[0; 3]; items],
        };
        let anchors = links::item_anchors(self.database, items, self.plan.seed)?;
        let dealt = self.dealt(pieces(anchors, &vec![1; items]), &votes, "item")?;
        items::place_by_item(self.database, &dealt.splits)?;
        Ok(Assigned { merges: 0, drifted: dealt.drifted })
    }

    fn dealt(&self, pieces: Vec<Piece>, votes: &Votes, noun: &'static str) -> Result<Dealt, IngestError> {
        let shares = Shares::of(self.plan);
        if pieces.len() < shares.count() {
            return Err(IngestError::TooFewUnits {
                units: pieces.len() as u64,
                unit: noun,
                splits: shares.count(),
            });
        }
        let splits = deal::deal(&pieces, &shares, &kept::splits(votes, &shares));
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
}

fn pieces(anchors: Vec<Anchor>, sizes: &[usize]) -> Vec<Piece> {
    anchors.into_iter().zip(sizes).map(|(anchor, size)| Piece { anchor, size: *size }).collect()
}

/// The split of every unit, and how well the shares are met.
struct Dealt {
    splits: Vec<Split>,
    /// A split that misses its share however the units are dealt, with the share that it gets.
    unreachable: Option<(Split, f64)>,
    /// A split that misses its share only because units keep their splits.
    drifted: Option<Split>,
}
