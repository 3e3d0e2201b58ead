//! How prominent each entry is. Of many, only a few can be drawn by name and in a colour of their own.

use std::collections::BTreeSet;

use cliptune_experiment::TaskKind;

use super::{Entry, ReportData};

/// The most entries beside baselines that are drawn by name: as many as there are colours that people can tell apart.
pub const NAMED: usize = 7;

/// The most entries of which everything is shown.
const FEW: usize = 16;

/// How prominent an entry is in charts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Others are compared with it. It is grey, and drawn everywhere.
    Baseline,
    /// It is drawn everywhere, in the colour of this number.
    Named(usize),
    /// It is one of many: a dot where all are drawn, and a curve if the reader asks for it.
    #[default]
    Other,
}

/// Returns whether so many entries are many.
pub(crate) fn is_many(entries: usize) -> bool {
    entries > FEW
}

impl ReportData {
    /// Gives every entry its role and its label. Baselines are grey, and so is the only entry without training, which will be
    /// the baseline once the others have run. Of the others, those that the titles name and the best ones on the validation
    /// split are named: the test split chooses nothing.
    pub fn with_roles(mut self) -> Self {
        let grey: Vec<usize> = (0..self.entries.len()).filter(|&entry| self.is_grey(entry)).collect();
        let others: Vec<usize> = (0..self.entries.len()).filter(|entry| !grey.contains(entry)).collect();
        let mut named = self.best_of(&others);
        named.truncate(NAMED);
        named.sort_unstable();
        for (index, label) in self.labels().into_iter().enumerate() {
            let place = named.iter().position(|&entry| entry == index);
            let entry = &mut self.entries[index];
            entry.label = label;
            entry.role = match place {
                _ if grey.contains(&index) => Role::Baseline,
                Some(place) => Role::Named(place),
                None => Role::Other,
            };
        }
        self
    }

    /// Returns whether there are so many entries that some of what is shown of few is left out.
    pub fn has_many(&self) -> bool {
        is_many(self.entries.len())
    }

    /// Returns the entries that are drawn by name, in their order.
    pub fn named(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.role != Role::Other)
    }

    /// Returns the entries that are not.
    pub fn others(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.role == Role::Other)
    }

    fn is_grey(&self, entry: usize) -> bool {
        let mut untrained = self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_trained());
        let is_only = untrained.next().is_some_and(|(index, _)| index == entry) && untrained.next().is_none();
        self.is_baseline(entry) || (is_only && self.entries.len() > 1)
    }

    /// Orders entries: those that titles name, and then by their score on the validation split. Scores of different kinds of item
    /// cannot be compared, so the best one of each kind comes first, then the second ones.
    fn best_of(&self, entries: &[usize]) -> Vec<usize> {
        let headlines: BTreeSet<usize> = self.boards.iter().filter_map(|board| board.headline).collect();
        let mut ranked: Vec<(bool, usize, usize)> = Vec::new();
        for kind in [TaskKind::Choice, TaskKind::Classes, TaskKind::Pairs] {
            let of_kind = entries.iter().filter(|&&entry| self.entries[entry].task() == kind);
            let score = |entry: usize| self.entries[entry].validation_score().unwrap_or(f64::NEG_INFINITY);
            let mut scored: Vec<(usize, f64)> = of_kind.map(|&entry| (entry, score(entry))).collect();
            scored.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            let rank = |(rank, (entry, _))| (!headlines.contains(&entry), rank, entry);
            ranked.extend(scored.into_iter().enumerate().map(rank));
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(.., entry)| entry).collect()
    }

    /// Returns what entries are called in charts: by their point of the matrix alone, where only one experiment has a matrix.
    fn labels(&self) -> Vec<String> {
        let swept = self.entries.iter().filter(|entry| !entry.plan.axes.is_empty());
        let swept: BTreeSet<&str> = swept.map(|entry| entry.plan.experiment.as_str()).collect();
        let label = |entry: &Entry| {
            let point = entry.name.strip_prefix(entry.plan.experiment.as_str()).map(str::trim_start);
            let point = point.filter(|point| swept.len() == 1 && !point.is_empty());
            point.filter(|_| !entry.plan.axes.is_empty()).unwrap_or(&entry.name).to_owned()
        };
        self.entries.iter().map(label).collect()
    }
}
