//! Tests of the vocabulary as a whole.

use std::collections::{BTreeMap, BTreeSet};

use super::captions::write;
use super::*;
use cliptune_random::Random;

fn all_elements() -> Vec<Element> {
    let characters = Character::ALL.map(Element::Character);
    let settings = Setting::ALL.map(Element::Setting);
    characters.into_iter().chain(settings).chain(Prop::ALL.map(Element::Prop)).collect()
}

fn fragments(element: Element) -> Vec<&'static str> {
    let voice = &element.concept().voice;
    [voice.says, voice.things, voice.acts].concat()
}

fn words(text: &str) -> BTreeSet<String> {
    let letters = text.to_lowercase().replace('\'', "’");
    letters
        .split(|c: char| !c.is_alphanumeric() && c != '’')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_concept_owns_nine_fragments_or_more() {
    for element in all_elements() {
        let voice = &element.concept().voice;
        assert!(voice.says.len() >= 3 && voice.things.len() >= 3 && voice.acts.len() >= 3, "{element:?}");
    }
}

#[test]
fn every_fragment_holds_a_word_that_no_other_concept_and_no_template_uses() {
    let mut users: BTreeMap<String, Vec<Option<Element>>> = BTreeMap::new();
    for element in all_elements() {
        let own = words(&fragments(element).join(" "));
        own.into_iter().for_each(|word| users.entry(word).or_default().push(Some(element)));
    }
    for word in words(&[templates::OF_TWO, templates::OF_THREE].concat().join(" ")) {
        users.entry(word).or_default().push(None);
    }
    let common = |element: Element| {
        let particular =
            |fragment: &str| words(fragment).iter().any(|word| word.len() >= 3 && users[word].len() == 1);
        fragments(element).into_iter().filter(move |fragment| !particular(fragment))
    };
    let common = all_elements().into_iter().flat_map(common).collect::<Vec<_>>();
    assert!(common.is_empty(), "nothing particular in {common:?}");
}

#[test]
fn no_fragment_gives_away_a_literal_word_of_any_concept() {
    let literal =
        all_elements().into_iter().flat_map(|element| element.concept().literal).collect::<Vec<_>>();
    for element in all_elements() {
        for fragment in fragments(element) {
            let given = words(fragment);
            for word in &literal {
                let plural = format!("{word}s");
                assert!(!given.contains(**word) && !given.contains(&plural), "{fragment:?} says {word:?}");
            }
        }
    }
}

#[test]
fn names_are_made_of_literal_words() {
    for element in all_elements() {
        let concept = element.concept();
        for name in concept.names {
            assert!(concept.literal.iter().any(|word| name.contains(word)), "{name:?} is not literal");
        }
    }
}

#[test]
fn captions_hang_on_two_or_three_elements_and_read_like_sentences() {
    let scene = Scene { character: Character::Snail, setting: Setting::Office, prop: Prop::Anchor };
    let (mut random, mut taken) = (Random::at(5, &[]), BTreeSet::new());
    for _ in 0..300 {
        let caption = write(scene, &mut random, &mut taken).unwrap();
        assert!((2..=3).contains(&caption.evokes.len()));
        assert!(caption.evokes.iter().all(|&element| scene.shows(element)));
        let text = &caption.text;
        assert!(text.starts_with(char::is_uppercase) && text.ends_with(['.', '?', '!']), "{text}");
        assert!(!text.contains(['{', '}', '"']) && !text.contains("  "), "{text}");
        assert!((4..=32).contains(&text.split_whitespace().count()), "{text}");
    }
    assert_eq!(taken.len(), 300);
}
