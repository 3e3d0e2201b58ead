//! Prepares texts as batches of the text tower's input.

use cliptune_clip::tokenizer::{Encoded, Layout, TokenBatch, Tokenizer, TokenizerError};

use cliptune_experiment::Templates;

use crate::distinct::Distinct;
use crate::matrix::{Matrix, NoDirection};

/// The number of texts in a batch. Every batch has this many: the last one is filled up with its last text.
pub(crate) const TEXT_BATCH: usize = 64;

/// Texts as the model reads them: as one prompt for each template.
///
/// Texts whose prompts have the same tokens are one text to the model, however they are spelled and whatever was cut
/// off. Each is encoded once, so that equal texts have vectors that are equal to the last bit, and a tie between them is
/// recognised.
#[derive(Debug)]
pub struct Texts<'a> {
    /// One entry for each text in the order given, and one row for each distinct list of prompts.
    rows: Distinct,
    /// One text for each row.
    names: Vec<&'a str>,
    /// The prompts of all rows, row by row.
    batches: TextBatches,
    /// The number of prompts of a text.
    templates: usize,
    cut: usize,
    spellings: usize,
}

impl<'a> Texts<'a> {
    /// Tokenises the texts.
    pub(crate) fn new(
        tokenizer: &Tokenizer,
        texts: &[&'a str],
        templates: &Templates,
    ) -> Result<Self, TokenizerError> {
        let spellings = Distinct::new(texts);
        let encode = |&first: &usize| {
            let prompts = templates.prompts(texts[first]);
            prompts.map(|prompt| tokenizer.encode(&prompt)).collect::<Result<Vec<_>, _>>()
        };
        let encoded = spellings.firsts.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let ids =
            |prompts: &Vec<Encoded>| prompts.iter().map(|prompt| prompt.ids.clone()).collect::<Vec<_>>();
        let tokens = Distinct::new(encoded.iter().map(ids));
        let names = tokens.firsts.iter().map(|&first| texts[spellings.firsts[first]]).collect();
        let prompts = tokens.firsts.iter().flat_map(|&first| encoded[first].clone()).collect();
        Ok(Self {
            names,
            batches: TextBatches::new(prompts, tokenizer.layout()),
            templates: templates.count(),
            cut: encoded.iter().filter(|text| text.iter().any(|prompt| prompt.truncated)).count(),
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

    /// Returns the prompts of all rows in batches.
    pub(crate) fn batches(&self) -> &TextBatches {
        &self.batches
    }

    /// Returns the unit vector of each row, from the embeddings of the batches' prompts in their order: the mean of the
    /// prompts' unit vectors, normalised again (Radford et al. 2021, section 3.1.4).
    ///
    /// # Errors
    /// Returns an error if a row, or a prompt of it, has no direction.
    pub(crate) fn unit_vectors(&self, encoded: &Matrix) -> Result<Matrix, NoDirection> {
        let mut prompts = encoded.select(&self.batches.places());
        prompts.normalise().map_err(|lost| lost.of_row(lost.row / self.templates))?;
        if self.templates == 1 {
            return Ok(prompts);
        }
        let mut means = prompts.means(self.templates);
        means.normalise()?;
        Ok(means)
    }

    /// Returns how many differently spelled texts have a prompt that is longer than the model's context, and the number
    /// of differently spelled texts.
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
        let texts = Texts::new(&tokenizer, &texts, &Templates::plain()).unwrap();
        assert_eq!((texts.cut(), &texts.rows().row_of), ((1, 2), &vec![0, 1, 0]));
        assert_eq!(texts.batches().places(), [1, 0]);
    }

    #[test]
    fn texts_of_the_same_tokens_are_one_text() {
        let tokenizer = tokenizer();
        // The tokenizer ignores upper case and spaces, and the ends of the long texts are cut off.
        let spelled =
            ["a cat", "A  CAT ", "a mat a mat a mat on a mat", "a mat a mat a mat on a cat", "cat a"];
        let texts = Texts::new(&tokenizer, &spelled, &Templates::plain()).unwrap();
        assert_eq!(texts.rows().row_of, [0, 0, 1, 1, 2]);
        assert_eq!(
            (0..3).map(|row| texts.name(row)).collect::<Vec<_>>(),
            [spelled[0], spelled[2], spelled[4]]
        );
    }

    #[test]
    fn the_vector_of_a_text_is_the_mean_direction_of_its_prompts() {
        let tokenizer = tokenizer();
        let written = ["a {}", "a cat on {}"].map(|template| template.parse().unwrap());
        let templates = Templates::new(written.into()).unwrap();
        let texts = Texts::new(&tokenizer, &["mat", "cat", "Mat"], &templates).unwrap();
        assert_eq!(texts.rows().row_of, [0, 1, 0]);
        // The batches come by length: a mat, a cat, a cat on mat, a cat on cat, whatever their ids.
        let by_prompt = [[3.0, 0.0], [0.0, 0.5], [0.0, 2.0], [0.6, 0.8]];
        let mut encoded = vec![0.0; 8];
        for (place, vector) in texts.batches().places().into_iter().zip(by_prompt) {
            encoded[2 * place..2 * place + 2].copy_from_slice(&vector);
        }
        let vectors = texts.unit_vectors(&Matrix::new(4, encoded.clone())).unwrap();
        // numpy: m = (n([3, 0]) + n([0, .5])) / 2, m / norm(m); the same of [0, 2] and [.6, .8]; n = unit vector
        let half = std::f32::consts::FRAC_1_SQRT_2;
        let expected = [half, half, 0.316_227_8, 0.948_683_3];
        for (found, expected) in vectors.row(0).iter().chain(vectors.row(1)).zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{vectors:?}");
        }
        // A prompt without direction is that of its text.
        encoded[2 * texts.batches().places()[3]..][..2].fill(0.0);
        assert_eq!(texts.unit_vectors(&Matrix::new(4, encoded)).unwrap_err().row, 1);
    }
}
