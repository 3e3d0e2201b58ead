//! Prepares texts as batches of the text tower's input.

use cliptune_clip::tokenizer::{Encoded, Layout, TokenBatch, Tokenizer, TokenizerError, Width};
use cliptune_experiment::Templates;

use crate::batch::Batch;
use crate::distinct::Distinct;
use crate::matrix::{Matrix, NoDirection};

/// The most tokens in a batch: see [`Batch`].
const TOKENS: usize = 512;

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
    prompts: Vec<Encoded>,
    layout: Layout,
    /// The number of prompts of a text.
    templates: usize,
    cut: usize,
    /// The first text of which a prompt was cut.
    first_cut: Option<&'a str>,
    spellings: usize,
}

impl<'a> Texts<'a> {
    /// Tokenises the texts.
    pub fn new(
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
        let is_cut = |prompts: &Vec<Encoded>| prompts.iter().any(|prompt| prompt.truncated);
        let ids =
            |prompts: &Vec<Encoded>| prompts.iter().map(|prompt| prompt.ids.clone()).collect::<Vec<_>>();
        let tokens = Distinct::new(encoded.iter().map(ids));
        let names = tokens.firsts.iter().map(|&first| texts[spellings.firsts[first]]).collect();
        let prompts = tokens.firsts.iter().flat_map(|&first| encoded[first].clone()).collect();
        Ok(Self {
            names,
            prompts,
            layout: tokenizer.layout(),
            templates: templates.count(),
            cut: encoded.iter().filter(|text| is_cut(text)).count(),
            first_cut: encoded.iter().position(is_cut).map(|first| texts[spellings.firsts[first]]),
            spellings: encoded.len(),
            rows: spellings.then(&tokens),
        })
    }

    /// Returns which row each text has.
    pub fn rows(&self) -> &Distinct {
        &self.rows
    }

    /// Returns a text that has this row, for use in messages.
    pub fn name(&self, row: usize) -> &'a str {
        self.names[row]
    }

    /// Returns the ids of the prompts of all rows, row by row.
    pub fn prompts(&self) -> &[Encoded] {
        &self.prompts
    }

    /// Returns prompts, by their numbers, in batches.
    pub fn batches(&self, prompts: &[usize]) -> TextBatches<'_> {
        TextBatches::new(prompts.iter().map(|&prompt| &self.prompts[prompt]), self.layout)
    }

    /// Returns all prompts in batches.
    pub fn all_batches(&self) -> TextBatches<'_> {
        TextBatches::new(&self.prompts, self.layout)
    }

    /// Returns the unit vector of each row, from the embeddings of all prompts: the mean of the prompts' unit vectors,
    /// normalised again (Radford et al. 2021, section 3.1.4).
    ///
    /// # Errors
    /// Returns an error if a row, or a prompt of it, has no direction.
    pub fn unit_vectors(&self, mut prompts: Matrix) -> Result<Matrix, NoDirection> {
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
    pub fn cut(&self) -> (usize, usize) {
        (self.cut, self.spellings)
    }

    /// Returns the first text that has a prompt which is longer than the model's context, if there is one.
    pub fn first_cut(&self) -> Option<&'a str> {
        self.first_cut
    }
}

/// Texts in batches of the same length, without any padding.
///
/// What follows the end token cannot reach the pooled row of a causal tower, so a text need not be as long as the context,
/// nor as the longest of its batch. (A tower that sees its padding has it: there, all texts have one length.)
#[derive(Debug)]
pub struct TextBatches<'a> {
    /// The texts, the longest first, so that the last batches are small ones that nobody waits for.
    sorted: Vec<(usize, &'a Encoded)>,
    layout: Layout,
}

impl<'a> TextBatches<'a> {
    fn new(texts: impl IntoIterator<Item = &'a Encoded>, layout: Layout) -> Self {
        let mut sorted: Vec<(usize, &Encoded)> = texts.into_iter().enumerate().collect();
        sorted.sort_by_key(|(_, text)| std::cmp::Reverse(text.ids.len()));
        Self { sorted, layout }
    }

    /// Returns the batches.
    pub fn get(&self) -> Vec<Batch> {
        let length = |text: &Encoded| match self.layout.width {
            Width::Longest => text.ids.len(),
            Width::Fixed(columns) => columns.max(text.ids.len()),
        };
        let equal = self.sorted.chunk_by(|(_, a), (_, b)| length(a) == length(b));
        let batches = equal.flat_map(|texts| {
            let largest = (TOKENS / length(texts[0].1).max(1)).max(1);
            texts.chunks(texts.len().div_ceil(texts.len().div_ceil(largest)))
        });
        batches
            .map(|texts| {
                let texts: Vec<Encoded> = texts.iter().map(|(_, text)| (*text).clone()).collect();
                Batch::of_texts(TokenBatch::new(&texts, self.layout))
            })
            .collect()
    }

    /// Returns, for each text in the order given, its position among all rows of the batches.
    pub fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.sorted.len()];
        self.sorted.iter().enumerate().for_each(|(place, (index, _))| places[*index] = place);
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Input;

    fn tokenizer() -> Tokenizer {
        Tokenizer::train(&["a cat on a mat"], 530, 8).unwrap()
    }

    #[test]
    fn texts_of_a_batch_are_equally_long_and_no_batch_is_large() {
        let long = |i: usize| format!("a {}", "7".repeat(i % 5));
        let encoded: Vec<Encoded> = (0..900).map(|i| tokenizer().encode(&long(i)).unwrap()).collect();
        let batches = TextBatches::new(&encoded, tokenizer().layout());
        let (made, places) = (batches.get(), batches.places());
        let ids: Vec<i64> = made
            .iter()
            .flat_map(|batch| match batch.input() {
                Input::Ids([rows, columns], ids) => {
                    assert!(rows * columns <= TOKENS, "{rows} of {columns}");
                    assert!(ids.chunks(columns).all(|text| text.last() == Some(&tokenizer().end_id())));
                    ids.to_vec()
                }
                Input::Pixels(..) => panic!("a text is no image"),
            })
            .collect();
        let mut starts = vec![0];
        let mut in_order = vec![0; 900];
        places.iter().enumerate().for_each(|(text, &place)| in_order[place] = text);
        in_order.iter().for_each(|&text| starts.push(starts.last().unwrap() + encoded[text].ids.len()));
        for (text, &place) in places.iter().enumerate() {
            assert_eq!(ids[starts[place]..starts[place + 1]], encoded[text].ids);
        }
        assert_eq!(made.iter().map(Batch::rows).sum::<usize>(), 900);
    }

    #[test]
    fn a_tower_that_sees_its_padding_has_it() {
        let layout = Layout { padding: 9, width: Width::Fixed(64) };
        let text = |ids: &[i64]| Encoded { ids: ids.to_vec(), truncated: false };
        let texts: Vec<Encoded> = (0..20).map(|i| text(&vec![1; 1 + i % 3])).collect();
        let batches = TextBatches::new(&texts, layout).get();
        let shapes: Vec<_> = batches
            .iter()
            .map(|batch| match batch.input() {
                Input::Ids(shape, _) => shape,
                Input::Pixels(..) => panic!("a text is no image"),
            })
            .collect();
        assert_eq!(shapes, [[7, 64], [7, 64], [6, 64]]);
    }

    #[test]
    fn long_texts_are_counted() {
        let texts = ["a a a a a a a a a", "a", "a a a a a a a a a"];
        let tokenizer = tokenizer();
        let texts = Texts::new(&tokenizer, &texts, &Templates::plain()).unwrap();
        assert!(texts.first_cut().is_some());
        assert_eq!((texts.cut(), &texts.rows().row_of), ((1, 2), &vec![0, 1, 0]));
        assert_eq!(texts.all_batches().places(), [0, 1], "the longest is first");
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
        let mut encoded = [3.0, 0.0, 0.0, 0.5, 0.0, 2.0, 0.6, 0.8];
        let vectors = texts.unit_vectors(Matrix::new(4, encoded.to_vec())).unwrap();
        // numpy: m = (n([3, 0]) + n([0, .5])) / 2, m / norm(m); the same of [0, 2] and [.6, .8]; n = unit vector
        let half = std::f32::consts::FRAC_1_SQRT_2;
        let expected = [half, half, 0.316_227_8, 0.948_683_3];
        for (found, expected) in vectors.row(0).iter().chain(vectors.row(1)).zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{vectors:?}");
        }
        // A prompt without direction is that of its text.
        encoded[6..].fill(0.0);
        assert_eq!(texts.unit_vectors(Matrix::new(4, encoded.to_vec())).unwrap_err().row, 1);
    }
}
