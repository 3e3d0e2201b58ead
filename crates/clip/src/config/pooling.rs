//! Which row of a text is pooled.

/// Which row of the text sequence is pooled, and with that what a row may look at.
///
/// transformers' `CLIPTextModel` takes the highest id when the configured `eos_token_id` is 2 (a value that old
/// configurations carry although their tokenizer's end is 49407), and the first row with that id otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPooling {
    /// The row with the highest id (OpenAI, open_clip, legacy transformers). Rows look at earlier rows alone.
    HighestId,
    /// The first row with this id. Rows look at earlier rows alone.
    First(i64),
    /// The last position, be it padding (SigLIP). Every row looks at every row, so that texts have to be as long as
    /// those of training were.
    Last,
}

/// The `eos_token_id` that stands for [`TextPooling::HighestId`].
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

    /// Whether a row looks at itself and earlier rows alone. Then what follows the pooled row changes nothing.
    pub fn is_causal(self) -> bool {
        self != Self::Last
    }

    /// The rule's name in metadata: `highest_id`, `first:<id>` or `last`.
    pub fn name(self) -> String {
        match self {
            Self::HighestId => "highest_id".to_owned(),
            Self::First(id) => format!("first:{id}"),
            Self::Last => "last".to_owned(),
        }
    }

    /// The row of one text that is pooled. `ids` is not empty. Without an end-of-text id the first row is
    /// pooled, as an arg-max over an all-false comparison does in the references.
    pub fn row(self, ids: &[i64]) -> usize {
        match self {
            // The first of the highest, as torch.argmax and ONNX ArgMax have it.
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
