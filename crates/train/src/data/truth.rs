//! Which texts are true of which images, as far as a split tells.
//!
//! A contrastive loss calls every other text of a batch wrong for an image. That is mistaken for a text that the split
//! gives as right for the same image, or for the group that the image belongs to, such as two captions of one cartoon
//! or a caption that two photographs share. Such a text is never a negative. Texts count as equal when the model sees
//! the same tokens, however they were written. Retrieval is scored by the same rule.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::examples::Example;

/// The texts that are true of an example's image. They are identified by their rows in the text bank, which do not
/// change when a batch numbers its texts anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// The example's right text.
    pub(super) text: usize,
    /// The right texts of all examples in the example's group, ascending.
    of_group: Arc<[usize]>,
    /// The right texts of all examples that show the example's image, ascending.
    of_image: Arc<[usize]>,
}

impl Truth {
    /// Creates a truth that knows only an example's own right text.
    pub(super) fn of(text: usize) -> Self {
        let known: Arc<[usize]> = Arc::new([text]);
        Self { text, of_group: Arc::clone(&known), of_image: known }
    }

    /// Checks whether a text is true of the example's image.
    pub(super) fn includes(&self, text: usize) -> bool {
        self.of_group.binary_search(&text).is_ok() || self.of_image.binary_search(&text).is_ok()
    }

    /// Returns all texts that are true of the example's image.
    pub fn texts(&self) -> BTreeSet<usize> {
        self.of_group.iter().chain(self.of_image.iter()).copied().collect()
    }

    /// Checks whether two examples have the same right text.
    pub fn is_equal(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Tells every example of a split what the others say about its image.
pub(super) fn relate(examples: &mut [Example]) {
    let of_groups = right_texts(examples, |example| example.group);
    let of_images = right_texts(examples, |example| example.image);
    for example in examples {
        example.truth = Truth {
            text: example.right_text(),
            of_group: Arc::clone(&of_groups[&example.group]),
            of_image: Arc::clone(&of_images[&example.image]),
        };
    }
}

/// Returns the distinct right texts of the examples with each key, ascending.
fn right_texts(examples: &[Example], key: fn(&Example) -> usize) -> HashMap<usize, Arc<[usize]>> {
    let mut texts: Vec<(usize, usize)> =
        examples.iter().map(|example| (key(example), example.right_text())).collect();
    texts.sort_unstable();
    texts.dedup();
    let of_key = |texts: &[(usize, usize)]| (texts[0].0, texts.iter().map(|(_, text)| *text).collect());
    texts.chunk_by(|a, b| a.0 == b.0).map(of_key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn related(examples: &[(usize, usize, usize)]) -> Vec<Example> {
        let example =
            |&(image, text, group): &(usize, usize, usize)| Example::new(image, vec![text], 0, group);
        let mut examples: Vec<Example> = examples.iter().map(example).collect();
        relate(&mut examples);
        examples
    }

    #[test]
    fn a_text_is_no_negative_of_an_image_that_it_is_true_of() {
        // (image, text, group): images 0 and 1 share text 7; image 0 has text 8 as well; image 2 has text 8 alone.
        let examples = related(&[(0, 7, 0), (1, 7, 1), (0, 8, 0), (2, 8, 2), (3, 9, 3)]);
        let accepted = |of: &Example| -> Vec<usize> {
            (0..examples.len()).filter(|&other| of.accepts(&examples[other])).collect()
        };
        assert_eq!(accepted(&examples[0]), [0, 1, 2, 3]);
        assert_eq!(accepted(&examples[1]), [0, 1]);
        assert_eq!(accepted(&examples[3]), [2, 3]);
        assert_eq!(accepted(&examples[4]), [4]);
    }

    #[test]
    fn an_image_that_two_groups_show_has_the_texts_of_both() {
        let examples = related(&[(0, 7, 0), (0, 8, 1), (1, 8, 2)]);
        assert_eq!(examples[0].truth.texts(), [7, 8].into());
        assert!(examples[0].accepts(&examples[2]));
        // No example says that text 7 is true of image 1.
        assert!(!examples[2].accepts(&examples[0]));
    }
}
