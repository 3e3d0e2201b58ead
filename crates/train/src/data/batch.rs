//! The examples of one step, with the distinct images and texts that they need.

use std::collections::HashMap;
use std::sync::Arc;

use super::examples::{Example, TextRows};

/// Some examples, with the distinct images and texts that a step encodes for them.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// The rows in the image bank, without repetition.
    pub images: Vec<usize>,
    /// The rows in the text bank, without repetition.
    pub texts: Vec<usize>,
    /// The examples, with their rows numbered within `images` and `texts`.
    pub examples: Vec<Example>,
}

/// The texts of an example that a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// All candidates are needed.
    Candidates,
    /// Only the right text is needed.
    RightText,
}

impl Batch {
    /// Gathers the chosen examples into a batch.
    pub fn new(examples: &[Example], chosen: &[usize], needed: Needed) -> Self {
        let (mut images, mut texts) = (Rows::default(), Rows::default());
        let renumber = |&index: &usize| {
            let example = &examples[index];
            let (texts, label) = match needed {
                Needed::Candidates => (texts.positions(&example.texts), example.label),
                Needed::RightText => ([texts.position(example.right_text())].into(), 0),
            };
            Example {
                image: images.position(example.image),
                texts,
                label,
                group: example.group,
                truth: example.truth.clone(),
            }
        };
        let examples = chosen.iter().map(renumber).collect();
        Self { images: images.rows, texts: texts.rows, examples }
    }
}

/// Returns the rows of the distinct images of the chosen examples, in the order of [`Batch::images`].
pub fn distinct_images(examples: &[Example], chosen: &[usize]) -> Vec<usize> {
    let mut images = Rows::default();
    for example in chosen.iter().filter_map(|&row| examples.get(row)) {
        images.position(example.image);
    }
    images.rows
}

/// Distinct rows, in the order in which they were first requested.
#[derive(Default)]
struct Rows {
    rows: Vec<usize>,
    positions: HashMap<usize, usize>,
    /// The list that was requested last, and its positions. The classes of a dataset are one list for all examples.
    last: Option<(TextRows, TextRows)>,
}

impl Rows {
    fn position(&mut self, row: usize) -> usize {
        *self.positions.entry(row).or_insert_with(|| {
            self.rows.push(row);
            self.rows.len() - 1
        })
    }

    fn positions(&mut self, rows: &TextRows) -> TextRows {
        if let Some((last, positions)) = &self.last
            && Arc::ptr_eq(last, rows)
        {
            return Arc::clone(positions);
        }
        let positions: TextRows = rows.iter().map(|&row| self.position(row)).collect();
        self.last = Some((Arc::clone(rows), Arc::clone(&positions)));
        positions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(image: usize, texts: &[usize], label: usize) -> Example {
        Example::new(image, texts.to_vec(), label, image)
    }

    #[test]
    fn each_distinct_image_and_text_is_encoded_once() {
        let all = [example(7, &[1, 2], 0), example(9, &[2, 3], 1), example(7, &[3, 1], 1)];
        let batch = Batch::new(&all, &[0, 1, 2], Needed::Candidates);
        assert_eq!(
            (batch.images.as_slice(), batch.texts.as_slice()),
            ([7, 9].as_slice(), [1, 2, 3].as_slice())
        );
        let last = &batch.examples[2];
        assert_eq!((last.image, &*last.texts, last.label, last.group), (0, [2, 0].as_slice(), 1, 7));
        assert_eq!(distinct_images(&all, &[0, 1, 2]), batch.images);
    }

    #[test]
    fn a_contrastive_step_encodes_right_texts_alone() {
        let all = [example(7, &[1, 2], 1), example(9, &[4, 3], 0)];
        let batch = Batch::new(&all, &[0, 1], Needed::RightText);
        assert_eq!(batch.texts, [2, 4]);
        assert_eq!(*batch.examples[1].texts, [1]);
    }
}
