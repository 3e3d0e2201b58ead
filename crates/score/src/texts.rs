//! Prepares texts as batches of the text tower's input.

use cliptune_clip::tokenizer::{Encoded, Layout, TokenBatch, Tokenizer, TokenizerError};

use crate::distinct::Distinct;

/// The number of texts in a batch. Every batch has this many: the last one is filled up with its last text.
pub(crate) const TEXT_BATCH: usize = 64;

/// Texts as the model reads them.
///
/// Texts with the same tokens are one text to the model, however they are spelled and whatever was cut off. Each is
/// encoded once, so that equal texts have vectors that are equal to the last bit, and a tie between them is recognised.
#[derive(Debug)]
pub struct Texts<'a> {
    /// One entry for each text in the order given, and one row for each distinct list of tokens.
    rows: Distinct,
    /// One text for each row.
    names: Vec<&'a str>,
    batches: TextBatches,
    cut: usize,
    spellings: usize,
}

impl<'a> Texts<'a> {
    /// Tokenises the texts.
    pub(crate) fn new(tokenizer: &Tokenizer, texts: &[&'a str]) -> Result<Self, TokenizerError> {
        let spellings = Distinct::new(texts);
        let distinct = || spellings.firsts.iter().map(|&first| texts[first]);
        let encoded = distinct().map(|text| tokenizer.encode(text)).collect::<Result<Vec<_>, _>>()?;
        let tokens = Distinct::new(encoded.iter().map(|text| &text.ids));
        let names = tokens.firsts.iter().map(|&first| texts[spellings.firsts[first]]).collect();
        let distinct_tokens = tokens.firsts.iter().map(|&first| encoded[first].clone()).collect();
        Ok(Self {
            names,
            batches: TextBatches::new(distinct_tokens, tokenizer.layout()),
            cut: encoded.iter().filter(|text| text.truncated).count(),
            spellings: encoded.len(),
            rows: spellings.then(&tokens),
        })
    }

    /// Returns which row each text has.
    pub fn rows(&self) -> &Distinct {
        &self.rows
    }

    /// Returns a text that has this row, for use in messages.
    pub(crate) fn name(&self, row: usize) -> &'a str {
        self.names[row]
    }

    /// Returns the rows in batches.
    pub(crate) fn batches(&self) -> &TextBatches {
        &self.batches
    }

    /// Returns the number of differently spelled texts, and how many of them are longer than the model's context.
    pub(crate) fn cut(&self) -> (usize, usize) {
        (self.cut, self.spellings)
    }
}

/// Texts in batches of similar length, so that there is little padding.
///
/// For a causal tower, a batch is only as wide as its longest text, not as wide as the context: what follows the end
/// token cannot reach the pooled row.
#[derive(Debug)]
pub(crate) struct TextBatches {
    /// The texts sorted by length and then by ids, so that the batch of a text does not depend on the order given.
    sorted: Vec<(usize, Encoded)>,
    layout: Layout,
}

impl TextBatches {
    fn new(texts: Vec<Encoded>, layout: Layout) -> Self {
        let mut sorted: Vec<(usize, Encoded)> = texts.into_iter().enumerate().collect();
        sorted.sort_by(|(_, a), (_, b)| (a.ids.len(), &a.ids).cmp(&(b.ids.len(), &b.ids)));
        Self { sorted, layout }
    }

    /// Returns the batches, each with the number of its rows that are texts rather than filling.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TokenBatch, usize)> {
        self.sorted.chunks(TEXT_BATCH).map(|chunk| {
            let filling = chunk.iter().rev().take(1).cycle();
            let texts: Vec<Encoded> =
                chunk.iter().chain(filling).take(TEXT_BATCH).map(|(_, encoded)| encoded.clone()).collect();
            (TokenBatch::new(&texts, self.layout), chunk.len())
        })
    }

    /// Returns, for each text in the order given, its position among all rows of the batches.
    pub(crate) fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.sorted.len()];
        self.sorted.iter().enumerate().for_each(|(place, (index, _))| places[*index] = place);
        places
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
        let words: Vec<String> =
            (0..70).rev().map(|i| format!("a {}", (i % 7).to_string().repeat(i % 5))).collect();
        let encoded = words.iter().map(|text| tokenizer().encode(text).unwrap()).collect();
        let batches = TextBatches::new(encoded, tokenizer().layout());
        let shapes: Vec<(usize, usize)> = batches.iter().map(|(batch, texts)| (batch.rows, texts)).collect();
        assert_eq!(shapes, [(64, 64), (64, 6)]);
        let (first, _) = batches.iter().next().unwrap();
        assert_eq!(first.ids[2], tokenizer().end_id(), "the shortest text comes first");
        assert_eq!(batches.places()[4], 0, "the first of the shortest: i = 65");
    }

    #[test]
    fn long_texts_are_counted() {
        let texts = ["a a a a a a a a a", "a", "a a a a a a a a a"];
        let tokenizer = tokenizer();
        let texts = Texts::new(&tokenizer, &texts).unwrap();
        assert_eq!((texts.cut(), &texts.rows().row_of), ((1, 2), &vec![0, 1, 0]));
        assert_eq!(texts.batches().places(), [1, 0]);
    }

    #[test]
    fn texts_of_the_same_tokens_are_one_text() {
        let tokenizer = tokenizer();
        // The tokenizer ignores upper case and spaces, and the ends of the long texts are cut off.
        let spelled =
            ["a cat", "A  CAT ", "a mat a mat a mat on a mat", "a mat a mat a mat on a cat", "cat a"];
        let texts = Texts::new(&tokenizer, &spelled).unwrap();
        assert_eq!(texts.rows().row_of, [0, 0, 1, 1, 2]);
        assert_eq!(
            (0..3).map(|row| texts.name(row)).collect::<Vec<_>>(),
            [spelled[0], spelled[2], spelled[4]]
        );
    }
}
