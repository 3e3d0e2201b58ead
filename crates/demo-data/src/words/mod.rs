//! The vocabulary for what a picture shows.

pub(crate) mod captions;
mod characters;
pub(crate) mod descriptions;
mod props;
mod settings;
mod templates;

use crate::characters::Character;
use crate::props::Prop;
use crate::scene::Scene;
use crate::settings::Setting;

/// One of the three things that a picture shows and that a caption may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    Character(Character),
    Setting(Setting),
    Prop(Prop),
}

/// The words that belong to one element and to no other.
#[derive(Debug)]
pub(crate) struct Concept {
    /// The names that descriptions use: "a snail", or for a setting, with its preposition: "on the moon".
    pub(crate) names: [&'static str; 2],
    /// The words of the names that no caption may give away.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the promise is kept by the tables and checked by the tests")
    )]
    pub(crate) literal: &'static [&'static str],
    /// The title of the concept's article in an encyclopedia.
    pub(crate) article: &'static str,
    pub(crate) voice: Voice,
}

/// Fragments of captions. Each contains a word that no other concept uses, so that a model can learn which words hint
/// at which concept.
#[derive(Debug)]
pub(crate) struct Voice {
    /// Whole statements: "I left home in March".
    pub(crate) says: &'static [&'static str],
    /// Noun phrases: "life in the slow lane".
    pub(crate) things: &'static [&'static str],
    /// Infinitives without "to": "inch forward".
    pub(crate) acts: &'static [&'static str],
}

impl Element {
    pub(crate) fn concept(self) -> &'static Concept {
        match self {
            Self::Character(character) => characters::concept(character),
            Self::Setting(setting) => settings::concept(setting),
            Self::Prop(prop) => props::concept(prop),
        }
    }
}

impl Scene {
    pub(crate) fn elements(self) -> [Element; 3] {
        [Element::Character(self.character), Element::Setting(self.setting), Element::Prop(self.prop)]
    }

    pub(crate) fn shows(self, element: Element) -> bool {
        self.elements().contains(&element)
    }
}

#[cfg(test)]
mod tests;
