//! The description of the language: one table that is used to check files, suggest corrections, fill in defaults and
//! generate the JSON schema.

use std::ops::Bound;

use crate::suggest::alternatives;
use crate::usual::Usual;

/// The values that a key may have.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A text. The phrase tells what kind of text it is.
    Text(&'static str),
    /// One of a few words.
    Word(fn() -> Words),
    /// A whole number between two bounds, both included.
    Whole { min: i64, max: i64 },
    /// A finite number within bounds.
    Number { low: Bound<f64>, high: Bound<f64> },
    /// A value that is true or false.
    Boolean,
    /// A list whose length is between two bounds, both included. If it is `unique`, it may not contain a value twice.
    List { of: &'static Self, min: usize, max: usize, unique: bool },
    /// A map with known keys.
    Map(&'static [Key]),
    /// A map whose keys come from the definition of its options.
    Section(fn() -> &'static [Key]),
    /// One of several shapes. The first one of the value's own kind applies.
    Either(&'static [Self]),
    /// Dotted keys of the language, each with a list of values.
    Matrix,
}

/// A key of a map.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// The meaning of the key, as a doc comment or as a fragment of a sentence without a full stop.
    pub(crate) about: &'static str,
    pub(crate) shape: Shape,
    pub(crate) presence: Presence,
    /// The words of another key that give this one a meaning. When absent, the key always has one.
    pub(crate) only_with: Option<OnlyWith>,
}

/// The words that a key belongs to, and the key that holds them.
#[derive(Debug)]
pub(crate) struct OnlyWith {
    /// The key that holds one of the words.
    pub(crate) decider: &'static str,
    /// Each word, and the YAML that the key defaults to with that word.
    pub(crate) words: Vec<(&'static str, &'static str)>,
}

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The key must be there.
    Required,
    /// The key may be missing, with a meaning of its own.
    Optional,
    /// The key may be missing, too. It says where something lies, which is no option of how it is treated.
    Place,
    /// The key may be missing and then has this YAML as its value.
    Default(&'static str),
    /// The key may be missing and then has the value that is usual for such a training.
    Usual(&'static Usual),
}

/// The words of a choice.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// Each word and its meaning.
    pub(crate) known: &'static [(&'static str, &'static str)],
    /// Words that are planned but have no meaning yet.
    pub(crate) planned: &'static [&'static str],
}

impl Key {
    pub(crate) const fn required(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, about, shape, presence: Presence::Required, only_with: None }
    }

    pub(crate) const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, about, shape, presence: Presence::Optional, only_with: None }
    }

    pub(crate) const fn place(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, about, shape, presence: Presence::Place, only_with: None }
    }

    pub(crate) const fn with_default(
        name: &'static str,
        shape: Shape,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, about, shape, presence: Presence::Default(default), only_with: None }
    }
}

/// Returns the meaning of a key or a word as a sentence.
pub(crate) fn sentence(about: &str) -> String {
    let about = about.trim();
    let mut characters = about.chars();
    let Some(first) = characters.next() else { return String::new() };
    let stop = if about.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), characters.as_str())
}

/// Returns the meaning of a key as a fragment of a sentence.
pub(crate) fn fragment(about: &str) -> String {
    let about = about.trim();
    let about = about.strip_suffix('.').unwrap_or(about);
    let mut characters = about.chars();
    match (characters.next(), about.chars().nth(1)) {
        // Names keep their capitals.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{}", first.to_lowercase(), characters.as_str())
        }
        _ => about.to_owned(),
    }
}

impl Words {
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.known.iter().map(|(name, _)| *name)
    }
}

impl Shape {
    /// Returns the shape of a number above 0 and at most `max`.
    pub(crate) const fn positive(max: f64) -> Self {
        Self::Number { low: Bound::Excluded(0.0), high: Bound::Included(max) }
    }

    /// Returns the shape of a number from `min` to `max`, both included.
    pub(crate) const fn between(min: f64, max: f64) -> Self {
        Self::Number { low: Bound::Included(min), high: Bound::Included(max) }
    }

    /// Returns the shape of a number between `low` and `high`, neither of them included.
    pub(crate) const fn inside(low: f64, high: f64) -> Self {
        Self::Number { low: Bound::Excluded(low), high: Bound::Excluded(high) }
    }

    /// Returns the shape of a number that is at least 0 and below 1.
    pub(crate) const fn below_one() -> Self {
        Self::Number { low: Bound::Included(0.0), high: Bound::Excluded(1.0) }
    }

    /// Returns the shape of a list of at least `min` different values.
    pub(crate) const fn set(of: &'static Self, min: usize) -> Self {
        Self::List { of, min, max: usize::MAX, unique: true }
    }

    /// Returns the shape of a list of exactly two values, which may be equal.
    pub(crate) const fn pair(of: &'static Self) -> Self {
        Self::List { of, min: 2, max: 2, unique: false }
    }

    /// Returns the keys of a map. With [`Shape::Either`], these are the keys of the map among its shapes.
    pub(crate) fn keys(&self) -> &'static [Key] {
        match self {
            Self::Map(keys) => keys,
            Self::Section(keys) => keys(),
            Self::Either(shapes) => {
                shapes.iter().map(Self::keys).find(|keys| !keys.is_empty()).unwrap_or(&[])
            }
            _ => &[],
        }
    }

    /// Returns what is expected, as the object of "expected".
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Text(what) => (*what).to_owned(),
            Self::Word(words) => alternatives(words().names()),
            Self::Whole { min, max } if *max == i64::from(u32::MAX) => format!("a whole number from {min}"),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number { low, high } => format!("a number{}", bounds(*low, *high)),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::List { of, min, max, .. } if min == max => {
                format!("a list of exactly {min}, each {}", of.expected())
            }
            Self::List { of, .. } => format!("a list, each {}", of.expected()),
            Self::Map(_) | Self::Section(_) => {
                format!("a map that may hold {}", alternatives(self.keys().iter().map(|key| key.name)))
            }
            Self::Either(shapes) => shapes.iter().map(Self::expected).collect::<Vec<_>>().join(", or "),
            Self::Matrix => "a map from dotted keys to lists, such as `train.epochs: [5, 10]`".to_owned(),
        }
    }
}

fn bounds(low: Bound<f64>, high: Bound<f64>) -> String {
    match (low, high) {
        (Bound::Included(low), Bound::Included(high)) => format!(" from {low} to {high}"),
        (Bound::Excluded(low), Bound::Included(high)) => format!(" above {low} and at most {high}"),
        (Bound::Included(low), Bound::Excluded(high)) => format!(" from {low} and below {high}"),
        (Bound::Excluded(low), Bound::Excluded(high)) => format!(" above {low} and below {high}"),
        _ => String::new(),
    }
}

/// Finds the key at a path of names, starting from the keys of a map.
pub(crate) fn find<'a>(
    keys: &'static [Key],
    path: impl IntoIterator<Item = &'a str>,
) -> Result<&'static Key, Unknown> {
    let mut keys = keys;
    let mut found = None;
    let mut parents: Vec<&str> = Vec::new();
    for name in path {
        let known = keys.iter().find(|key| key.name == name);
        let Some(key) = known else {
            return Err(Unknown { name: name.to_owned(), section: parents.join("."), keys });
        };
        parents.push(key.name);
        keys = key.shape.keys();
        found = Some(key);
    }
    found.ok_or(Unknown { name: String::new(), section: String::new(), keys })
}

/// A key that is not in the language.
#[derive(Debug)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    /// The dotted path of the map that holds the key. It is empty at the top.
    pub(crate) section: String,
    /// The keys that the map may have.
    pub(crate) keys: &'static [Key],
}
