//! Splits that cannot be what the plan asks for.

use cliptune_experiment::Split;
use cliptune_terminal::Diagnostic;
use cliptune_terminal::format::counted;

use crate::shown::shown;

/// The items cannot be split as the plan asks.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// There are fewer units than splits.
    #[error("{} cannot fill {splits} splits", counted(*units, unit))]
    TooFewUnits {
        /// The number of units.
        units: u64,
        /// The name of a unit.
        unit: &'static str,
        /// The number of splits with a share.
        splits: usize,
    },
    /// A column does not name the folds that a plan asks for.
    #[error("{column} names {}, which are not the folds that `data.split` asks for", named(names))]
    Folds {
        /// The column or the SQL expression.
        column: String,
        /// The names in order; of very many, the first ones.
        names: Vec<String>,
    },
    /// A split stays far from its share, however the units are dealt.
    #[error("the {split} split would get {:.0} % instead of {:.0} %: {ties}", 100.0 * share, 100.0 * declared)]
    Uneven {
        /// The split.
        split: Split,
        /// The share that the split would get.
        share: f64,
        /// The share that the plan declares.
        declared: f64,
        /// A description of what ties the largest unit together.
        ties: String,
    },
}

/// Names a few values in words.
fn named(names: &[String]) -> String {
    const FEW: usize = 5;
    match names {
        [] => "nothing".to_owned(),
        [few @ .., last] if names.len() <= FEW => {
            let few: String = few.iter().map(|name| format!("{}, ", shown(name))).collect();
            few + &shown(last)
        }
        _ => format!("{} values such as {}", names.len(), shown(&names[0])),
    }
}

impl Diagnostic for SplitError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooFewUnits { unit: "connected component", .. } => {
                "shared texts, and near-duplicates that stay together, connect the groups: name other columns in \
                 `split.across`, or split `by: group` and accept that they cross the splits"
            }
            Self::TooFewUnits { .. } => "use more data, or give one of the splits the share 0",
            Self::Folds { .. } => {
                "there have to be from 3 to 100 folds, and `test_fold` counts them from 0 in the order of their names"
            }
            Self::Uneven { .. } => {
                "if what ties them says nothing about the answer, name other columns in `data.split.across`, or leave \
                 those rows out with `data.where`; or declare shares that can be met"
            }
        };
        Some(hint.to_owned())
    }
}
