//! Captions, which are quips put together from fragments about what a picture shows.

use std::collections::BTreeSet;

use super::templates::{OF_THREE, OF_TWO};
use super::{Element, Voice};
use crate::scene::Scene;
use cliptune_random::Random;

/// A caption and the elements of the scene that it refers to.
#[derive(Clone, Debug)]
pub(crate) struct Caption {
    pub(crate) text: String,
    /// The two or three elements of the scene that the caption was written for.
    pub(crate) evokes: Vec<Element>,
}

/// The percentage of captions that refer to all three elements.
const OF_THREE_PERCENT: usize = 55;
/// The percentage of captions with typographic apostrophes.
const TYPOGRAPHIC_PERCENT: usize = 30;
/// The number of attempts to find a caption that is not taken yet.
const ATTEMPTS: usize = 1000;

/// Writes a caption for `scene` whose words, apostrophes aside, are not in `taken` yet. Returns `None` if it finds
/// none.
pub(crate) fn write(scene: Scene, random: &mut Random, taken: &mut BTreeSet<String>) -> Option<Caption> {
    for _ in 0..ATTEMPTS {
        let caption = think(scene, random);
        if taken.insert(caption.text.replace('’', "'")) {
            return Some(caption);
        }
    }
    None
}

fn think(scene: Scene, random: &mut Random) -> Caption {
    let mut elements = scene.elements().to_vec();
    random.shuffle(&mut elements);
    let templates = if random.chance(OF_THREE_PERCENT) {
        OF_THREE
    } else {
        elements.truncate(2);
        OF_TWO
    };
    let template = random.pick(templates);
    let text = sentence_case(&fill(template, &elements, random));
    let apostrophe = if random.chance(TYPOGRAPHIC_PERCENT) { '’' } else { '\'' };
    let text = text.replace(['’', '\''], &apostrophe.to_string());
    Caption { text, evokes: elements }
}

/// Puts one fragment of each element, in order, into the slots of `template`.
fn fill(template: &str, elements: &[Element], random: &mut Random) -> String {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, element) in parts.zip(elements) {
        let (slot, rest) = part.split_once('}').unwrap_or((part, ""));
        text.push_str(random.pick(fragments(&element.concept().voice, slot)));
        text.push_str(rest);
    }
    text
}

fn fragments(voice: &Voice, slot: &str) -> &'static [&'static str] {
    match slot {
        "s" => voice.says,
        "t" => voice.things,
        _ => voice.acts,
    }
}

/// Capitalizes the first letter of every sentence.
fn sentence_case(text: &str) -> String {
    let mut cased = String::with_capacity(text.len());
    let mut starts = true;
    for letter in text.chars() {
        if starts && letter.is_alphabetic() {
            cased.extend(letter.to_uppercase());
        } else {
            cased.push(letter);
        }
        starts = matches!(letter, '.' | '?' | '!') || (starts && !letter.is_alphabetic());
    }
    cased
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_start_with_a_capital() {
        assert_eq!(sentence_case("at least so. what now? — yes!"), "At least so. What now? — Yes!");
    }

    #[test]
    fn every_slot_of_every_template_is_filled() {
        for (templates, slots) in [(OF_TWO, 2), (OF_THREE, 3)] {
            for template in templates {
                let known = ["{s}", "{t}", "{a}"].map(|slot| template.matches(slot).count());
                assert_eq!(known.iter().sum::<usize>(), slots, "{template}");
                assert_eq!(template.matches(['{', '}']).count(), 2 * slots, "{template}");
            }
        }
    }
}
