//! Texts as batches of the text tower's input.

use cliptune_clip::tokenizer::{Encoded, Layout, TokenBatch, Tokenizer, TokenizerError};

/// Texts in a batch. Every batch has this many: the last is filled up with its last text.
pub const TEXT_BATCH: usize = 64;

/// Texts in batches of similar length, so that little is padded.
///
/// For a causal tower a batch is as wide as its longest text, not as the context: what follows the end token cannot
/// reach the pooled row.
#[derive(Debug)]
pub struct TextBatches {
    /// The texts by length, then by ids: which batch a text is in does not depend on their order.
    sorted: Vec<(usize, Encoded)>,
    layout: Layout,
}

impl TextBatches {
    /// Tokenises the texts.
    pub fn new(tokenizer: &Tokenizer, texts: &[&str]) -> Result<Self, TokenizerError> {
        let encode = |(index, text): (usize, &&str)| Ok((index, tokenizer.encode(text)?));
        let mut sorted = texts.iter().enumerate().map(encode).collect::<Result<Vec<_>, TokenizerError>>()?;
        sorted.sort_by(|(_, a), (_, b)| (a.ids.len(), &a.ids).cmp(&(b.ids.len(), &b.ids)));
        Ok(Self { sorted, layout: tokenizer.layout() })
    }

    /// The batches, and how many of their rows are texts rather than filling.
    pub fn iter(&self) -> impl Iterator<Item = (TokenBatch, usize)> {
        self.sorted.chunks(TEXT_BATCH).map(|chunk| {
            let filling = chunk.iter().rev().take(1).cycle();
            let texts: Vec<Encoded> =
                chunk.iter().chain(filling).take(TEXT_BATCH).map(|(_, encoded)| encoded.clone()).collect();
            (TokenBatch::new(&texts, self.layout), chunk.len())
        })
    }

    /// For each text in the order given, its place among all rows of the batches.
    pub fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.sorted.len()];
        self.sorted.iter().enumerate().for_each(|(place, (index, _))| places[*index] = place);
        places
    }

    /// How many texts are longer than the model's context.
    pub fn truncated(&self) -> usize {
        self.sorted.iter().filter(|(_, encoded)| encoded.truncated).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::train(&["a cat on a mat"], 530, 8).unwrap()
    }

    #[test]
    fn batches_are_full_sorted_by_length_and_trimmed() {
        let words: Vec<String> = (0..70).map(|i| "a ".repeat(i % 5 + 1)).collect();
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        let batches = TextBatches::new(&tokenizer(), &texts).unwrap();
        let shapes: Vec<(usize, usize, usize)> =
            batches.iter().map(|(batch, texts)| (batch.rows, batch.columns, texts)).collect();
        assert_eq!(shapes, [(64, 7, 64), (64, 7, 6)]);
        let (first, _) = batches.iter().next().unwrap();
        assert_eq!(first.ids[2], tokenizer().end_id(), "the shortest text comes first");
        assert_eq!(batches.places()[0], 0);
        assert_eq!(batches.truncated(), 0);
    }

    #[test]
    fn long_texts_are_counted() {
        let batches = TextBatches::new(&tokenizer(), &["a a a a a a a a a", "a"]).unwrap();
        assert_eq!((batches.truncated(), batches.places()), (1, vec![1, 0]));
    }
}
