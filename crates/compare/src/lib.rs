//! Whether one set of answers is better than another, on the same items.
//!
//! [`Answers`] are what an experiment said to the items of a split: one list of predictions for each seed, where the folds of a
//! cross-validation are joined. [`Difference`] is what the answers of two of them differ by in the metric that they are judged
//! by, with its interval, its test and its [`Verdict`]; [`correct`] corrects for several of them. [`Comparison`] is that, and
//! what the other metrics differ by. `cliptune compare` and the report both take all of it from here. [`Foreign`] reads the predictions
//! of anybody else, and [`guessing`] says what is reached without looking.

mod answers;
mod comparison;
mod difference;
mod error;
mod foreign;
pub mod guessing;
mod kept;
mod metric;
mod reached;
mod row;
mod same;
mod table;
mod values;
mod verdict;
mod words;

pub use answers::{Answers, RunAnswers};
pub use comparison::{Comparison, Measured};
pub use difference::{Difference, Test, correct, difference, differences};
pub use error::CompareError;
pub use foreign::Foreign;
pub use metric::confidence;
pub use reached::reached;
pub use same::Unlike;
pub use table::{Agreement, ItemOutcome, Outcome};
pub use verdict::Verdict;
pub use words::{amount, interval, judged, p_value, shown};

/// Returns an interval as records hold it.
pub fn estimate(interval: cliptune_statistics::Interval) -> cliptune_store::Estimate {
    let cliptune_statistics::Interval { value, low, high, method } = interval;
    cliptune_store::Estimate { value, low, high, method }
}
