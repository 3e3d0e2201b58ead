//! Defines which row of a text is pooled.

/// The rule for which row of the text sequence is pooled, which also decides what each row may attend to.
///
/// transformers' `CLIPTextModel` pools the row with the highest id when the configured `eos_token_id` is 2 (a value
/// that old configurations carry although their tokenizer's end token is 49407), and the first row with that id
/// otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPooling {
    /// The row with the highest id (OpenAI, open_clip, legacy transformers). Each row attends only to itself and
    /// earlier rows.
    HighestId,
    /// The first row with this id. Each row attends only to itself and earlier rows.
    First(i64),
    /// The last position, even if it is padding (SigLIP). Every row attends to every row, so texts have to be padded to
    /// the same length as in training.
    Last,
}

/// The `eos_token_id` that means [`TextPooling::HighestId`].
const LEGACY_EOS: i64 = 2;

impl TextPooling {
    pub(crate) fn from_eos_token_id(id: i64) -> Self {
        if id == LEGACY_EOS { Self::HighestId } else { Self::First(id) }
    }

    pub(super) fn eos_token_id(self) -> i64 {
        match self {
            Self::First(id) => id,
            Self::HighestId | Self::Last => LEGACY_EOS,
        }
    }

    /// Checks whether each row attends only to itself and earlier rows. If so, the tokens after the pooled row have no
    /// effect on it.
    pub fn is_causal(self) -> bool {
        self != Self::Last
    }

    /// Returns the name of the rule in metadata: `highest_id`, `first:<id>` or `last`.
    pub fn name(self) -> String {
        match self {
            Self::HighestId => "highest_id".to_owned(),
            Self::First(id) => format!("first:{id}"),
            Self::Last => "last".to_owned(),
        }
    }

    /// Returns the index of the row that is pooled in one text. `ids` must not be empty. If the end-of-text id is
    /// missing, the first row is pooled, as an arg-max over an all-false comparison does in the references.
    pub fn row(self, ids: &[i64]) -> usize {
        match self {
            // The first of several highest ids wins, as with torch.argmax and ONNX ArgMax.
            Self::HighestId => (0..ids.len()).rev().max_by_key(|&row| ids[row]).unwrap_or(0),
            Self::First(end) => ids.iter().position(|&id| id == end).unwrap_or(0),
            Self::Last => ids.len().saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_highest_ids_is_pooled() {
        assert_eq!(TextPooling::HighestId.row(&[8, 3, 9, 9, 0]), 2);
    }

    #[test]
    fn the_first_end_is_pooled_even_when_padding_repeats_it() {
        assert_eq!(TextPooling::First(7).row(&[6, 9, 7, 7]), 2);
    }

    #[test]
    fn the_last_position_is_pooled_even_when_it_is_padding() {
        assert_eq!(TextPooling::Last.row(&[6, 1, 0, 0]), 3);
    }
}
