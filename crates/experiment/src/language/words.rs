//! Choices between words, each of which is defined once.
//!
//! [`words!`] defines an enum whose values are words, and [`variants!`] one whose values have options of their own,
//! which stand beside the word: `decay: constant-with-cooldown` and `cooldown: 0.25`. [`either!`] defines an enum with
//! one key for each way to say the same thing, such as `every_steps` and `every_minutes`. Each word is written once;
//! the records, the reader, the schema and the messages all take it from there.

use super::Context;
use super::options::FromValue;
use crate::defaults::{default, fill};
use crate::origins::Origins;
use crate::shape::{Key, OnlyWith, Shape, Words};
use crate::suggest::alternatives;
use crate::yaml::{Entry, Node};

/// An enum that is written as one of a few words.
pub(crate) trait Vocabulary {
    /// Each word and its meaning.
    const WORDS: &'static [(&'static str, &'static str)];
    /// Words that are planned but have no meaning yet.
    const PLANNED: &'static [&'static str];

    /// Returns the word of the value.
    fn word(&self) -> &'static str;
}

/// Returns the shape of a vocabulary.
pub(crate) const fn word<T: Vocabulary>() -> Shape {
    Shape::Word(words_of::<T>)
}

fn words_of<T: Vocabulary>() -> Words {
    Words { known: T::WORDS, planned: T::PLANNED }
}

/// Defines an enum whose values are words of the language.
macro_rules! words {
    (
        $(#[doc = $about:tt])+
        $visibility:vis enum $Name:ident {
            $($(#[doc = $doc:tt])+ $Variant:ident = $word:tt,)+
        }
        $(planned $planned:expr;)?
    ) => {
        $(#[doc = $about])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        $visibility enum $Name {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $Variant,)+
        }

        impl $crate::language::Vocabulary for $Name {
            const WORDS: &'static [(&'static str, &'static str)] = &[$(($word, concat!($($doc),+)),)+];
            const PLANNED: &'static [&'static str] = $crate::language::words::planned!($($planned)?);

            fn word(&self) -> &'static str {
                match self {
                    $(Self::$Variant => $word,)+
                }
            }
        }

        impl $crate::language::options::Shaped for $Name {
            const SHAPE: $crate::shape::Shape = $crate::language::words::word::<Self>();
        }

        impl $crate::yaml::FromNode for $Name {
            fn from_node(node: &$crate::yaml::Node) -> Option<Self> {
                match <String as $crate::yaml::FromNode>::from_node(node)?.as_str() {
                    $($word => Some(Self::$Variant),)+
                    _ => None,
                }
            }
        }
    };
}

/// Defines an enum whose values are words with options of their own. `under` names the key of the word.
macro_rules! variants {
    (
        $(#[doc = $about:tt])+
        $visibility:vis enum $Name:ident under $tag:tt {
            $(
                $(#[doc = $doc:tt])+
                $Variant:ident = $word:tt
                $({ $($(#[doc = $field_doc:tt])+ $field:ident: $Type:ty = $default:literal $(, $shape:expr)?;)+ })?,
            )+
        }
        $(planned $planned:expr;)?
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = $tag)]
        $visibility enum $Name {
            $(
                $(#[doc = $doc])+
                #[serde(rename = $word)]
                $Variant $({ $($(#[doc = $field_doc])+ $field: $Type,)+ })?,
            )+
        }

        impl $crate::language::Vocabulary for $Name {
            const WORDS: &'static [(&'static str, &'static str)] = &[$(($word, concat!($($doc),+)),)+];
            const PLANNED: &'static [&'static str] = $crate::language::words::planned!($($planned)?);

            fn word(&self) -> &'static str {
                match self {
                    $(Self::$Variant { .. } => $word,)+
                }
            }
        }

        impl $Name {
            /// The keys that belong to some of the words only.
            fn own_keys() -> Vec<$crate::shape::Key> {
                #[allow(unused_mut, reason = "words without options have no keys")]
                let mut keys = Vec::new();
                $($($(
                    $crate::language::words::add_key(&mut keys, $tag, ($word, $default), $crate::shape::Key {
                        name: stringify!($field),
                        about: concat!($($field_doc),+),
                        shape: $crate::language::options::shape!($Type $(, $shape)?),
                        presence: $crate::shape::Presence::Optional,
                        only_with: None,
                    });
                )+)?)+
                keys
            }
        }

        impl $crate::language::options::Shaped for $Name {
            const SHAPE: $crate::shape::Shape = $crate::language::words::word::<Self>();
        }

        impl $crate::language::options::OptionType for $Name {
            fn keys(key: $crate::shape::Key) -> Vec<$crate::shape::Key> {
                let word = $crate::shape::Key { name: $tag, ..key };
                std::iter::once(word).chain(Self::own_keys()).collect()
            }

            fn read(
                section: &$crate::yaml::Node,
                _: &str,
                context: &mut $crate::language::Context<'_>,
            ) -> Option<Self> {
                let word: String = section.read($tag)?;
                let keys = Self::own_keys();
                $crate::language::words::refuse_idle(section, &keys, &word, context);
                match word.as_str() {
                    $($word => Some(Self::$Variant {
                        $($($field: $crate::language::words::own(
                            section, &keys, (stringify!($field), $default), context,
                        )?,)+)?
                    }),)+
                    _ => None,
                }
            }
        }
    };
}

/// Defines an enum in which each value has a key of its own. A section holds at most one of these keys.
macro_rules! either {
    (
        $(#[doc = $about:tt])+
        $visibility:vis enum $Name:ident {
            $($(#[doc = $doc:tt])+ $Variant:ident($Type:ty) = $key:tt, $shape:expr;)+
        }
        absent $absent:expr;
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        $visibility enum $Name {
            $($(#[doc = $doc])+ #[serde(rename = $key)] $Variant($Type),)+
        }

        impl $Name {
            /// The keys, of which a section holds at most one.
            pub(crate) const KEYS: &'static [$crate::shape::Key] =
                &[$($crate::shape::Key::optional($key, $shape, concat!($($doc),+)),)+];
        }

        impl $crate::language::options::Shaped for $Name {
            const SHAPE: $crate::shape::Shape = $crate::shape::Shape::Map(Self::KEYS);
        }

        impl Default for $Name {
            fn default() -> Self {
                $absent
            }
        }

        impl $crate::language::options::OptionType for $Name {
            fn keys(_: $crate::shape::Key) -> Vec<$crate::shape::Key> {
                vec![$($crate::shape::Key::optional($key, $shape, concat!($($doc),+)),)+]
            }

            fn read(
                section: &$crate::yaml::Node,
                _: &str,
                context: &mut $crate::language::Context<'_>,
            ) -> Option<Self> {
                let entry = match $crate::language::words::only_one(section, Self::KEYS, context)? {
                    Some(entry) => entry,
                    None => return Some(Self::default()),
                };
                match entry.key.as_str() {
                    $($key => <$Type as $crate::yaml::FromNode>::from_node(&entry.value).map(Self::$Variant),)+
                    _ => None,
                }
            }
        }
    };
}

/// Returns the words that are planned but not supported yet. Most vocabularies have none.
macro_rules! planned {
    () => {
        &[]
    };
    ($planned:expr) => {
        $planned
    };
}

pub(crate) use {either, planned, variants, words};

/// Adds the key of a word's option. Words may share a key, each with its own default.
pub(crate) fn add_key(
    keys: &mut Vec<Key>,
    decider: &'static str,
    word: (&'static str, &'static str),
    key: Key,
) {
    match keys.iter_mut().find(|known| known.name == key.name).map(|known| &mut known.only_with) {
        Some(Some(only)) => only.words.push(word),
        _ => keys.push(Key { only_with: Some(OnlyWith { decider, words: vec![word] }), ..key }),
    }
}

/// Refuses options that belong to other words.
pub(crate) fn refuse_idle(section: &Node, keys: &[Key], word: &str, context: &mut Context<'_>) {
    for key in keys {
        if let Some(only) = &key.only_with
            && !only.words.iter().any(|(known, _)| *known == word)
        {
            context.only_with(section, key.name, only.decider, &only.phrase());
        }
    }
}

/// Reads an option of the chosen word, or its default.
pub(crate) fn own<T: FromValue>(
    section: &Node,
    keys: &[Key],
    (name, yaml): (&str, &str),
    context: &mut Context<'_>,
) -> Option<T> {
    if let Some(value) = section.get(name) {
        return T::from_value(value, context);
    }
    let mut value = default(yaml);
    fill(&mut value, keys.iter().find(|key| key.name == name)?.shape.keys(), &Origins::default());
    T::from_value(&value, context)
}

/// Returns whichever of the keys a section holds, if it holds any. An override takes precedence over other keys.
pub(crate) fn only_one<'a>(
    section: &'a Node,
    keys: &[Key],
    context: &mut Context<'_>,
) -> Option<Option<&'a Entry>> {
    let written: Vec<&Entry> = keys.iter().filter_map(|key| section.entry_of(key.name)).collect();
    match written.as_slice() {
        [] => Some(None),
        [one] => Some(Some(one)),
        [one, other, ..] => {
            let mut overriding =
                written.iter().copied().filter(|entry| context.sources.is_override(entry.key_span));
            match (overriding.next(), overriding.next()) {
                (Some(entry), None) => Some(Some(entry)),
                _ => context.exclude(other, one),
            }
        }
    }
}

impl OnlyWith {
    /// Returns the settings that give the key a meaning: `` `tune: locked-image` or `tune: locked-text` ``.
    pub(crate) fn phrase(&self) -> String {
        let settings: Vec<String> =
            self.words.iter().map(|(word, _)| format!("{}: {word}", self.decider)).collect();
        alternatives(settings.iter().map(String::as_str))
    }

    /// Returns what the key means when it is left out: "1", or "0.1 with `adamw`, 0 with `sgd`".
    pub(crate) fn default(&self) -> String {
        match self.words.as_slice() {
            [] => String::new(),
            [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => format!("`{first}`"),
            words => {
                let each: Vec<String> =
                    words.iter().map(|(word, yaml)| format!("`{yaml}` with `{word}`")).collect();
                each.join(", ")
            }
        }
    }
}
