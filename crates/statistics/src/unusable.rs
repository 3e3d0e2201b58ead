//! Errors for input from which no statistic can be computed.

/// The reason why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// There are no items.
    #[error("there are no items to take statistics of")]
    Empty,
    /// Two lists that should describe the same items differ in length.
    #[error("{values} values do not belong to {items} items")]
    Lengths {
        /// The length of the list of values.
        values: usize,
        /// The number of items, which is the length of the list of groups.
        items: usize,
    },
    /// A value is NaN or infinite.
    #[error("a value is not a finite number")]
    NotFinite,
    /// The weight of an item is no positive number.
    #[error("a weight is not a positive number")]
    Weight,
    /// There are more successes than trials.
    #[error("{successes} successes in {trials} trials")]
    Successes {
        /// The number of successes.
        successes: f64,
        /// The number of trials.
        trials: f64,
    },
}
