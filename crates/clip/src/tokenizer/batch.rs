//! Lays texts out as rows of one length.

/// The ids of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The ids of the text's tokens with the start and end tokens: at most `context_length` ids, without padding.
    pub ids: Vec<i64>,
    /// Whether tokens were dropped to make the text fit.
    pub truncated: bool,
}

/// How a batch is made from texts of different lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The id that fills up short rows.
    pub padding: i64,
    /// The length of the rows.
    pub width: Width,
}

/// The length of the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Every row is as long as the longest text. In a causal text tower, the end token's row attends only to what comes
    /// before it, so padding after it cannot change the result, and a batch of captions takes a third of the work.
    Longest,
    /// Every row always has this length. Towers that are not causal, such as SigLIP's, attend to the padding and pool
    /// the last position.
    Fixed(usize),
}

/// The ids of several texts, padded to one length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBatch {
    /// The ids of all rows, row by row: `rows × columns`.
    pub ids: Vec<i64>,
    /// The number of texts.
    pub rows: usize,
    /// The length of the rows in tokens. It is 0 for an empty batch that is as wide as its longest text.
    pub columns: usize,
    /// The number of texts that were truncated.
    pub truncated: usize,
}

impl TokenBatch {
    /// Lays texts out as rows of one length, padded at the end.
    pub fn new(texts: &[Encoded], layout: Layout) -> Self {
        let rows = texts.len();
        let longest = texts.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        let columns = match layout.width {
            Width::Longest => longest,
            Width::Fixed(columns) => columns.max(longest),
        };
        let mut ids = Vec::with_capacity(rows * columns);
        for (row, text) in (1..).zip(texts) {
            ids.extend_from_slice(&text.ids);
            ids.resize(row * columns, layout.padding);
        }
        Self { ids, rows, columns, truncated: texts.iter().filter(|text| text.truncated).count() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> [Encoded; 2] {
        [Encoded { ids: vec![1, 2], truncated: false }, Encoded { ids: vec![1, 3, 2], truncated: true }]
    }

    #[test]
    fn a_causal_towers_batch_is_as_wide_as_its_longest_text() {
        let batch = TokenBatch::new(&texts(), Layout { padding: 0, width: Width::Longest });
        assert_eq!((batch.rows, batch.columns, batch.truncated), (2, 3, 1));
        assert_eq!(batch.ids, [1, 2, 0, 1, 3, 2]);
        let none = TokenBatch::new(&[], Layout { padding: 0, width: Width::Longest });
        assert_eq!((none.ids.len(), none.rows, none.columns), (0, 0, 0));
    }

    #[test]
    fn a_tower_that_pools_the_last_position_gets_every_position() {
        let batch = TokenBatch::new(&texts(), Layout { padding: 9, width: Width::Fixed(5) });
        assert_eq!((batch.rows, batch.columns), (2, 5));
        assert_eq!(batch.ids, [1, 2, 9, 9, 9, 1, 3, 2, 9, 9]);
    }
}
