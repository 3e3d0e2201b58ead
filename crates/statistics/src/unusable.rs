//! Input that no number can be made of.

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// No items.
    #[error("there are no items to take statistics of")]
    Empty,
    /// Two lists that stand for the same items differ in length.
    #[error("{values} values do not belong to {items} items")]
    Lengths {
        /// Length of the list of values.
        values: usize,
        /// Items, by their groups.
        items: usize,
    },
    /// A value is NaN or infinite.
    #[error("a value is not a finite number")]
    NotFinite,
    /// More successes than trials.
    #[error("{successes} successes in {trials} trials")]
    Successes {
        /// Successes.
        successes: f64,
        /// Trials.
        trials: usize,
    },
}
