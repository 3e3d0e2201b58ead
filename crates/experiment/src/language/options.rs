//! Options, each of which is defined once.
//!
//! [`options!`] takes the fields of a section as a person reads them: a doc comment, a name, a type, a default and
//! bounds. From these it makes the struct of the plan, the table that checks YAML and generates the schema and the
//! documentation, and the reader. The writer is the struct's own serialisation. To add an option, add one entry.
//!
//! ```text
//! /// The share of images that are mirrored.          what it means, for the schema, the docs and the code
//! horizontal_flip: Fraction = "0";                     left out, it is this YAML
//! alpha: f64 => rank.map(strength), Shape::positive(9.0);   left out, it follows from the fields above; its bounds
//! lr: LearningRate | LEARNING_RATE;                     left out, it is what is usual for such a training
//! scale: f64, Shape::positive(9.0);                    it must be given
//! augment: Option<Augment>;                            it may be left out; the type knows its bounds
//! ```

use super::Context;
use crate::shape::{Key, Shape};
use crate::values::{BatchSize, EmaDecay, Fraction, LearningRate, Seed};
use crate::yaml::{FromNode, Node};

/// A type whose bounds are the same everywhere.
pub(crate) trait Shaped {
    const SHAPE: Shape;
}

/// A type that is read from the value of a single key.
pub(crate) trait FromValue: Sized {
    fn from_value(node: &Node, context: &mut Context<'_>) -> Option<Self>;
}

/// A type that a field of a section can have.
pub(crate) trait OptionType: Sized {
    /// Whether the key may be left out, with a meaning of its own.
    const OPTIONAL: bool = false;

    /// Returns the keys that a field of this type is written with. That is the key of the field's name, unless the type
    /// has its own.
    fn keys(key: Key) -> Vec<Key> {
        vec![key]
    }

    fn read(section: &Node, key: &str, context: &mut Context<'_>) -> Option<Self>;
}

impl<T: FromNode> FromValue for T {
    fn from_value(node: &Node, _: &mut Context<'_>) -> Option<Self> {
        Self::from_node(node)
    }
}

impl<T: FromValue> OptionType for T {
    fn read(section: &Node, key: &str, context: &mut Context<'_>) -> Option<Self> {
        Self::from_value(section.get(key)?, context)
    }
}

impl<T: FromValue> OptionType for Option<T> {
    const OPTIONAL: bool = true;

    fn read(section: &Node, key: &str, context: &mut Context<'_>) -> Option<Self> {
        match section.get(key) {
            // A value that is given must be readable.
            Some(value) => T::from_value(value, context).map(Some),
            None => Some(None),
        }
    }
}

impl<T: Shaped> Shaped for Option<T> {
    const SHAPE: Shape = T::SHAPE;
}

impl Shaped for bool {
    const SHAPE: Shape = Shape::Boolean;
}

impl Shaped for Fraction {
    const SHAPE: Shape = Shape::between(0.0, 1.0);
}

impl Shaped for LearningRate {
    const SHAPE: Shape = Shape::positive(Self::MAX);
}

impl Shaped for EmaDecay {
    const SHAPE: Shape = Shape::inside(0.0, 1.0);
}

impl Shaped for Seed {
    const SHAPE: Shape = Shape::Whole { min: 0, max: u32::MAX as i64 };
}

impl Shaped for BatchSize {
    const SHAPE: Shape = Shape::Whole { min: 1, max: Self::MAX as i64 };
}

/// Defines a section of the language. The module's documentation shows the form of its entries.
macro_rules! options {
    (
        $(#[doc = $about:tt])+
        $(#[derive($($derive:ident),+)])?
        $visibility:vis struct $Section:ident {
            $(
                $(#[doc = $doc:tt])+
                $(#[serde($($serde:tt)+)])?
                $field:ident: $Type:ty
                    $(= $default:literal)? $(| $usual:path)? $(=> $derived:expr)? $(, $shape:expr)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize $($(, $derive)+)?)]
        $visibility struct $Section {
            $(
                $(#[doc = $doc])+
                $(#[serde($($serde)+)])?
                pub $field: $Type,
            )+
        }

        impl $Section {
            /// The keys of the section, in the order of its fields.
            pub(crate) fn keys() -> &'static [$crate::shape::Key] {
                use $crate::language::options::OptionType;
                static KEYS: std::sync::LazyLock<Vec<$crate::shape::Key>> = std::sync::LazyLock::new(|| {
                    let fields = [$(
                        <$Type as OptionType>::keys($crate::shape::Key {
                            name: stringify!($field),
                            about: concat!($($doc),+),
                            shape: $crate::language::options::shape!($Type $(, $shape)?),
                            presence: $crate::language::options::presence!(
                                $Type $(, = $default)? $(, | $usual)? $(, => $derived)?
                            ),
                            only_with: None,
                        }),
                    )+];
                    fields.into_iter().flatten().collect()
                });
                &KEYS
            }
        }

        impl $crate::language::options::Shaped for $Section {
            const SHAPE: $crate::shape::Shape = $crate::shape::Shape::Section(Self::keys);
        }

        impl $crate::language::options::FromValue for $Section {
            fn from_value(
                node: &$crate::yaml::Node,
                context: &mut $crate::language::Context<'_>,
            ) -> Option<Self> {
                use $crate::language::options::OptionType;
                // `?` only at the end, so that every field gets to say what is wrong with it.
                $(
                    let $field = <$Type as OptionType>::read(node, stringify!($field), context);
                    $(let $field = if node.get(stringify!($field)).is_some() { $field } else { $derived };)?
                )+
                Some(Self { $($field: $field?),+ })
            }
        }
    };
}

/// Returns the shape of a field: the one that is given, or else that of its type.
macro_rules! shape {
    ($Type:ty) => {
        <$Type as $crate::language::options::Shaped>::SHAPE
    };
    ($Type:ty, $shape:expr) => {
        $shape
    };
}

/// Returns whether the key of a field must be there.
macro_rules! presence {
    ($Type:ty, = $default:literal) => {
        $crate::shape::Presence::Default($default)
    };
    ($Type:ty, => $derived:expr) => {
        $crate::shape::Presence::Optional
    };
    ($Type:ty, | $usual:path) => {
        $crate::shape::Presence::Usual(&$usual)
    };
    ($Type:ty) => {
        if <$Type as $crate::language::options::OptionType>::OPTIONAL {
            $crate::shape::Presence::Optional
        } else {
            $crate::shape::Presence::Required
        }
    };
}

pub(crate) use {options, presence, shape};
