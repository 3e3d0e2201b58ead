//! What can be said about what is in a picture.

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

/// One of the three things a picture shows, and a caption may hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    Character(Character),
    Setting(Setting),
    Prop(Prop),
}

/// The words that belong to one element and to no other.
#[derive(Debug)]
pub(crate) struct Concept {
    /// How the description's authors put it: "a snail"; for a setting with its preposition: "on the moon".
    pub(crate) names: [&'static str; 2],
    /// The words of its names that no caption may give away.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the promise is kept by the tables and checked by the tests")
    )]
    pub(crate) literal: &'static [&'static str],
    /// Title of its article in an encyclopedia.
    pub(crate) article: &'static str,
    pub(crate) voice: Voice,
}

/// Fragments of captions. Each holds a word that no other concept uses, so that it can be learned what hints
/// at what.
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
